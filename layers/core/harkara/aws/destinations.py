"""Find the destinations of callbacks: registered callbacks with their decrypted secrets."""

from harkara.aws.clients import KMSClient, aws_errors
from harkara.model.callbacks import CallbackSecrets, Destination, unregistered
from harkara.model.messages import Endpoint
from harkara.ports import AccountStore

SECRETS_KEPT = 1_000


class KmsDestinations:
    """Finds destinations; a secret is decrypted once until it changes."""

    def __init__(self, accounts: AccountStore, kms: KMSClient) -> None:
        self._accounts = accounts
        self._kms = kms
        self._cached: dict[bytes, CallbackSecrets] = {}

    def find(
        self, account_id: str, endpoint: Endpoint, *, anew: bool = False
    ) -> Destination | None:
        """Return the destination of an endpoint's callbacks, None if it is no longer registered."""
        callback_id = endpoint.callback_id
        if not callback_id:
            return unregistered(endpoint)
        account = self._accounts.account(
            account_id, lambda known: not anew and callback_id in known.callbacks
        )
        settings = account.callbacks.get(callback_id) if account else None
        if settings is None:
            return None
        if not settings.encrypted:
            return Destination(settings, CallbackSecrets())
        if settings.encrypted not in self._cached:
            if len(self._cached) >= SECRETS_KEPT:  # drops the old secrets of renewed callbacks too
                self._cached.clear()
            self._cached[settings.encrypted] = decrypt(
                self._kms, account_id, settings.id, settings.encrypted
            )
        return Destination(settings, self._cached[settings.encrypted])


class KmsCipher:
    """Encrypts the secrets of callbacks with a key of KMS."""

    def __init__(self, kms: KMSClient, key_id: str) -> None:
        self._kms = kms
        self._key_id = key_id

    def encrypt(self, account_id: str, callback_id: str, secrets: CallbackSecrets) -> bytes:
        """Return a callback's secrets as KMS ciphertext. Raises StoreUnavailable."""
        with aws_errors():
            answer = self._kms.encrypt(
                KeyId=self._key_id,
                Plaintext=secrets.model_dump_json().encode(),
                EncryptionContext=_context(account_id, callback_id),
            )
        return bytes(answer["CiphertextBlob"])

    def decrypt(self, account_id: str, callback_id: str, encrypted: bytes) -> CallbackSecrets:
        """Return a callback's decrypted secrets. Raises StoreUnavailable."""
        return decrypt(self._kms, account_id, callback_id, encrypted)


def decrypt(kms: KMSClient, account_id: str, callback_id: str, encrypted: bytes) -> CallbackSecrets:
    """Return a callback's decrypted secrets. Raises StoreUnavailable."""
    with aws_errors():
        answer = kms.decrypt(
            CiphertextBlob=encrypted, EncryptionContext=_context(account_id, callback_id)
        )
    return CallbackSecrets.model_validate_json(answer["Plaintext"])


def _context(account_id: str, callback_id: str) -> dict[str, str]:
    return {"callback": f"{account_id}/{callback_id}"}
