"""What a carrier gets and what becomes of it: the contract of `carriers`."""

import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from harkara.base.codes import Code
from harkara.carriers.settings import CarrierSettings
from harkara.model.messages import Category, Message


class Taken(NamedTuple):
    """The carrier took the message and calls it so."""

    carrier_message_id: str


class Refused(NamedTuple):
    """The carrier will never take the message."""

    code: Code
    carrier_code: str


class NotTaken(NamedTuple):
    """The carrier did not take the message; later it may.

    `failed`: the carrier itself was not in order (no connection, an error of its own), it did not
    throttle. Such failures open its breaker, and so does what is in doubt.
    """

    retry_after_s: int = 0
    failed: bool = False


class InDoubt(NamedTuple):
    """The carrier may have taken the message: nobody knows."""


Outcome = Taken | Refused | NotTaken | InDoubt


class Submission(NamedTuple):
    """A message as a carrier gets it; `chain_hash` is empty where the chain is not known.

    `validity_s` seconds of its validity are left, until `ends_s` (Unix seconds): 0 where that is
    not known. `telemarketer_ids` are the account's chain, the one that submits last.
    """

    reference: str
    message: Message
    chain_hash: str = ""
    category: Category = Category.SERVICE_IMPLICIT
    account_id: str = ""
    validity_s: int = 0
    telemarketer_ids: Sequence[str] = ()
    ends_s: int = 0


class Carrier(Protocol):
    """One way to hand messages over. What comes back is read by `carriers.parse_receipts`."""

    @property
    def timeout_s(self) -> float:
        """How long `submit` takes at the most."""
        ...

    async def submit(
        self, submissions: Sequence[Submission], within_s: float = math.inf
    ) -> list[Outcome]:
        """Hand the messages over, within what is left of the invocation at the latest.

        Returns an outcome for each, in order. Raises nothing.
        """
        ...


class Connected(NamedTuple):
    """A carrier and its settings."""

    settings: CarrierSettings
    carrier: Carrier
