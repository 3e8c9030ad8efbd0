"""Post callbacks: at once where the endpoint is quick, else from a queue of their own.

The immediate first attempt of a group takes no lease: the members are frozen in the final states
that its task wrote. Every other attempt takes a lease first (`post#`): one that waited or was
scheduled, and one that a redelivery repeats in doubt, as it cannot know whether a post was made. So
each attempt is made by one worker. A failing endpoint gets few posts
(`harkara.state.endpoint_health`).

Any other error at one group's endpoint is a failed attempt of that group. Only this package's own
errors, and the death of the process, bring back a queue message; the errors not before its other
groups are done.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from harkara.base.errors import HarkaraError
from harkara.base.retries import wait_delay, wait_for_turn, with_jitter
from harkara.base.time import Deadline
from harkara.callbacks.formats import wants
from harkara.callbacks.posting import CallbackPoster, Destinations
from harkara.callbacks.retries import Attempts
from harkara.model.callbacks import Destination, PostResult
from harkara.model.events import Event, EventTask
from harkara.model.ledger import Lease
from harkara.model.tasks import CallbackTask
from harkara.state.endpoint_health import RATE_WAIT_S, Admission, EndpointHealth, Verdict

# The time after a post's time-out to record its result, or to schedule the next attempt.
_RECORD_S = 3.0
# A callback may wait this often in a row for an endpoint that acknowledges nothing; then its
# attempt counts as failed.
_WAITS = 20
# Clocks differ: a callback that comes this early has come in time.
_EARLY_MS = 1000

_REMOVED = PostResult(0, "the callback was removed")
_FAILING = PostResult(0, "not posted: the endpoint was failing")
_GONE = PostResult(410, "not posted: the endpoint is gone")


class _Look(NamedTuple):
    """A callback's destination, the members that it wants, and whether to post now.

    There is no entry if it wants no member.
    """

    destination: Destination
    members: tuple[Event, ...]
    admission: Admission | None

    def scheduled(self, task: CallbackTask) -> CallbackTask:
        """Return the task with the schedule of its callback."""
        delays_s = self.destination.settings.retry_delays_s
        return task if delays_s == task.retry_delays_s else replace(task, retry_delays_s=delays_s)


@dataclass(frozen=True, slots=True)
class CallbackService:
    """Posts callbacks for the function `dlr`.

    Its methods return how many callbacks had which outcome. They raise OutOfTime, LeaseHeld and
    StoreUnavailable; the queue message then comes back. `post_s` is the time that a post may take.
    """

    attempts: Attempts
    poster: CallbackPoster
    destinations: Destinations
    endpoint_health: EndpointHealth
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    post_s: float = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "post_s", self.poster.timeout_s + _RECORD_S)

    async def post_all(
        self,
        groups: Sequence[CallbackTask],
        lease: Lease,
        deadline: Deadline,
        *,
        in_doubt: bool,
    ) -> Counter[str]:
        """Post the groups of the lease's own task, or leave them to the callback queue.

        `in_doubt`: an earlier delivery may have posted them. Only an `ack` proves that it did.
        """
        post = self._post_in_doubt if in_doubt else self._post_at_once
        ends = await asyncio.gather(*(_end_of(post, group, lease, deadline) for group in groups))
        # Raise an error only once all groups are done: the queue message would come back while a
        # post still ran, and that post would be made twice at once.
        counts: Counter[str] = Counter()
        for end in ends:
            if isinstance(end, Exception):
                raise end
            counts += end
        return counts

    async def post_event(self, task: EventTask, lease: Lease, deadline: Deadline) -> Counter[str]:
        """Post an event that is not a final state."""
        group = CallbackTask(
            group_task_id=lease.task_id,
            group=0,
            attempt=0,
            account_id=task.account_id,
            endpoint=task.endpoint,
            members=(task.event,),
            due_at_ms=task.due_at_ms,
        )
        # Nothing tells a redelivery from the first delivery: the first attempt takes a lease too.
        return await self.call_back(group, lease, deadline)

    async def call_back(
        self,
        task: CallbackTask,
        lease: Lease,
        deadline: Deadline,
        *,
        at_once: bool = False,
    ) -> Counter[str]:
        """Make an attempt if it is due and no other worker makes it.

        `at_once`: in an execution that writes final states, which waits for quick endpoints only.
        """
        deadline.require(self.post_s)
        attempts = self.attempts
        task = attempts.alerted(task)
        early_s = task.due_ms / 1000 - attempts.clock()
        if early_s * 1000 > _EARLY_MS:
            await attempts.schedule(task, early_s)
            return Counter(callbacks_early=1)
        look = await self._look(task, lease, at_once=at_once)
        if isinstance(look, PostResult):
            return await self._fail(task, lease, look)
        if look is None:
            return await self._fail(task, lease, _REMOVED)
        task, admission = look.scheduled(task), look.admission
        if admission is None:
            return await attempts.end_unwanted(task, lease)
        if admission.verdict is Verdict.GONE:
            return await self._fail(task, lease, _GONE)
        tired = task.waits >= _WAITS and not admission.trusted
        if admission.verdict is Verdict.FAILING or (admission.verdict is Verdict.WAIT and tired):
            return await self._fail(task, lease, _FAILING)
        if admission.verdict is Verdict.WAIT:
            if admission.turn_s:
                wait_s = wait_for_turn(admission.wait_s)
            else:
                wait_s = max(admission.wait_s, wait_delay(task.waits))
                wait_s = with_jitter(wait_s, attempts.random_fraction())
            task = replace(task, turn_ms=int(admission.turn_s * 1000))
            return await attempts.wait(task, lease, wait_s)
        with deadline.keeping(self.post_s):
            claimed = await attempts.claim(task, lease)
        if claimed is None:
            await asyncio.to_thread(
                self.endpoint_health.release, task.account_id, task.endpoint, admission
            )
            return Counter(posted_by_another=1)
        counts = Counter(callbacks_in_doubt=int(claimed.in_doubt))
        return counts + await self._post(claimed, look, admission, lease, deadline)

    async def _post_at_once(
        self, group: CallbackTask, lease: Lease, deadline: Deadline
    ) -> Counter[str]:
        """Post a group for the first time, without a lease, if its endpoint is quick."""
        later = replace(group, attempt=1)
        if not deadline.allows(self.post_s):
            await self.attempts.schedule(later, 0)
            return Counter(callbacks_handed_on=1)
        look = await self._look(group, lease, at_once=True)
        if isinstance(look, PostResult):
            return await self.attempts.record(group, lease, look)
        if look is None:
            return await self.attempts.dead_letter(group, lease, _REMOVED)
        if look.admission is None:
            return await self.attempts.end_unwanted(group, lease)
        if look.admission.verdict is Verdict.POST:
            return await self._post(look.scheduled(group), look, look.admission, lease, deadline)
        await self.attempts.schedule(later, 0)
        return Counter(callbacks_left=1)

    async def _post_in_doubt(
        self, group: CallbackTask, lease: Lease, deadline: Deadline
    ) -> Counter[str]:
        if await self.attempts.is_over(group):
            return Counter(acknowledged_before=1)
        again = replace(group, attempt=1, in_doubt=True)
        return await self.call_back(again, lease, deadline, at_once=True)

    async def _post(
        self,
        task: CallbackTask,
        look: _Look,
        admission: Admission,
        lease: Lease,
        deadline: Deadline,
    ) -> Counter[str]:
        if admission.wait_s:
            await self.sleep(admission.wait_s)
        within_s = min(deadline.remaining_s() - _RECORD_S, admission.within_s)
        required = replace(task, members=look.members)
        try:
            result = await self.poster.post(required, look.destination, within_s)
        except Exception as error:
            # The post may have left before the error.
            result = replace(self.attempts.broken(task, error), in_doubt=True)
        counts = await self.attempts.record(task, lease, result)
        if self.endpoint_health.will_write(task.account_id, task.endpoint, admission, result):
            await asyncio.to_thread(
                self.endpoint_health.report, task.account_id, task.endpoint, admission, result
            )
        return counts

    async def _fail(self, task: CallbackTask, lease: Lease, result: PostResult) -> Counter[str]:
        """Let an attempt fail without a post. It takes a lease, as a copy of it may be posted."""
        claimed = await self.attempts.claim(task, lease)
        if claimed is None:
            return Counter(posted_by_another=1)
        if result is _REMOVED:
            return await self.attempts.dead_letter(claimed, lease, result)
        return await self.attempts.record(claimed, lease, result)

    async def _look(
        self, task: CallbackTask, lease: Lease, *, at_once: bool
    ) -> _Look | PostResult | None:
        """Return the destination and whether to post now; None if the destination was removed.

        After an unforeseen error, return the result of a failed attempt.
        """
        try:
            return await asyncio.to_thread(self._looked, task, lease, at_once=at_once)
        except HarkaraError:
            raise
        except Exception as error:
            return self.attempts.broken(task, error)

    def _looked(self, task: CallbackTask, lease: Lease, *, at_once: bool) -> _Look | None:
        # After a failure read it anew: the URL or a secret may have been changed since.
        destination = self.destinations.find(task.account_id, task.endpoint, anew=task.failures > 0)
        if destination is None:
            return None
        members = tuple(member for member in task.members if wants(destination, member))
        if not members:
            return _Look(destination, members, None)
        admission = self.endpoint_health.acquire(
            task.account_id,
            task.endpoint,
            destination.settings,
            f"{lease.worker_id}.{task.group}",
            self.poster.timeout_s + RATE_WAIT_S + _RECORD_S,
            at_once=at_once,
            turn_s=task.turn_ms / 1000,
        )
        return _Look(destination, members, admission)


async def _end_of(
    post: Callable[[CallbackTask, Lease, Deadline], Awaitable[Counter[str]]],
    group: CallbackTask,
    lease: Lease,
    deadline: Deadline,
) -> Counter[str] | Exception:
    """Return the counts of a group, or its error. Cancellation is not caught: it ends them all."""
    try:
        return await post(group, lease, deadline)
    except Exception as error:
        return error
