"""Tell to which messages of a search something happened, by their ledger entries."""

from typing import Literal, get_args

from harkara.activity.store import MessageReader
from harkara.model.ledger import REPLY_KIND, replies_of

EventName = Literal["clicked", "opened_by_machine", "replied", "corrected"]
EVENTS: tuple[str, ...] = get_args(EventName)
_KINDS = dict(zip(EVENTS, ("click", "bot", REPLY_KIND, "corrected"), strict=True))


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
            partition = replies_of(batch_id) if self._event == "replied" else batch_id
            entries = self._messages.find_entries(partition, f"{_KINDS[self._event]}#")
            self._indexes[batch_id] = frozenset(int(entry.kind.split("#")[1]) for entry in entries)
        return index in self._indexes[batch_id]
