"""Store carriers and routing; connect carriers by name, with their decrypted secrets."""

import asyncio
import time
from collections.abc import Callable

from harkara.aws.accounts import CACHE_LIMIT, CACHE_S, Cache, DynamoAccountStore, is_short
from harkara.aws.clients import DynamoDBClient, KMSClient, aws_errors
from harkara.aws.table import Table
from harkara.base.errors import CarrierUnreachable, Outside
from harkara.base.time import Clock
from harkara.carriers import kinds
from harkara.carriers.contract import Connected
from harkara.carriers.settings import CarrierSecrets, CarrierSettings
from harkara.model.routing import EVERYONE, Routing, Rules
from harkara.ports import CarrierStore


class DynamoCarrierStore(DynamoAccountStore):
    """Carriers in the Accounts table, beside accounts and credentials.

    It is apart so that functions that use no carrier do not load the models of their settings.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        table: str,
        clock: Clock = time.time,
        *,
        templates: bool = True,
    ) -> None:
        super().__init__(client, table, clock, templates=templates)
        self._carriers = Cache(self._read_carrier, CACHE_S, CACHE_LIMIT, clock)

    def carrier(
        self, name: str, suits: Callable[[CarrierSettings], bool] | None = None
    ) -> CarrierSettings | None:
        """Return a carrier's settings; its secret stays encrypted. Raises StoreUnavailable."""
        return self._carriers.get(name, suits) if is_short(name) else None

    def put_carrier(self, carrier: CarrierSettings) -> None:
        """Store a carrier's settings, with the secret encrypted by `encrypt_secret`."""
        self._put(f"carrier#{carrier.name}", "carrier", carrier)

    def _read_carrier(self, name: str, _: CarrierSettings | None) -> CarrierSettings | None:
        return self._get(f"carrier#{name}", "carrier", CarrierSettings)


class CarrierDirectory:
    """Connects a carrier on first use, and again after an operator changed its settings."""

    def __init__(self, accounts: CarrierStore, kms: KMSClient, outside: Outside) -> None:
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


def encrypt_secret(kms: KMSClient, key_id: str, carrier: str, secret: str) -> bytes:
    """Return a carrier's secret as KMS ciphertext, bound to the carrier's name."""
    with aws_errors():
        answer = kms.encrypt(
            KeyId=key_id, Plaintext=secret.encode(), EncryptionContext={"carrier": carrier}
        )
    return bytes(answer["CiphertextBlob"])


def decrypt_secrets(kms: KMSClient, carrier: CarrierSettings) -> CarrierSecrets:
    """Return a carrier's decrypted secrets. Raises StoreUnavailable."""
    return CarrierSecrets(
        decrypt_secret(kms, carrier.name, carrier.secret),
        decrypt_secret(kms, carrier.name, carrier.receipt_url),
    )


class ReceiptSecrets:
    """Decrypts the secrets that carriers sign receipts with, once each until they change."""

    def __init__(self, kms: KMSClient) -> None:
        self._kms = kms
        self._cached: dict[bytes, bytes] = {}

    def __call__(self, carrier: CarrierSettings) -> bytes:
        """Return a carrier's decrypted secret. Raises StoreUnavailable."""
        ciphertext = carrier.receipt_secret
        if ciphertext not in self._cached:
            self._cached[ciphertext] = decrypt_secret(self._kms, carrier.name, ciphertext).encode()
        return self._cached[ciphertext]


def decrypt_secret(kms: KMSClient, carrier: str, ciphertext: bytes) -> str:
    """Return a decrypted secret of a carrier, "" for none. Raises StoreUnavailable."""
    if not ciphertext:
        return ""
    with aws_errors():
        answer = kms.decrypt(CiphertextBlob=ciphertext, EncryptionContext={"carrier": carrier})
    return str(answer["Plaintext"], "utf-8")


def _is_active(settings: CarrierSettings) -> bool:
    return not settings.paused


ROUTING_CACHE_S = 30
SORT_KEY = "routing"


def partition_of(account_id: str) -> str:
    """Return the partition of an account's routing, or of the routing of all."""
    return f"routing#{account_id}"


def _is_too_old(_: Routing) -> bool:
    return False


class DynamoRoutingStore:
    """Reads routing through a cache; an account without an item has empty routing."""

    def __init__(self, client: DynamoDBClient, table: str, clock: Clock = time.time) -> None:
        self._table = Table(client, table)
        self._cache = Cache(self._read, ROUTING_CACHE_S, CACHE_LIMIT, clock)

    def rules(self, account_id: str, *, anew: bool = False) -> Rules:
        """Return the rules that apply to an account's messages. Raises StoreUnavailable."""
        suits = _is_too_old if anew else None
        own, general = self._cache.get(account_id, suits), self._cache.get(EVERYONE, suits)
        return Rules(own or Routing(), general or Routing())

    def _read(self, account_id: str, _: Routing | None) -> Routing:
        item = self._table.get(partition_of(account_id), SORT_KEY)
        return Routing.model_validate_json(item["data"]["S"]) if item else Routing()
