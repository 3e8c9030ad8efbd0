"""A model of SQS queues: delays, visibility, messages in flight, and fairness between tenants."""

import heapq
import itertools
import uuid
from collections import Counter, deque
from collections.abc import Callable, Collection
from dataclasses import dataclass

from tests.scale.meter import IN_FLIGHT, LIMITS, Meter
from tests.scale.threads import Threads
from tests.template.reading import template, timeout_s

_QUEUE = template()["Resources"]["ReceiptQueue"]["Properties"]
RECEIVES: int = _QUEUE["RedrivePolicy"]["maxReceiveCount"]
_BY_TIMEOUT = template()["Mappings"]["VisibilityTimeout"]
VISIBILITY_S = float(_BY_TIMEOUT[str(timeout_s("dlr"))]["Seconds"])


@dataclass(slots=True)
class Waiting:
    """A message in a queue, to be received from `due_s` on; `group` is its tenant."""

    id: str
    body: str
    group: str
    sent_s: float
    due_s: float
    receives: int = 0


class Queue:
    """A standard queue. `hear` is called when there may be a message to receive."""

    def __init__(self, threads: Threads, meter: Meter, slices: float) -> None:
        self._threads, self._meter = threads, meter
        self._most = max(10, LIMITS[IN_FLIGHT]["value"] / slices)
        self._later: list[tuple[float, int, Waiting]] = []
        self._ready: dict[str, deque[Waiting]] = {}
        self._by_group: Counter[str] = Counter()
        self._numbers = itertools.count()
        self.in_flight: dict[str, Waiting] = {}
        self.dead: list[Waiting] = []
        self.oldest_s = 0.0
        self._back_s: dict[str, float] = {}
        self.hear: Callable[[float], object] = lambda after_s: None

    def put(self, body: str, group: str, delay_s: float) -> None:
        now_s = self._threads.now_s
        self._put(Waiting(str(uuid.uuid4()), body, group, now_s, now_s + delay_s), delay_s)

    def receive(self, count: int) -> list[Waiting]:
        """Take up to `count` messages, first those of the tenants with the fewest in flight."""
        self._ripen()
        taken = list[Waiting]()
        while self._ready and len(taken) < count:
            if len(self.in_flight) >= self._most:
                self._meter.refuse(IN_FLIGHT)
                break
            # A message without a group counts as a tenant of its own.
            group = min(self._ready, key=lambda name: self._by_group[name] if name else 0)
            message = self._ready[group].popleft()
            if not self._ready[group]:
                del self._ready[group]
            message.receives += 1
            self.in_flight[message.id] = message
            self._by_group[group] += 1
            self.oldest_s = max(self.oldest_s, self._threads.now_s - message.due_s)
            taken.append(message)
        return taken

    def put_back(self, message_id: str, delay_s: float) -> None:
        """Make a received message visible again after this delay, unless it is deleted."""
        self._back_s[message_id] = self._threads.now_s + delay_s

    def settle(self, messages: Collection[Waiting], failed: Collection[str]) -> None:
        """Delete finished messages; failed ones return after their visibility time-out."""
        for message in messages:
            del self.in_flight[message.id]
            self._by_group[message.group] -= 1
            if message.id in failed:
                if message.receives >= RECEIVES:
                    self.dead.append(message)
                else:
                    back_s = self._back_s.pop(message.id, self._threads.now_s + VISIBILITY_S)
                    self._put(message, max(0.0, back_s - self._threads.now_s))

    @property
    def has_ready(self) -> bool:
        self._ripen()
        return bool(self._ready)

    @property
    def is_empty(self) -> bool:
        return not (self._ready or self._later or self.in_flight)

    @property
    def next_in_s(self) -> float | None:
        """The seconds until the next delayed message is visible; None without one."""
        return self._later[0][0] - self._threads.now_s if self._later else None

    def _put(self, message: Waiting, delay_s: float) -> None:
        heapq.heappush(self._later, (self._threads.now_s + delay_s, next(self._numbers), message))
        self.hear(delay_s)

    def _ripen(self) -> None:
        while self._later and self._later[0][0] <= self._threads.now_s:
            message = heapq.heappop(self._later)[2]
            self._ready.setdefault(message.group, deque()).append(message)
