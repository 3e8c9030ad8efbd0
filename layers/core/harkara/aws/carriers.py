"""Carriers by name, connected with their decrypted secrets."""

import asyncio
from typing import Any

from harkara import carriers
from harkara.accounts import CarrierSettings
from harkara.aws.accounts import decrypt_secret
from harkara.errors import StoreUnavailable
from harkara.ports import AccountStore, Carrier, HttpExchange


class CarrierDirectory:
    """Connects a carrier on first use, and again when an operator changed its settings."""

    def __init__(self, accounts: AccountStore, kms: Any, exchange: HttpExchange) -> None:
        self._accounts = accounts
        self._kms = kms
        self._exchange = exchange
        self._connected: dict[str, tuple[CarrierSettings, Carrier]] = {}

    async def __call__(self, name: str) -> Carrier:
        """Return a carrier. Raises StoreUnavailable when none of this name is configured."""
        settings = await asyncio.to_thread(self._accounts.carrier, name)
        if settings is None:
            raise StoreUnavailable(f"no carrier {name!r} is configured")
        known = self._connected.get(name)
        if known is not None and known[0] == settings:
            return known[1]
        password = await asyncio.to_thread(decrypt_secret, self._kms, settings)
        carrier = carriers.connect(settings, password, self._exchange)
        self._connected[name] = settings, carrier
        return carrier
