"""Post callbacks: a first time, again on a schedule, and park what nobody took.

The first post of a group needs no mark: its members are frozen in its owner's finals. Any later one
is claimed before (`post#`), whoever makes it: the retry that was scheduled, or a redelivery that
cannot know whether a post was made and repeats it in doubt. One of them wins each attempt.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harkara import marks
from harkara.deadline import Deadline
from harkara.errors import NotOurTurn, OutOfTime
from harkara.ids import split_mid
from harkara.marks import Claimant, Relation
from harkara.parked import parked_mark
from harkara.ports import (
    CallbackPoster,
    Clock,
    Destinations,
    Luck,
    MessageStore,
    Note,
    Notes,
    PostResult,
    TaskQueues,
)
from harkara.retries import delay_after, with_jitter
from harkara.tasks import Attempt, CallbackTask, EventTask, QueueName

# What recording a post's result, or scheduling the next, may take after its time-out.
_RECORD_S = 2.0


@dataclass(frozen=True, slots=True)
class CallbackService:
    """What `dlr` does with callbacks. All but `check_time` raise StoreUnavailable."""

    store: MessageStore
    queues: TaskQueues
    poster: CallbackPoster
    destinations: Destinations
    clock: Clock
    luck: Luck
    retry_delays_s: tuple[int, ...]
    notes: Notes

    def check_time(self, deadline: Deadline) -> None:
        """Raise OutOfTime where too little time is left to post."""
        if not deadline.allows(self.poster.timeout_s + _RECORD_S):
            raise OutOfTime("too little time is left to post")

    async def post_all(
        self,
        groups: Sequence[CallbackTask],
        claimant: Claimant,
        deadline: Deadline,
        *,
        in_doubt: bool,
    ) -> Counter[str]:
        """Post groups that are the claimant's; return how many callbacks met which end.

        `in_doubt`: an earlier delivery may have posted them. Nobody can tell, unless it left an
        ack. Raises as `call_back_again` does.
        """
        post = self._post_in_doubt if in_doubt else self._post
        counts: Counter[str] = Counter()
        for posted in await asyncio.gather(*(post(group, claimant, deadline) for group in groups)):
            counts += posted
        return counts

    async def post_event(
        self, task: EventTask, claimant: Claimant, deadline: Deadline
    ) -> Counter[str]:
        """Post an event that is no final state. Raises as `call_back_again` does."""
        group = CallbackTask(
            group_owner=claimant.owner,
            group=0,
            attempt=0,
            account_id=task.account_id,
            endpoint=task.endpoint,
            members=(task.event,),
            begins_ms=task.begins_ms,
        )
        # Nothing tells a redelivery from the first, so the first attempt is claimed as well.
        return await self.call_back_again(group, claimant, deadline)

    async def call_back_again(
        self, task: CallbackTask, claimant: Claimant, deadline: Deadline, *, in_doubt: bool = False
    ) -> Counter[str]:
        """Claim an attempt and make it, if nobody else makes it.

        `in_doubt`: the attempt before may have reached the platform. The mark says so for good.
        Raises NotOurTurn and OutOfTime: the queue message comes back.
        """
        self.check_time(deadline)
        while True:
            claim = claimant.mark(
                task.group_owner,
                marks.post_kind(task.group, task.attempt),
                at=self._now_ms(),
                in_doubt=in_doubt,
            )
            (standing,) = await asyncio.to_thread(self.store.put_once, [claim])
            match claimant.relation(standing, self._now_ms()):
                case Relation.MINE:
                    doubts = Counter(callbacks_in_doubt=int(in_doubt))
                    if in_doubt:
                        about = {"webhook_id": task.webhook_id}
                        self.notes(Note("callback in doubt", about, doubts))
                    return doubts + await self._post(task, claimant, deadline)
                case Relation.THEIRS:
                    return Counter(posted_by_another=1)
                case Relation.STILL_HELD:
                    raise NotOurTurn("an earlier delivery may still be posting this")
                case Relation.EARLIER:
                    if await self._acknowledged(task):
                        return Counter(acknowledged_before=1)
                    task = replace(task, attempt=task.attempt + 1)
                    in_doubt = True

    async def _post_in_doubt(
        self, group: CallbackTask, claimant: Claimant, deadline: Deadline
    ) -> Counter[str]:
        if await self._acknowledged(group):
            return Counter(acknowledged_before=1)
        again = replace(group, attempt=1)
        return await self.call_back_again(again, claimant, deadline, in_doubt=True)

    async def _post(
        self, task: CallbackTask, claimant: Claimant, deadline: Deadline
    ) -> Counter[str]:
        """Post a group; record that it was taken, or see to the next attempt, or park it."""
        if not deadline.allows(self.poster.timeout_s + _RECORD_S):
            await self._schedule(task, 0)
            return Counter(callbacks_handed_on=1)
        destination = await asyncio.to_thread(
            self.destinations.find, task.account_id, task.endpoint
        )
        if destination is None:
            return await self._park(task, claimant, PostResult(0, "the callback was removed"))
        within_s = deadline.remaining_s() - _RECORD_S
        result = await self.poster.post(task, destination, within_s)
        if result.acknowledged:
            self._note_callback(task, "callbacks", result)
            await self._end(task, claimant, result)
            return Counter(callbacks=1)
        delay_s = delay_after(task.failures, self.retry_delays_s)
        if delay_s is not None:
            failed = replace(task, failures=task.failures + 1)
            self._note_callback(task, "callbacks_to_retry", result)
            await self._schedule(failed, with_jitter(delay_s, self.luck()))
            return Counter(callbacks_to_retry=1)
        return await self._park(task, claimant, result)

    async def _park(
        self, task: CallbackTask, claimant: Claimant, result: PostResult
    ) -> Counter[str]:
        last = Attempt(
            self._now_ms(), result.status, result.reason, result.answer, result.duration_ms
        )
        parked = parked_mark(claimant, task, last)
        await asyncio.to_thread(self.store.put_once, [parked], begins_ms=task.begins_ms)
        self._note_callback(task, "callbacks_parked", result)
        await self._end(task, claimant, result)
        return Counter(callbacks_parked=1)

    def _note_callback(self, task: CallbackTask, end: str, result: PostResult) -> None:
        chunks = sorted({split_mid(member.mid)[0] for member in task.members if member.mid})
        at_s = max(member.at_s for member in task.members)
        delays_s = {"callback_delay": self.clock() - at_s} if result.acknowledged else {}
        about = {"chunks": chunks, "webhook_id": task.webhook_id, "status": result.status}
        self.notes(Note("callback posted", about, {end: 1}, delays_s))

    async def _schedule(self, task: CallbackTask, delay_s: float) -> None:
        body = replace(task, attempt=task.attempt + 1).encode()
        await asyncio.to_thread(
            self.queues.schedule, QueueName.CALLBACK, body, delay_s, task.account_id
        )

    async def _end(self, task: CallbackTask, claimant: Claimant, result: PostResult) -> None:
        ack = claimant.mark(
            task.group_owner,
            marks.ack_kind(task.group),
            at=self._now_ms(),
            status=result.status,
            attempt=task.attempt,
            mids=[member.mid for member in task.members],
        )
        await asyncio.to_thread(self.store.put_once, [ack], begins_ms=task.begins_ms)

    async def _acknowledged(self, task: CallbackTask) -> bool:
        key = (task.group_owner, marks.ack_kind(task.group))
        (ack,) = await asyncio.to_thread(self.store.get_marks, [key])
        return ack is not None

    def _now_ms(self) -> int:
        return int(self.clock() * 1000)
