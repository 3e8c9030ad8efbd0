"""Read and change the encrypted secrets of a registered callback."""

from collections.abc import Callable

from harkara.callbacks.posting import SecretCipher
from harkara.model.callbacks import CallbackEndpoint, CallbackSecrets


def secrets_in(
    cipher: SecretCipher, account_id: str, callback: CallbackEndpoint
) -> CallbackSecrets:
    """Return a callback's decrypted secrets. Raises StoreUnavailable."""
    if not callback.sealed:
        return CallbackSecrets()
    return cipher.decrypt(account_id, callback.id, callback.sealed)


def with_secrets(
    cipher: SecretCipher,
    account_id: str,
    callback: CallbackEndpoint,
    change: Callable[[CallbackSecrets], CallbackSecrets],
) -> CallbackEndpoint:
    """Return a callback with its secrets replaced by `change`. Raises StoreUnavailable."""
    existing = secrets_in(cipher, account_id, callback)
    secrets = change(existing)
    sealed = callback.sealed
    if secrets == CallbackSecrets():
        sealed = b""
    elif secrets != existing:
        sealed = cipher.encrypt(account_id, callback.id, secrets)
    return callback.model_copy(
        update={
            "header_names": tuple(secrets.headers),
            "has_token": bool(secrets.token),
            "signed": bool(secrets.signing),
            "sealed": sealed,
        }
    )
