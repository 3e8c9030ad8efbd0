"""Messages, and the chunk that holds the messages of one request and lane."""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from harkara.codes import Code
from harkara.ids import INDEX_NAMES, mid_of
from harkara.jsons import decode, encode

FORMAT_VERSION = 1


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


class Message(NamedTuple):
    """One record of a request: an accepted message, or a refused record with its code.

    `to` is an msisdn (digits with country code, no +) unless refused; `endpoint` is the place of
    its callback URL in the chunk's `endpoints`, None where nobody wants to hear.
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


@dataclass(frozen=True, slots=True)
class Chunk:
    """The messages of one request and lane, written once and never changed."""

    id: str
    account_id: str
    carrier: str
    lane: Lane
    accepted_at_ms: int
    block_size: int
    callback_format: str
    endpoints: tuple[str, ...]
    messages: Sequence[Message]

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
    fields = [
        chunk.account_id,
        chunk.carrier,
        chunk.lane,
        chunk.accepted_at_ms,
        chunk.block_size,
        chunk.callback_format,
        chunk.endpoints,
        list(map(tuple, chunk.messages)),
    ]
    return bytes([FORMAT_VERSION]) + zlib.compress(encode(fields), level=1)


def unpack(chunk_id: str, packed: bytes) -> Chunk:
    """Return the chunk that `pack` made. Raises ValueError for a version of the future."""
    if packed[0] != FORMAT_VERSION:
        raise ValueError(f"chunk format {packed[0]} is not known here")
    account, carrier, lane, accepted_at_ms, block_size, callback_format, endpoints, messages = (
        decode(zlib.decompress(packed[1:]))
    )
    return Chunk(
        id=chunk_id,
        account_id=account,
        carrier=carrier,
        lane=Lane(lane),
        accepted_at_ms=accepted_at_ms,
        block_size=block_size,
        callback_format=callback_format,
        endpoints=tuple(endpoints),
        messages=[Message(*fields) for fields in messages],
    )
