"""The content of carriers' requests to our routes: receipts and inbound messages."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from harkara.model.tasks import Receipt


class ReceiptRequest(NamedTuple):
    """A request to a carrier's receipt route; header names are in lower case.

    `query` has each name's values in order; `url` is the requested URL, exactly as it was sent.
    """

    method: str
    headers: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    body: bytes
    source_ip: str = ""
    url: str = ""

    @property
    def is_probe(self) -> bool:
        """Whether the request is empty: providers test a URL in this way before they use it."""
        return not self.query and not self.body.strip()


class ReceivedReceipts(NamedTuple):
    """The final states in a carrier's receipt request, and the counts of its other entries.

    Intermediate entries have a state known not to be final, unknown ones a state that is in no
    table, and foreign ones are not of a message of ours. `by_carrier_id` are receipts that contain
    the carrier's own id, here in its normal form, instead of our reference: they lack mid and
    attempt. `confirm_url` must be fetched before the answer, to make the carrier begin to send
    receipts. `replaced_time_count` counts the times that were impossible or unreadable.
    """

    receipts: list[Receipt]
    intermediate_count: int = 0
    foreign_count: int = 0
    unknown_count: int = 0
    by_carrier_id: Sequence[tuple[str, Receipt]] = ()
    confirm_url: str = ""
    replaced_time_count: int = 0


class InboundMessage(NamedTuple):
    """A message from a phone to a number of ours; both numbers as the carrier writes them.

    `at_s` is 0 if the carrier gives no time; `carrier_id` is the carrier's id of the message or "".
    """

    sender: str
    receiver: str
    text: str
    at_s: int = 0
    carrier_id: str = ""


class ReceivedMessages(NamedTuple):
    """The inbound messages in a carrier's request; `confirm_url` as in ReceivedReceipts."""

    messages: Sequence[InboundMessage]
    confirm_url: str = ""
