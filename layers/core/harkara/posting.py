"""What callbacks are posted with: where they go, who posts them, and what comes of a post."""

import math
from typing import NamedTuple, Protocol

from harkara.callback_settings import CallbackSecrets, Destination
from harkara.messages import Endpoint
from harkara.tasks import CallbackTask


class PostResult(NamedTuple):
    """What came of a callback: the HTTP status (0: none came), and why, in a few plain words.

    `retry_after_s` is what a Retry-After header asked for. `answer` is the beginning of the body,
    for the customer's eyes and never for a log. `unprocessed` are messages that the platform took
    and could not use: their client_ref, and its code. `in_doubt`: it may have taken the callback,
    and nobody heard that.
    """

    status: int
    reason: str
    retry_after_s: int = 0
    answer: str = ""
    duration_ms: int = 0
    unprocessed: tuple[tuple[str, str], ...] = ()
    in_doubt: bool = False

    @property
    def acknowledged(self) -> bool:
        """Whether the platform took it."""
        return 200 <= self.status < 300


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
