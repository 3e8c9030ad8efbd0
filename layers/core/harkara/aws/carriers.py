"""Connect carriers by name, with their decrypted secrets, and store routing."""

import asyncio
import time

from harkara.aws.accounts import Cache, decrypt_secret, decrypt_secrets, encrypt_secret
from harkara.aws.clients import DynamoDBClient, KMSClient
from harkara.aws.table import Table
from harkara.base.errors import CarrierUnreachable, Outside
from harkara.base.time import Clock
from harkara.carriers import kinds
from harkara.carriers.contract import Connected
from harkara.carriers.settings import CarrierSettings
from harkara.model.routing import EVERYONE, Routing, Rules
from harkara.ports import AccountStore


class CarrierDirectory:
    """Connects a carrier on first use, and again after an operator changed its settings."""

    def __init__(self, accounts: AccountStore, kms: KMSClient, outside: Outside) -> None:
        self._accounts = accounts
        self._kms = kms
        self._outside = outside
        self._connected: dict[str, Connected] = {}

    async def __call__(self, name: str) -> Connected:
        """Return a carrier. Raises CarrierUnreachable if no carrier of this name is configured."""
        settings = await asyncio.to_thread(self._accounts.carrier, name, _is_active)
        if settings is None:
            raise CarrierUnreachable(f"no carrier {name!r} is configured")
        cached = self._connected.get(name)
        if cached is not None and cached.settings == settings:
            return cached
        secrets = await asyncio.to_thread(decrypt_secrets, self._kms, settings)
        carrier = kinds.connect(settings, secrets, self._outside)
        self._connected[name] = connected = Connected(settings, carrier)
        return connected


class KmsTokenCipher:
    """Encrypts the tokens of carriers as their secrets are, with a key of KMS."""

    def __init__(self, kms: KMSClient, key_id: str) -> None:
        self._kms = kms
        self._key_id = key_id

    def encrypt(self, carrier: str, token: str) -> bytes:
        """Return a carrier's token as KMS ciphertext. Raises StoreUnavailable."""
        return encrypt_secret(self._kms, self._key_id, carrier, token)

    def decrypt(self, carrier: str, encrypted: bytes) -> str:
        """Return a carrier's decrypted token. Raises StoreUnavailable."""
        return decrypt_secret(self._kms, carrier, encrypted)


def _is_active(settings: CarrierSettings) -> bool:
    return not settings.paused


CACHE_S = 30
CACHE_LIMIT = 1_000
SORT_KEY = "routing"


def partition_of(account_id: str) -> str:
    """Return the partition of an account's routing, or of the routing of all."""
    return f"routing#{account_id}"


class DynamoRoutingStore:
    """Reads routing through a cache; an account without an item has empty routing."""

    def __init__(self, client: DynamoDBClient, table: str, clock: Clock = time.time) -> None:
        self._table = Table(client, table)
        self._cache = Cache(self._read, CACHE_S, CACHE_LIMIT, clock)

    def rules(self, account_id: str, *, anew: bool = False) -> Rules:
        """Return the rules that apply to an account's messages. Raises StoreUnavailable."""
        own, general = (
            self._cache.get(name, lambda _: not anew) or Routing()
            for name in (account_id, EVERYONE)
        )
        return Rules(own, general)

    def _read(self, account_id: str, _: Routing | None) -> Routing:
        item = self._table.get(partition_of(account_id), SORT_KEY)
        return Routing.model_validate_json(item["data"]["S"]) if item else Routing()
