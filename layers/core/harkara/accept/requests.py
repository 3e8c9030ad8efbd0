"""The common form of send requests, of their batches and results, for all of `accept.formats`."""

from collections.abc import Callable, Container, Mapping
from types import MappingProxyType
from typing import NamedTuple, Protocol

from harkara.base.codes import Code
from harkara.model.messages import Category, Message
from harkara.model.rcs import Rcs

BODY_LIMIT_BYTES = 4 * 1024 * 1024
# Lambda's answers are limited to 6 MB (6,291,556 bytes, "Lambda quotas"), the headers and all else
# included. An accepted request whose answer does not fit would be sent again.
ANSWER_LIMIT_BYTES = 6_200_000
# An answer repeats this much of a record's fields, so that a thousand fit into it. Values that may
# be accepted are never cut.
SHOWN_LIMIT = 64
SHOWN_REF_LIMIT = 512


class Options(NamedTuple):
    """The options of a record beyond its text; most records of a request share one object.

    `send_at_ms` (Unix milliseconds) and `validity_s` are 0 if the request gives none. `variables`
    are the values of a template's variables by name: `1`, `2`, ... in order. `shorten_urls` is None
    for the account's default.
    """

    category: Category | None = None
    campaign_id: str = ""
    send_at_ms: int = 0
    validity_s: int = 0
    variables: tuple[tuple[str, str], ...] = ()
    unicode_allowed: bool = True
    shorten_urls: bool | None = None
    rcs: Rcs | None = None


NO_OPTIONS = Options()


class Record(NamedTuple):
    """One message as the platform requests it; `problem` is the error in its form."""

    to: str = ""
    sender_id: str = ""
    text: str = ""
    client_ref: str = ""
    pe_id: str = ""
    dlt_template_id: str = ""
    callback_url: str = ""
    options: Options = NO_OPTIONS
    problem: Code | None = None


class SendRequest(NamedTuple):
    """A whole request. `callback_url` is for the records that name none.

    `details` has more about records' problems, by index. `single`: the one record stood in no list,
    and the answer is to have the same form. `warning` is about a field that was ignored although it
    may have been meant. `answers`: the messages answer what phones wrote (`MessageBatch`).
    """

    records: list[Record]
    callback_url: str = ""
    details: Mapping[int, str] = MappingProxyType({})
    single: bool = False
    warning: str = ""
    answers: bool = False


def answer_bytes(body: bytes) -> int:
    """Return the bytes of a JSON body in Lambda's answer, which holds it as a JSON string."""
    return len(body) + body.count(b'"') + body.count(b"\\")


class BatchKey(NamedTuple):
    """The key of a message batch: the properties that all its messages share."""

    category: Category
    daytime_only: bool
    send_at_ms: int
    validity_s: int


class BatchMessages(NamedTuple):
    """The messages of one batch key, with their indexes in the request."""

    key: BatchKey
    indexes: list[int]
    messages: list[Message]

    def without(self, left_out: Container[int]) -> "BatchMessages":
        """Return the messages but for those at these indexes in the request."""
        rows = zip(self.indexes, self.messages, strict=True)
        kept = [(index, message) for index, message in rows if index not in left_out]
        return self._replace(
            indexes=[index for index, _ in kept], messages=[message for _, message in kept]
        )


class RecordResult(NamedTuple):
    """The result of a record: its mid, or the code of its refusal with details.

    `warning` is the DLT rule that an accepted record breaks, where the account only warns.
    `message` is the accepted message, or in a dry run the one that would be; that has no mid.
    """

    mid: str
    code: Code | None = None
    detail: str = ""
    warning: Code | None = None
    message: Message | None = None
    category: Category | None = None


class IdSource(Protocol):
    """The id source of a request's message batches, and the request's time.

    A repeated request gets the ids and the time of the first one: so, with an unchanged account, it
    becomes the same batches.
    """

    def now_ms(self) -> int:
        """Return the time of the request, used for all its checks and records."""

    def new(self, now_ms: int, batch_key: str) -> str:
        """Return the id of a batch; a later time gives a greater id.

        `batch_key` identifies a batch in its request, and differs wherever the result of the
        request's checks may differ.
        """

    def first_outcome(
        self, name: str, produce: Callable[[], Mapping[str, int]]
    ) -> Mapping[str, int]:
        """Return the outcome of `produce`, in a repeated request that of the first one.

        `name` tells the request's outcomes apart. Raises any error of `produce`; StoreUnavailable.
        """
