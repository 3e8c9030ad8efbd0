"""Tasks for what happens after a message's final state: a reply or a click (callback queue)."""

from dataclasses import dataclass

from harkara.base.json import encode_body
from harkara.model.events import Event, row_of
from harkara.model.messages import Endpoint


@dataclass(frozen=True, slots=True)
class EventTask:
    """Post one event, in a callback of its own whose task id is that of this task.

    The retention of its ledger entries counts from `begins_ms` of the message's batch.
    """

    account_id: str
    endpoint: Endpoint
    event: Event
    begins_ms: int = 0

    def encode(self, owner: str | None = None) -> str:
        """Return the queue message's body, with a task id `owner` if it may be enqueued twice."""
        return encode_body(
            "event",
            **({"owner": owner} if owner else {}),
            account=self.account_id,
            endpoint=self.endpoint,
            event=row_of(self.event),
            begins_ms=self.begins_ms,
        )


@dataclass(frozen=True, slots=True)
class ClickTask:
    """Record and post a click on a message's short link; `number` is that of the URL."""

    mid: str
    number: int
    at_s: int
    url: str
    short_url: str

    def encode(self) -> str:
        """Return the queue message's body."""
        return encode_body(
            "click",
            mid=self.mid,
            number=self.number,
            at=self.at_s,
            url=self.url,
            short_url=self.short_url,
        )
