"""Tell to which messages of a search something happened, by their ledger entries."""

from typing import Literal, get_args

from harkara.activity.store import MessageReader
from harkara.model.ledger import REPLY_KIND, replies_of
from harkara.submit.attempts import taken_of

EventName = Literal["submitted", "clicked", "opened_by_machine", "replied", "corrected"]
EVENTS: tuple[str, ...] = get_args(EventName)
_KINDS = {
    "clicked": "click",
    "opened_by_machine": "bot",
    "replied": REPLY_KIND,
    "corrected": "corrected",
}


class Happenings:
    """The messages to which an event happened; entries of a batch are read once a search."""

    def __init__(self, messages: MessageReader, event: str) -> None:
        self._messages = messages
        self._event = event
        self._indexes: dict[str, frozenset[int]] = {}

    def of(self, batch_id: str, index: int) -> bool:
        """Return whether it happened to a message; no event is asked for: yes."""
        if not self._event:
            return True
        if batch_id not in self._indexes:
            self._indexes[batch_id] = self._read(batch_id)
        return index in self._indexes[batch_id]

    def _read(self, batch_id: str) -> frozenset[int]:
        """Return the messages of a batch to which the event happened."""
        if self._event == "submitted":
            return taken_of(self._messages, batch_id)
        partition = replies_of(batch_id) if self._event == "replied" else batch_id
        entries = self._messages.find_entries(partition, f"{_KINDS[self._event]}#")
        return frozenset(int(entry.kind.split("#")[1]) for entry in entries)
