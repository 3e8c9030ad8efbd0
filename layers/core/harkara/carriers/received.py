"""What carriers' requests at our routes hold: receipts, and messages of phones."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from harkara.model.tasks import Receipt


class ReceiptRequest(NamedTuple):
    """A request at a carrier's receipt route; names of headers are in lower case.

    `query` has a name's values in their order; `url` is what was called, as it was sent.
    """

    method: str
    headers: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    body: bytes
    source_ip: str = ""
    url: str = ""

    @property
    def is_probe(self) -> bool:
        """Whether it holds nothing: providers try a URL so before they use it."""
        return not self.query and not self.body.strip()


class ReceivedReceipts(NamedTuple):
    """What a carrier's receipt request held: final states, and how many entries were none.

    Intermediate ones are of a state that is known not to be final, unknown ones of a state that
    is in no table, foreign ones of no message of ours. `by_carrier_id` are receipts that name the
    carrier's own id in its normal form instead of our reference: they lack mid and try.
    `confirm_url` is to be fetched before the answer: it makes the carrier begin to send receipts.
    `replaced_time_count` is how many named a time that cannot be, or cannot be read.
    """

    receipts: list[Receipt]
    intermediate_count: int = 0
    foreign_count: int = 0
    unknown_count: int = 0
    by_carrier_id: Sequence[tuple[str, Receipt]] = ()
    confirm_url: str = ""
    replaced_time_count: int = 0


class InboundMessage(NamedTuple):
    """What a phone sent to a number of ours, numbers as the carrier writes them.

    `at_s` is 0 where the carrier names no time, `carrier_id` the carrier's id of the message or "".
    """

    sender: str
    receiver: str
    text: str
    at_s: int = 0
    carrier_id: str = ""


class ReceivedMessages(NamedTuple):
    """What a carrier's request of inbound messages held; `confirm_url` as in ReceivedReceipts."""

    messages: Sequence[InboundMessage]
    confirm_url: str = ""
