"""Executions of `dlr` in one event loop and in real time, with their shared state in memory.

As in Lambda, an execution takes up to ten tasks, does them concurrently and returns when the last
is done; as in processes, each has its own view of the endpoints' circuit breakers.
"""

import asyncio
import heapq
import itertools
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from harkara.base.errors import HarkaraError
from harkara.base.ids import mid_of, new_batch_id
from harkara.base.time import Deadline
from harkara.model.callbacks import CallbackEndpoint, CallbackSecrets, Destination
from harkara.model.ledger import Lease, LedgerEntry
from harkara.model.messages import Category, Endpoint, Message, MessageBatch, State
from harkara.model.tasks import CallbackTask, QueueName, Receipt, ReceiptsTask, decode_dlr
from harkara.net.callback_poster import HttpCallbackPoster
from harkara.state.endpoint_health import EndpointHealth
from harkara.state.rates import RateLimiter
from harkara.wiring import dlr
from tests.support.fakes import FakeLimitStore, FakeMessageStore, Faults, trust
from tests.support.peers import FakeDestinations
from tests.support.ports import FakeSuppressionList
from tests.support.watched import Watch, WatchedPoster

BATCH = 10
BUDGET_S = 60.0
RETRY_DELAYS_S = (5, 10, 20, 30, 30, 30, 30, 30)
FAST = 60
_IDLE_S = 0.005
_MESSAGES_A_BATCH = 1000


class Result(NamedTuple):
    """The results of a fleet; latencies are seconds from receipt to acknowledgement."""

    latencies_s: Mapping[str, float]
    posts: Counter[str]
    """How often a good endpoint got each message."""
    good: set[str]
    bad: set[str]
    dead_letters: Sequence[CallbackTask]
    attempts_ms: Mapping[str, Sequence[int]]
    """The claim time of each callback attempt, by webhook id."""
    in_doubt: set[str]
    """Messages whose callback was posted again though the first post may have been accepted."""
    bad_posts_for_receipts: int
    """How often an execution for receipts posted to a bad endpoint."""
    most_at_a_bad_one: int
    """The largest number of executions that posted to one bad endpoint at a time."""

    @property
    def p95_s(self) -> float:
        """The good endpoints' 95th percentile."""
        return statistics.quantiles(self.latencies_s.values(), n=20)[-1]

    @property
    def is_whole(self) -> bool:
        """Whether the good endpoints got all their messages."""
        return self.good == self.posts.keys()

    @property
    def is_parked_once(self) -> bool:
        """Whether exactly the callbacks of bad endpoints are parked as dead letters, each once."""
        refs = [member.client_ref for task in self.dead_letters for member in task.members]
        return len(refs) == len(self.bad) and set(refs) == self.bad

    @property
    def is_on_schedule(self) -> bool:
        """Whether each dead letter had all its attempts, none before its time."""
        return all(
            len(at_ms) == len(RETRY_DELAYS_S) + 1
            and all(
                after - before >= delay_s * 1000
                for before, after, delay_s in zip(at_ms, at_ms[1:], RETRY_DELAYS_S, strict=False)
            )
            for at_ms in (self.attempts_ms[task.webhook_id] for task in self.dead_letters)
        )


@dataclass
class Timeline:
    """A clock that may be set to run fast."""

    speed: int = 1
    _base: tuple[float, float] = field(default_factory=lambda: (time.time(), time.monotonic()))

    def __call__(self) -> float:
        base, since = self._base
        return base + (time.monotonic() - since) * self.speed

    def run_fast(self) -> None:
        self._base, self.speed = (self(), time.monotonic()), FAST


class Queues:
    """Queues in memory, ordered by the time at which a message becomes visible."""

    def __init__(self, clock: Timeline) -> None:
        self.clock = clock
        self.waiting: dict[QueueName, list[tuple[float, int, str]]] = defaultdict(list)
        self.under_way = 0
        self._numbers = itertools.count()

    def send(
        self,
        queue: QueueName,
        bodies: Sequence[str],
        group: str = "",
        delays_s: Sequence[int] = (),
    ) -> list[bool]:
        for body, delay_s in zip(bodies, delays_s or [0] * len(bodies), strict=True):
            self.schedule(queue, body, delay_s)
        return [True] * len(bodies)

    def schedule(self, queue: QueueName, body: str, delay_s: float, group: str = "") -> None:
        heapq.heappush(self.waiting[queue], (self.clock() + delay_s, next(self._numbers), body))

    def put_back(self, queue_arn: str, delays_s: Sequence[tuple[str, int]]) -> None:
        raise AssertionError("an execution here has no handler that would put anything back")

    def receive(self, queue: QueueName) -> list[tuple[float, int, str]]:
        """Take up to ten visible messages."""
        taken: list[tuple[float, int, str]] = []
        waiting = self.waiting[queue]
        while waiting and len(taken) < BATCH and waiting[0][0] <= self.clock():
            taken.append(heapq.heappop(waiting))
        self.under_way += len(taken)
        return taken

    def are_empty(self) -> bool:
        return not self.under_way and not any(self.waiting.values())


class Store(FakeMessageStore):
    """Ledger entries in memory; message batches are at hand, as in the cache of `dlr`."""

    def __init__(self, clock: Timeline) -> None:
        super().__init__(Faults(), clock)
        self.batches: dict[str, MessageBatch] = {}

    def get_batch(self, batch_id: str) -> MessageBatch | None:
        return self.batches.get(batch_id)

    def find_entries(self, partition: str, kind_prefix: str) -> list[LedgerEntry]:
        raise AssertionError("without a kill nothing is looked for")


class Fleet:
    """Executions of `dlr` and their shared state."""

    def __init__(self, name: str, urls: Sequence[str], bad: Sequence[str]) -> None:
        self.name = name
        self.clock = Timeline()
        self.queues = Queues(self.clock)
        self.store = Store(self.clock)
        self.counted = FakeLimitStore(Faults())
        self.destinations = FakeDestinations()
        self.endpoints: list[Endpoint] = []
        for number, url in enumerate((*urls, *bad)):
            endpoint = Endpoint(url, "clevertap", f"e{number}")
            settings = CallbackEndpoint(id=endpoint.callback_id, url=url)
            self.destinations.by_id[settings.id] = Destination(settings, CallbackSecrets())
            self.endpoints.append(endpoint)
            if number < len(urls):
                trust(self.counted, "acme", endpoint, self.clock())
        self.good_count = len(urls)
        self.good_urls, self.bad_urls = set(urls), set(bad)
        self.watch = Watch(lambda: self.clock.speed == 1)
        self.sent_at_s: dict[str, float] = {}
        self._worker_ids = itertools.count()

    async def send(self, count: int, rate_per_s: float) -> None:
        """Enqueue receipts at a steady rate, one task each, for the endpoints in turn."""
        began_s, sent = time.monotonic(), 0
        for at in range(0, count, _MESSAGES_A_BATCH):
            made = self._new_batch(min(_MESSAGES_A_BATCH, count - at))
            for index, message in enumerate(made.messages):
                pause_s = began_s + sent / rate_per_s - time.monotonic()
                if pause_s > 0:
                    await asyncio.sleep(pause_s)
                mid = mid_of(made.id, index)
                self.sent_at_s[message.client_ref] = time.monotonic()
                receipt = Receipt(mid, 1, State.DELIVERED, int(self.clock()))
                self.queues.send(QueueName.RECEIPT, [ReceiptsTask((receipt,)).encode()])
                sent += 1

    async def execute(
        self, queue: QueueName, poster: HttpCallbackPoster, patient: HttpCallbackPoster
    ) -> None:
        """Run one execution of a queue until it is cancelled."""
        services = dlr.wire(
            store=self.store,
            queues=self.queues,
            poster=WatchedPoster(poster, patient, self.good_urls, queue, self.watch),
            destinations=self.destinations,
            endpoint_health=EndpointHealth(
                self.counted, RateLimiter(self.counted, self.clock, lambda: 0.5), self.clock
            ),
            suppressions=FakeSuppressionList(Faults()),
            receipt_wait_s=0,
            retry_delays_s=RETRY_DELAYS_S,
            clock=self.clock,
            random_fraction=lambda: 0.5,
            emit=lambda _: None,
        )
        while True:
            batch = self.queues.receive(queue)
            if not batch:
                await asyncio.sleep(_IDLE_S)
                continue
            deadline = Deadline(lambda: BUDGET_S)
            await asyncio.gather(
                *(self._do(queue, number, body, deadline, services) for _, number, body in batch)
            )

    async def _do(
        self,
        queue: QueueName,
        number: int,
        body: str,
        deadline: Deadline,
        services: dlr.DlrServices,
    ) -> None:
        expires_at_ms = int((self.clock() + BUDGET_S) * 1000)
        lease = Lease(f"q{number}", f"h{next(self._worker_ids)}", expires_at_ms)
        try:
            await services.handle(body, lease, deadline)
        except HarkaraError:
            self.queues.schedule(queue, body, 1)
        finally:
            self.queues.under_way -= 1

    def result(self, received: Mapping[str, list[float]]) -> Result:
        """Return the fleet's results; `received` has the times at which endpoints got a message."""
        attempts_ms: dict[str, list[int]] = defaultdict(list)
        dead_letters, in_doubt = [], set()
        for (partition, kind), entry in sorted(self.store.entries.items()):
            if partition.startswith("dead-letter#"):
                task = decode_dlr(entry.data["task"])
                assert isinstance(task, CallbackTask)
                dead_letters.append(task)
            elif kind.startswith("post#"):
                attempts_ms[f"{partition}.0"].append(entry.data["at"])
                if entry.data["in_doubt"]:
                    in_doubt |= self._refs(entry.data["members"])
        own = {ref: times for ref, times in received.items() if ref in self.sent_at_s}
        latencies_s = {ref: times[0] - self.sent_at_s[ref] for ref, times in own.items()}
        posts = Counter({ref: len(times) for ref, times in own.items()})
        good, bad = self.refs(good=True), self.refs(good=False)
        watch = self.watch
        at_once = sum(watch.posts[QueueName.RECEIPT, url] for url in self.bad_urls)
        most = max((watch.most[url] for url in self.bad_urls), default=0)
        return Result(
            latencies_s, posts, good, bad, dead_letters, attempts_ms, in_doubt, at_once, most
        )

    def _refs(self, members: Mapping[str, Sequence[int]]) -> set[str]:
        """Return the client references of a callback attempt's messages."""
        batches = self.store.batches
        return {
            batches[batch_id].messages[index].client_ref
            for batch_id, indexes in members.items()
            for index in indexes
        }

    def _new_batch(self, count: int) -> MessageBatch:
        number = len(self.store.batches)
        made = MessageBatch(
            id=new_batch_id(int(time.time() * 1000), f"{self.name}{number:08d}"[:10].encode()),
            account_id="acme",
            carrier="sim",
            category=Category.TRANSACTIONAL,
            accepted_at_ms=int(self.clock() * 1000),
            block_size=100,
            endpoints=tuple(self.endpoints),
            messages=[
                Message("919876543210", "ACMEBK", "Hello", f"{self.name}.{number}.{index}", place)
                for index in range(count)
                for place in [index % len(self.endpoints)]
            ],
        )
        self.store.batches[made.id] = made
        return made

    def refs(self, *, good: bool) -> set[str]:
        """Return the client references of messages for the good endpoints, or for the bad ones."""
        return {
            message.client_ref
            for made in self.store.batches.values()
            for message in made.messages
            if message.endpoint is not None and (message.endpoint < self.good_count) is good
        }
