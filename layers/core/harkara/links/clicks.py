"""Record a click on a short link, and post it to the message's callback.

The ledger entry `click#` is the first click of a person on a link; the task that owns it posts the
click. Any further click is posted only if the callback wants every one.
"""

import asyncio
from collections import Counter
from dataclasses import dataclass

from harkara.base.deadline import Deadline
from harkara.base.errors import LeaseHeld
from harkara.base.ids import split_mid
from harkara.base.log_events import EventSink, LogEvent
from harkara.base.time import Clock
from harkara.callbacks.posting import Destinations
from harkara.callbacks.service import CallbackService
from harkara.model.event_tasks import ClickTask, EventTask
from harkara.model.events import Click
from harkara.model.ledger import Lease, Relation, click_kind
from harkara.model.messages import Endpoint, MessageBatch
from harkara.ports import MessageStore


@dataclass(frozen=True, slots=True)
class ClickService:
    """Processes clicks for the function `dlr`."""

    store: MessageStore
    destinations: Destinations
    callbacks: CallbackService
    clock: Clock
    notes: EventSink

    async def click(self, task: ClickTask, lease: Lease, deadline: Deadline) -> Counter[str]:
        """Record a click, and post it if its callback wants it; return the counts by outcome.

        Raises LeaseHeld, OutOfTime and StoreUnavailable; the queue message then comes back.
        """
        self.callbacks.check_time(deadline)
        batch_id, index = split_mid(task.mid)
        batch = await asyncio.to_thread(self.store.get_batch, batch_id)
        if batch is None:  # links may last longer than messages are kept
            return Counter(batch_missing=1)
        mark = lease.mark(
            batch_id, click_kind(index, task.number), at=task.at_s * 1000, url=task.url
        )
        (existing,) = await asyncio.to_thread(
            self.store.put_if_absent, [mark], begins_ms=batch.begins_ms
        )
        relation = lease.relation(existing, int(self.clock() * 1000))
        if relation is Relation.BUSY:
            raise LeaseHeld("an earlier delivery may still be posting this")
        if relation is Relation.OURS:
            about = {"account_id": batch.account_id, "task": lease.owner}
            self.notes(LogEvent("first click on a link", about, {"first_clicks": 1}))
        message = batch.messages[index]
        if message.endpoint is None:
            return Counter(clicks=1)
        endpoint = batch.endpoints[message.endpoint]
        if relation is Relation.FOREIGN and not await self._wants_every_click(batch, endpoint):
            return Counter(repeated=1)
        click = Click(task.mid, message.client_ref, task.at_s, message.to, task.url, task.short_url)
        event = EventTask(batch.account_id, endpoint, click, batch.begins_ms)
        return await self.callbacks.post_event(event, lease, deadline)

    async def _wants_every_click(self, batch: MessageBatch, endpoint: Endpoint) -> bool:
        destination = await asyncio.to_thread(self.destinations.find, batch.account_id, endpoint)
        return destination is not None and destination.settings.every_click
