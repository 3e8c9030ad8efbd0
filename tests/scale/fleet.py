"""Many processes that make reservations for single messages, in virtual time on one table."""

import heapq
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import NamedTuple

from harkara.accept.service import RateLimits
from harkara.aws.limits import DynamoLimitStore
from harkara.base.errors import RequestRefused
from harkara.carriers.settings import CarrierSettings
from harkara.model.accounts import Account, Limits
from harkara.model.messages import Category, lane_of
from harkara.state.account_limits import AccountLimits
from harkara.state.quotas import Quotas
from harkara.state.rates import RateLimiter
from harkara.state.rates_shards import shards_of
from harkara.state.spend_caps import SpendCaps
from tests.scale.threads import Threads
from tests.scale.virtual_table import VirtualTable

START_S = 1_767_258_000.0
_DAY_S = 86_400.0


class Traffic(NamedTuple):
    """Messages of one kind: `per_s` from all processes together, `batch` at a time.

    Processes, accounts and carriers are drawn at random; messages arrive until `until_s`.
    """

    per_s: float
    category: Category = Category.TRANSACTIONAL
    accounts: Sequence[str] = ("a",)
    carriers: Sequence[str] = ("sim",)
    batch: int = 1
    segments: Sequence[int] = (1,)
    begins_s: float = 0.0
    until_s: float = 2.0


class Sent(NamedTuple):
    """A message that arrived at `came_s` and went out at `at_s`, seconds from the start."""

    carrier: str
    category: Category
    account: str
    segments: int
    came_s: float
    at_s: float


@dataclass
class Fleet:
    """Runs processes, and keeps their sent messages and the number of calls to the table."""

    rate: float
    priority_share: float = 0.2
    processes: int = 90
    sent: list[Sent] = field(default_factory=list)
    request: int = 0

    def __post_init__(self) -> None:
        self.dice = Random(1)  # noqa: S311 - the same each time
        self.threads = Threads(START_S)
        self.table = VirtualTable(self.threads, self.dice)

    def carrier(self, name: str = "sim") -> CarrierSettings:
        return CarrierSettings(
            name=name,
            kind="datasend",
            url="https://carrier.example",
            receipt_token_hashes=("0" * 64,),
            rate_segments_per_s=self.rate,
            priority_share=self.priority_share,
        )

    def run(self, *traffic: Traffic) -> "Fleet":
        """Run all processes with their shares of the traffic until all messages went out."""
        for _ in range(self.processes):
            arrivals = [each for kind in traffic for each in self._arrivals(kind)]
            heapq.heapify(arrivals)
            rate_limiter = RateLimiter(
                DynamoLimitStore(self.table, "Messages"), self.threads.clock, self.dice.random
            )
            self.threads.start(partial(self._process, rate_limiter, arrivals))
        self.threads.run_out()
        return self

    def _arrivals(self, kind: Traffic) -> list[tuple[float, int, float, Sent]]:
        """Return the arrivals at one process: time, number for the order, reservation, message."""
        arrivals: list[tuple[float, int, float, Sent]] = []
        at_s = kind.begins_s
        while True:
            at_s += self.dice.expovariate(kind.per_s / self.processes / kind.batch)
            if at_s >= kind.until_s:
                return arrivals
            for _ in range(kind.batch):
                choice = self.dice.choice
                carrier, account = choice(kind.carriers), choice(kind.accounts)
                sent = Sent(carrier, kind.category, account, choice(kind.segments), at_s, at_s)
                arrivals.append((at_s, len(arrivals) + int(self.dice.random() * 1e9), 0.0, sent))

    def _process(
        self, rate_limiter: RateLimiter, waiting: list[tuple[float, int, float, Sent]]
    ) -> None:
        carriers: dict[str, CarrierSettings] = {}
        while waiting:
            at_s, number, turn_s, sent = heapq.heappop(waiting)
            self.threads.sleep(at_s - self.threads.now_s)
            carrier = carriers.setdefault(sent.carrier, self.carrier(sent.carrier))
            self.request += 1
            index = rate_limiter.reserve(
                carrier, sent.account, sent.category, sent.segments, _DAY_S, turn_s
            )
            at_s = self.threads.now_s + index.wait_s
            if index.reserved:
                self.sent.append(sent._replace(at_s=at_s))
            else:
                again = at_s, number, index.turn_s, sent
                heapq.heappush(waiting, again)

    @property
    def writes(self) -> int:
        """The number of writes to the table, refused ones included."""
        return sum(self.table.writes.values())

    @property
    def writes_a_message(self) -> float:
        return self.writes / len(self.sent)

    def waits_s(self, category: Category | None = None) -> list[float]:
        """Return the waits of messages from arrival to sending, sorted."""
        return sorted(
            each.at_s - each.came_s
            for each in self.sent
            if category is None or each.category is category
        )

    def burst(self, carrier: str = "sim", lane: bool = False) -> float:
        """Return the largest excess over the rate: segments sent in any period minus rate x period.

        `carrier` selects the messages; `lane` counts bulk alone, against its own share.
        """
        rate = self.rate * (1 - self.priority_share) if lane else self.rate
        out = sorted(
            (each.at_s, each.segments)
            for each in self.sent
            if each.carrier == carrier
            and not (lane and lane_of(each.category) is not lane_of(Category.PROMOTIONAL))
        )
        most = total = 0.0
        least = float("inf")
        for at_s, segments in out:
            least = min(least, total - rate * at_s)
            total += segments
            most = max(most, total - rate * at_s - least)
        return most

    def shard_count(self, category: Category) -> int:
        return len(shards_of(self.carrier(), lane_of(category)))

    def counts(self) -> Counter[str]:
        """Return the number of sent messages by account."""
        return Counter(each.account for each in self.sent)


class Admissions:
    """Many processes that count requests against an account's limits, or else its spend cap.

    A request has one segment, and costs a millionth.
    """

    def __init__(self, limits: Mapping[str, float], processes: int = 90) -> None:
        self.account = Account(
            id="acme", name="Acme", carrier="sim", limits=Limits.model_validate(limits)
        )
        rates = [limits.get(name, 0) for name in ("requests_per_s", "segments_per_s")]
        self.rate = min(filter(None, rates), default=math.inf)
        self.processes = processes
        self.admitted: list[float] = []
        self.refused = 0
        self.dice = Random(1)  # noqa: S311 - the same each time
        self.threads = Threads(START_S)
        self.table = VirtualTable(self.threads, self.dice)

    def run(self, per_s: float, for_s: float) -> "Admissions":
        """Run all processes together at this rate of requests."""
        for _ in range(self.processes):
            store = DynamoLimitStore(self.table, "Messages")
            clock = self.threads.clock
            limits = (
                SpendCaps(Quotas(store, clock))
                if self.account.limits.spend_per_day
                else AccountLimits(store, clock, self.dice.random)
            )
            self.threads.start(partial(self._process, limits, per_s / self.processes, for_s))
        self.threads.run_out()
        return self

    def _process(self, limits: RateLimits | SpendCaps, per_s: float, for_s: float) -> None:
        came_s = self.dice.expovariate(per_s)
        while came_s < for_s:
            self.threads.sleep(came_s - self.threads.now_s)
            try:
                limits.take(self.account, 1)
                self.admitted.append(self.threads.now_s)
            except RequestRefused:
                self.refused += 1
            came_s += self.dice.expovariate(per_s)

    @property
    def writes(self) -> int:
        return sum(self.table.writes.values())

    def burst(self) -> float:
        """Return the largest excess of admitted requests in any period over rate x period."""
        most = least = 0.0
        for number, at_s in enumerate(sorted(self.admitted) if self.rate < math.inf else ()):
            least = min(least, number - self.rate * at_s)
            most = max(most, number + 1 - self.rate * at_s - least)
        return most
