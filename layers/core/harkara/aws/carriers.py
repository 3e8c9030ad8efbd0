"""Connect carriers by name, with their decrypted secrets."""

import asyncio
from typing import Any

from harkara.aws.accounts import decrypt_secrets
from harkara.base.errors import CarrierUnreachable
from harkara.base.exchanges import Outside
from harkara.carriers import kinds
from harkara.carriers.contract import Connected
from harkara.carriers.settings import CarrierSettings
from harkara.ports import AccountStore


class CarrierDirectory:
    """Connects a carrier on first use, and again after an operator changed its settings."""

    def __init__(self, accounts: AccountStore, kms: Any, outside: Outside) -> None:
        self._accounts = accounts
        self._kms = kms
        self._outside = outside
        self._connected: dict[str, Connected] = {}

    async def __call__(self, name: str) -> Connected:
        """Return a carrier. Raises CarrierUnreachable if no carrier of this name is configured."""
        settings = await asyncio.to_thread(self._accounts.carrier, name, _is_active)
        if settings is None:
            raise CarrierUnreachable(f"no carrier {name!r} is configured")
        known = self._connected.get(name)
        if known is not None and known.settings == settings:
            return known
        secrets = await asyncio.to_thread(decrypt_secrets, self._kms, settings)
        carrier = kinds.connect(settings, secrets, self._outside)
        self._connected[name] = connected = Connected(settings, carrier)
        return connected


def _is_active(settings: CarrierSettings) -> bool:
    return not settings.paused
