"""Take the answer whether an OTP was verified: how many are, by prefix, shows SMS pumping.

The first answer about a message stands: it is a ledger entry, put only if it is absent, by which
the function `activity` counts it once.
"""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from harkara.base.codes import Code
from harkara.base.errors import FieldRefused, RequestRefused
from harkara.base.time import Clock
from harkara.model.accounts import Account
from harkara.model.activity import facts_of
from harkara.model.fields import Fields, Rule, read
from harkara.model.ledger import LedgerEntry, feedback_kind
from harkara.model.messages import Category
from harkara.ports import MessageStore
from harkara.submit.attempts import find_message

Verified = Annotated[
    bool,
    Field(description="Whether the person gave the code back.", examples=[True]),
    Rule("true or false"),
]


class Feedback(BaseModel):
    """What became of an OTP."""

    verified: Verified


class FeedbackResult(TypedDict):
    """The answer that stands: the first one."""

    mid: Annotated[str, Field(description="Our id of the message.")]
    verified: bool


@dataclass(frozen=True, slots=True)
class FeedbackService:
    """Takes answers about OTPs, in the `manage` function."""

    store: MessageStore
    clock: Clock

    def put(self, account: Account, mid: str, fields: Fields) -> FeedbackResult:
        """Put down whether an OTP was verified, unless that is known; return what stands.

        Raises RequestRefused (INVALID_REQUEST; NOT_FOUND, also for a message of another account;
        NOT_AN_OTP) and StoreUnavailable: the answer may then stand.
        """
        try:
            verified = read(Feedback, fields).verified
        except FieldRefused as error:
            raise RequestRefused(Code.INVALID_REQUEST, f"({error})") from error
        batch, index = find_message(self.store, account.id, mid)
        if batch.category != Category.OTP:
            raise RequestRefused(Code.NOT_AN_OTP)
        at_ms, of = int(self.clock() * 1000), facts_of(batch, index)
        data = {"verified": verified, "at": at_ms, "of": of}
        entry = LedgerEntry(batch.id, feedback_kind(index), account.id, "", 0, data)
        (standing,) = self.store.put_if_absent([entry], due_at_ms=batch.due_at_ms)
        return {"mid": mid, "verified": standing.data["verified"]}
