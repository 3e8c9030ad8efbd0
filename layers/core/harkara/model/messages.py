"""Messages, the batch of one request and lane, and sending hours."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from dataclasses import fields as dataclass_fields
from enum import StrEnum
from typing import NamedTuple

from harkara.base.codes import Code
from harkara.base.ids import INDEX_NAMES, mid_of
from harkara.base.json import decode, encode
from harkara.base.time import DAY_S, IST_OFFSET_S
from harkara.model.rcs import Rcs, stored_rcs

RECORD_LIMIT = 1_000

# A crash of `submit` can leave the messages of one block in doubt.
BLOCK_SIZE = 100

FORMAT_VERSION = 2
DEFAULT_VALIDITY_S = 24 * 3600


class State(StrEnum):
    """A message's final state. The first one recorded is never replaced."""

    DELIVERED = "delivered"
    FAILED = "failed"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"


class Category(StrEnum):
    """A message's category, in the terms of TRAI's rules."""

    OTP = "otp"
    TRANSACTIONAL = "transactional"
    SERVICE_IMPLICIT = "service_implicit"
    SERVICE_EXPLICIT = "service_explicit"
    PROMOTIONAL = "promotional"
    GOVERNMENT = "government"


OPENS_S = 10 * 3600
CLOSES_S = 21 * 3600

# Operators treat Service Explicit as promotional.
DAYTIME_CATEGORIES = frozenset({Category.PROMOTIONAL, Category.SERVICE_EXPLICIT})


def next_open_s(at_s: float) -> float:
    """Return the first time (Unix) from `at_s` on at which promotional messages may be sent."""
    of_day_s = (at_s + IST_OFFSET_S) % DAY_S
    if OPENS_S <= of_day_s < CLOSES_S:
        return at_s
    wait_s = OPENS_S - of_day_s
    return at_s + (wait_s if wait_s > 0 else wait_s + DAY_S)


_OTP_GOES_AS = (Category.TRANSACTIONAL, Category.SERVICE_IMPLICIT)


def admits(registered: Sequence[Category], category: Category) -> bool:
    """Return whether a header or template with these categories may be used for `category`.

    DLT has no category OTP: such messages are registered as transactional or service implicit.
    """
    also = _OTP_GOES_AS if category is Category.OTP else ()
    return category in registered or any(each in registered for each in also)


class Lane(StrEnum):
    """The queue of a message batch: an OTP never waits behind a campaign."""

    PRIORITY = "priority"
    BULK = "bulk"


def lane_of(category: Category) -> Lane:
    """Return the lane of a category: OTP and transactional messages have their own."""
    urgent = category in (Category.OTP, Category.TRANSACTIONAL)
    return Lane.PRIORITY if urgent else Lane.BULK


class Endpoint(NamedTuple):
    """The URL of a message's callback, and its format (`harkara.callbacks.formats`).

    `callback_id` is that of the account's registered callback, empty for a URL given in a request.
    `as_array`: if the format allows the choice, several messages are posted at once as an array.
    `submitted`: it is told when a carrier has taken a message.
    """

    url: str
    format: str
    callback_id: str = ""
    as_array: bool = False
    submitted: bool = False


class Message(NamedTuple):
    """One record of a request: an accepted message, or a refused record with its code.

    `to` is an msisdn (digits with country code, no +) unless refused; `endpoint` is the index of
    its callback in the batch's `endpoints`, None for no callback. `rcs` goes out first where a
    route says so; packed rows lack it in a batch where no message has any.
    """

    to: str
    sender_id: str
    text: str
    client_ref: str
    endpoint: int | None
    segment_count: int = 0
    pe_id: str = ""
    dlt_template_id: str = ""
    refusal: str = ""
    campaign_id: str = ""
    rcs: Rcs | None = None


@dataclass(frozen=True, slots=True)
class MessageBatch:
    """A message batch: messages of one request that share category, times and carrier.

    Immutable, but for an erasure (`harkara.manage.erasure`). `carrier` is "" for a refused request.

    `daytime_only`: they are sent only from 10:00 to 21:00 IST.
    `send_at_ms` is 0 for at once. `validity_s` counts from the send time, `duplicate_window_s` is 0
    for none. `two_way`: replies from phones are matched to these messages. `text_hashes` are the
    hashes by index of the texts before short links were inserted: links differ in each message, so
    only these show which texts are equal. `prices` are by index, in millionths; empty without a
    rate card; `rcs_prices` are those of what RCS delivers, empty if they do not differ. `answers`:
    they answer what phones wrote, and go to suppressed numbers, too. `erased` has the index of each
    message whose number and text were erased, with what is counted of the number: its country, and
    of an OTP its prefix.

    `due_at_ms` is the earliest time to submit the batch: validity and retention count from it.
    `expires_at_s` (Unix seconds) is the end of its validity.
    """

    id: str
    account_id: str
    carrier: str
    category: Category
    accepted_at_ms: int
    block_size: int
    endpoints: tuple[Endpoint, ...]
    messages: Sequence[Message]
    daytime_only: bool = False
    send_at_ms: int = 0
    validity_s: int = DEFAULT_VALIDITY_S
    duplicate_window_s: int = 0
    telemarketer_ids: tuple[str, ...] = ()
    two_way: bool = False
    text_hashes: tuple[str, ...] = ()
    prices: tuple[int, ...] = ()
    rcs_prices: tuple[int, ...] = ()
    answers: bool = False
    erased: tuple[tuple[int, str, str], ...] = ()
    due_at_ms: int = field(init=False)
    expires_at_s: float = field(init=False)

    def __post_init__(self) -> None:
        due_at_ms = self.send_at_ms or self.accepted_at_ms
        object.__setattr__(self, "due_at_ms", due_at_ms)
        object.__setattr__(self, "expires_at_s", due_at_ms / 1000 + self.validity_s)

    @property
    def lane(self) -> Lane:
        """The lane of the batch's category."""
        return lane_of(self.category)

    def ready_s(self, at_s: float) -> float:
        """Return the first time (Unix) from `at_s` on at which the messages may be sent."""
        begins_s = max(at_s, self.due_at_ms / 1000)
        return next_open_s(begins_s) if self.daytime_only else begins_s

    def erased_facts(self) -> Mapping[int, tuple[str, str]]:
        """Return country and prefix of erased messages by index."""
        return {index: (country, prefix) for index, country, prefix in self.erased}

    def price(self, index: int, channel: str = "") -> int:
        """Return a message's price in millionths; `channel` is `rcs` if RCS delivered it."""
        prices = self.rcs_prices if channel and self.rcs_prices else self.prices
        return prices[index] if prices else 0

    def mid(self, index: int) -> str:
        """Return the mid of message `index`."""
        return mid_of(self.id, index)

    def mids(self) -> list[str]:
        """Return the mids of all records in order."""
        return [self.id + name for name in INDEX_NAMES[: len(self.messages)]]

    @property
    def block_count(self) -> int:
        """The number of blocks of `block_size` records; the last may be short."""
        return -(-len(self.messages) // self.block_size)

    def block(self, number: int) -> list[int]:
        """Return the indexes of the accepted messages of a block."""
        start = number * self.block_size
        end = min(start + self.block_size, len(self.messages))
        return [index for index in range(start, end) if not self.messages[index].refusal]

    def refused(self) -> list[tuple[int, Code]]:
        """Return (index, code) of the batch's refused records."""
        return [
            (index, Code(message.refusal))
            for index, message in enumerate(self.messages)
            if message.refusal
        ]


def pack(batch: MessageBatch) -> bytes:
    """Return the batch as bytes: the format's version, then compressed JSON without the id."""
    fields = {name: getattr(batch, name) for name in _PACKED_FIELDS}
    has_rcs = any(message.rcs for message in batch.messages)
    fields["endpoints"] = [*map(tuple, batch.endpoints)]
    fields["messages"] = [message[: None if has_rcs else -1] for message in batch.messages]
    for name in ("rcs_prices", "answers", "erased"):  # nearly no batch has one
        if not fields[name]:
            del fields[name]
    return bytes([FORMAT_VERSION]) + zlib.compress(encode(fields), level=1)


def unpack(batch_id: str, packed: bytes) -> MessageBatch:
    """Return the batch from bytes of `pack`. Raises ValueError for an unknown version."""
    if packed[0] != FORMAT_VERSION:
        raise ValueError(f"batch format {packed[0]} is not known here")
    fields = decode(zlib.decompress(packed[1:]))
    fields["category"] = Category(fields["category"])
    fields["endpoints"] = tuple(Endpoint(*each) for each in fields["endpoints"])
    rows = fields["messages"]
    fields["messages"] = [Message(*row) for row in rows]
    if rows and len(rows[0]) == len(Message._fields):
        fields["messages"] = [
            message._replace(rcs=stored_rcs(message.rcs)) if message.rcs else message
            for message in fields["messages"]
        ]
    for name in ("telemarketer_ids", "text_hashes", "prices", "rcs_prices"):
        fields[name] = tuple(fields.get(name, ()))
    fields["erased"] = tuple(map(tuple, fields.get("erased", ())))
    return MessageBatch(id=batch_id, **fields)


_PACKED_FIELDS = tuple(
    each.name for each in dataclass_fields(MessageBatch) if each.init and each.name != "id"
)
