"""Messages, and the chunk that holds the messages of one request and lane."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from dataclasses import fields as dataclass_fields
from enum import StrEnum
from typing import NamedTuple

from harkara.base.codes import Code
from harkara.base.ids import INDEX_NAMES, mid_of
from harkara.base.json import decode, encode

RECORD_LIMIT = 1_000

# A block is what one crash of `submit` can leave in doubt.
BLOCK_SIZE = 100

FORMAT_VERSION = 2
DEFAULT_VALIDITY_S = 24 * 3600


class State(StrEnum):
    """A message's final state. The first that is recorded stands."""

    DELIVERED = "delivered"
    FAILED = "failed"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    CANCELLED = "cancelled"


class Category(StrEnum):
    """What kind of message it is, in the words of TRAI's rules."""

    OTP = "otp"
    TRANSACTIONAL = "transactional"
    SERVICE_IMPLICIT = "service_implicit"
    SERVICE_EXPLICIT = "service_explicit"
    PROMOTIONAL = "promotional"


class Lane(StrEnum):
    """Which queue a chunk waits in: an OTP never waits behind a campaign."""

    PRIORITY = "priority"
    BULK = "bulk"


def lane_of(category: Category) -> Lane:
    """OTP and transactional messages have a lane of their own."""
    urgent = category in (Category.OTP, Category.TRANSACTIONAL)
    return Lane.PRIORITY if urgent else Lane.BULK


class Endpoint(NamedTuple):
    """Where a message's callback goes, and in which format (`harkara.callbacks.formats`).

    `callback_id` names the account's registered callback, empty for a URL of the request's own.
    `as_array`: it takes several messages at once, of a format that has a choice.
    """

    url: str
    format: str
    callback_id: str = ""
    as_array: bool = False


class Message(NamedTuple):
    """One record of a request: an accepted message, or a refused record with its code.

    `to` is an msisdn (digits with country code, no +) unless refused; `endpoint` is the place of
    its callback in the chunk's `endpoints`, None where nobody wants to hear.
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


@dataclass(frozen=True, slots=True)
class Chunk:
    """Messages of one request that share category, times and carrier; never changed.

    `daytime_only`: they go out between 10:00 and 21:00 IST alone (`harkara.model.sending_hours`).
    `send_at_ms` is 0 for at once. `validity_s` counts from the send time, `duplicate_window_s` is 0
    for none. `two_way`: what phones answer belongs to these messages. `text_hashes` are, by index,
    of texts before they got short links: each link is another, so only these tell which are alike.
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

    @property
    def lane(self) -> Lane:
        """Which queue it waits in."""
        return lane_of(self.category)

    @property
    def begins_ms(self) -> int:
        """From when on it may be submitted: validity and retention count from here."""
        return self.send_at_ms or self.accepted_at_ms

    @property
    def ends_s(self) -> float:
        """Until when it may be submitted, in Unix seconds."""
        return self.begins_ms / 1000 + self.validity_s

    def mid(self, index: int) -> str:
        """Return the mid of message `index`."""
        return mid_of(self.id, index)

    def mids(self) -> Iterator[str]:
        """Return the mids of all messages in order."""
        return (self.id + name for name in INDEX_NAMES[: len(self.messages)])

    @property
    def block_count(self) -> int:
        """How many blocks of `block_size` records there are; the last may be short."""
        return -(-len(self.messages) // self.block_size)

    def block(self, number: int) -> list[int]:
        """Return the indexes of the accepted messages of a block."""
        start = number * self.block_size
        end = min(start + self.block_size, len(self.messages))
        return [index for index in range(start, end) if not self.messages[index].refusal]

    def refused(self) -> list[tuple[int, Code]]:
        """Return (index, code) of the records that were refused in an accepted request."""
        return [
            (index, Code(message.refusal))
            for index, message in enumerate(self.messages)
            if message.refusal
        ]


def pack(chunk: Chunk) -> bytes:
    """Return the chunk as bytes: the format's version, then compressed JSON without the id."""
    fields = {name: getattr(chunk, name) for name in _PACKED_FIELDS}
    fields["messages"] = list(map(tuple, chunk.messages))
    return bytes([FORMAT_VERSION]) + zlib.compress(encode(fields), level=1)


def unpack(chunk_id: str, packed: bytes) -> Chunk:
    """Return the chunk that `pack` made. Raises ValueError for a version of the future."""
    if packed[0] != FORMAT_VERSION:
        raise ValueError(f"chunk format {packed[0]} is not known here")
    fields = decode(zlib.decompress(packed[1:]))
    fields["category"] = Category(fields["category"])
    fields["endpoints"] = tuple(Endpoint(*each) for each in fields["endpoints"])
    fields["messages"] = [Message(*each) for each in fields["messages"]]
    for name in ("telemarketer_ids", "text_hashes"):
        fields[name] = tuple(fields.get(name, ()))
    return Chunk(id=chunk_id, **fields)


_PACKED_FIELDS = tuple(each.name for each in dataclass_fields(Chunk) if each.name != "id")
