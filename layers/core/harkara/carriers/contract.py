"""The contract of carriers: submissions, their outcomes, and the interface `Carrier`."""

import math
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

from harkara.base.codes import Code
from harkara.carriers.settings import CarrierSettings
from harkara.model.messages import Category, Message


class Taken(NamedTuple):
    """The carrier accepted the message under this id."""

    carrier_message_id: str


class Refused(NamedTuple):
    """The carrier will never accept the message, by its own code and words."""

    code: Code
    carrier_code: str
    words: str = ""


class NotTaken(NamedTuple):
    """The carrier did not accept the message, and may accept it later.

    `failed`: the cause was a failure of the carrier (no connection, an error of its own), not
    throttling. Such failures open its circuit breaker, and so do outcomes in doubt. `code` says why
    an RCS carrier will never accept it, so that it goes by SMS.
    """

    retry_after_s: int = 0
    failed: bool = False
    code: str = ""
    carrier_code: str = ""


class InDoubt(NamedTuple):
    """The carrier may or may not have accepted the message."""


Outcome = Taken | Refused | NotTaken | InDoubt


class Submission(NamedTuple):
    """A message to submit to a carrier; `chain_hash` is empty if the chain is not known.

    `validity_s` is the remaining validity, which ends at `expires_at_s` (Unix seconds); both are 0
    if unknown. `telemarketer_ids` are the account's chain; the last one submits.
    """

    reference: str
    message: Message
    chain_hash: str = ""
    category: Category = Category.SERVICE_IMPLICIT
    account_id: str = ""
    validity_s: int = 0
    telemarketer_ids: Sequence[str] = ()
    expires_at_s: int = 0


class Revocation(StrEnum):
    """What an RCS carrier says of a message that it is to revoke."""

    REVOKED = "revoked"
    """The phone will never get it."""
    KEPT = "kept"
    """The phone has it, or will get it, or the carrier never had it."""
    UNKNOWN = "unknown"
    """No answer, or none that says so: to be asked again."""


class Carrier(Protocol):
    """A connection that submits messages; `carriers.kinds` has what reads its receipts."""

    @property
    def timeout_s(self) -> float:
        """The longest time that `submit` takes."""
        ...

    async def submit(
        self, submissions: Sequence[Submission], within_s: float = math.inf
    ) -> list[Outcome]:
        """Submit messages within `within_s` seconds, the time left in the invocation.

        Returns an outcome for each, in order. Raises nothing.
        """
        ...

    async def revoke(self, submission: Submission, within_s: float) -> Revocation:
        """Revoke a message under the reference of its submission, if it is not delivered.

        A repetition gets the same answer. Raises nothing.
        """
        ...


class Connected(NamedTuple):
    """A carrier and its settings."""

    settings: CarrierSettings
    carrier: Carrier
