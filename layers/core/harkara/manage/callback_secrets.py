"""The secrets of a registered callback, taken out of it and put back."""

from collections.abc import Callable

from harkara.callbacks.posting import CallbackVault
from harkara.model.callbacks import CallbackEndpoint, CallbackSecrets


def secrets_in(
    vault: CallbackVault, account_id: str, callback: CallbackEndpoint
) -> CallbackSecrets:
    """Return a callback's secrets in clear. Raises StoreUnavailable."""
    if not callback.sealed:
        return CallbackSecrets()
    return vault.unseal(account_id, callback.id, callback.sealed)


def with_secrets(
    vault: CallbackVault,
    account_id: str,
    callback: CallbackEndpoint,
    change: Callable[[CallbackSecrets], CallbackSecrets],
) -> CallbackEndpoint:
    """Return a callback with what `change` makes of its secrets. Raises StoreUnavailable."""
    standing = secrets_in(vault, account_id, callback)
    secrets = change(standing)
    sealed = callback.sealed
    if secrets == CallbackSecrets():
        sealed = b""
    elif secrets != standing:
        sealed = vault.seal(account_id, callback.id, secrets)
    return callback.model_copy(
        update={
            "header_names": tuple(secrets.headers),
            "has_token": bool(secrets.token),
            "signed": bool(secrets.signing),
            "sealed": sealed,
        }
    )
