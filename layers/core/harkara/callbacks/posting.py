"""The interfaces for posting callbacks: find the destination, decrypt its secrets, post."""

import math
from typing import Protocol

from harkara.model.callbacks import CallbackSecrets, Destination, PostResult
from harkara.model.messages import Endpoint
from harkara.model.tasks import CallbackTask


class Destinations(Protocol):
    """Finds the destinations of callbacks, as accounts have registered them."""

    def find(
        self, account_id: str, endpoint: Endpoint, *, anew: bool = False
    ) -> Destination | None:
        """Return the destination of an endpoint's callbacks, None if it is no longer registered.

        The registration may be a minute old, unless it is to be read `anew`. Raises
        StoreUnavailable.
        """
        ...


class CallbackPoster(Protocol):
    """Posts callbacks to platforms."""

    @property
    def timeout_s(self) -> float:
        """How long `post` takes at most."""
        ...

    async def post(
        self, callback: CallbackTask, destination: Destination, within_s: float = math.inf
    ) -> PostResult:
        """Post a callback once, within `within_s` at most.

        Raises nothing: a failure is a result.
        """
        ...


class SecretCipher(Protocol):
    """Encrypts the secrets of callbacks, each for its own callback alone.

    Each method raises StoreUnavailable.
    """

    def encrypt(self, account_id: str, callback_id: str, secrets: CallbackSecrets) -> bytes:
        """Encrypt a callback's secrets, to be stored in the account."""
        ...

    def decrypt(self, account_id: str, callback_id: str, sealed: bytes) -> CallbackSecrets:
        """Decrypt a callback's secrets."""
        ...
