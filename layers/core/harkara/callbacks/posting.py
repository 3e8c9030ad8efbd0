"""What callbacks are posted with: where they go, who posts them, and what comes of a post."""

import math
from typing import Protocol

from harkara.model.callbacks import CallbackSecrets, Destination, PostResult
from harkara.model.messages import Endpoint
from harkara.model.tasks import CallbackTask


class Destinations(Protocol):
    """Where callbacks go, as the account has it registered."""

    def find(
        self, account_id: str, endpoint: Endpoint, *, anew: bool = False
    ) -> Destination | None:
        """Return where an endpoint's callbacks go, None when it is registered no more.

        What is registered may be a minute old, unless it is to be read `anew`. Raises
        StoreUnavailable.
        """
        ...


class CallbackPoster(Protocol):
    """Posts callbacks to platforms."""

    @property
    def timeout_s(self) -> float:
        """How long `post` takes at the most."""
        ...

    async def post(
        self, callback: CallbackTask, destination: Destination, within_s: float = math.inf
    ) -> PostResult:
        """Post a callback once, within what is left of the invocation at the latest.

        Raises nothing: what fails is a result.
        """
        ...


class CallbackVault(Protocol):
    """Seals the secrets of callbacks, each for its callback alone.

    Each method raises StoreUnavailable.
    """

    def seal(self, account_id: str, callback_id: str, secrets: CallbackSecrets) -> bytes:
        """Return secrets as they may lie in the account."""
        ...

    def unseal(self, account_id: str, callback_id: str, sealed: bytes) -> CallbackSecrets:
        """Return sealed secrets in clear."""
        ...
