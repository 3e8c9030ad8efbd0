"""Fakes of what answers outside: providers behind the carriers, platforms and their callbacks."""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic_core import from_json, to_json

from harkara.base.errors import (
    CarrierUnreachable,
    ExchangeOutcomeUnknown,
    ExchangeUnreachable,
    HttpAnswer,
    Outside,
)
from harkara.carriers.contract import Connected
from harkara.carriers.datasend import DatasendCarrier
from harkara.carriers.settings import CarrierSecrets, CarrierSettings
from harkara.model.callbacks import Destination, PostResult, unregistered
from harkara.model.events import Dlr
from harkara.model.messages import Endpoint
from harkara.model.tasks import CallbackTask
from tests.support.fakes import Faults, no_texts

if TYPE_CHECKING:
    from tests.support.wired import Wired


@dataclass
class FakeDatasendProvider:
    """Decides by the recipient's last four digits; `taken_at` has the times of accepted messages.

    A `dead` provider accepts no connection. A `silent` one does not answer, and `takes` says
    whether it accepts the message. A `busy` one throttles, with `retry_after`. Receipts come
    `receipt_s` seconds later. A provider that `deduplicates` accepts one message for each
    reference.
    """

    world: "Wired"
    taken: Counter[str] = field(default_factory=Counter)
    taken_at: dict[str, float] = field(default_factory=dict)
    throttled: Counter[str] = field(default_factory=Counter)
    chain_hashes: dict[str, str | None] = field(default_factory=dict)
    within_s: list[float] = field(default_factory=list)
    references: Counter[str] = field(default_factory=Counter)
    dead: bool = False
    silent: Callable[[], bool] = lambda: False
    takes: bool = True
    busy: bool = False
    retry_after: str = "600"
    deduplicates: bool = False
    receipt_s: float = 0.5

    async def exchange(self, record: dict[str, str]) -> HttpAnswer:
        reference, to = record["smsgid"], record["to"]
        mid, magic = reference.partition(".")[0], to[-4:]
        if self.dead:
            raise ExchangeUnreachable("nobody listens")
        self.references[reference] += 1
        if self.busy:
            return HttpAnswer(429, {"retry-after": self.retry_after}, b"")
        if magic == "9006" and self.throttled[mid] < 2:
            self.throttled[mid] += 1
            return HttpAnswer(429, {"retry-after": "1"}, b"")
        if magic == "9005":
            return _answer({"to": to, "Error": "SENDER_BLOCKED"})
        silent = self.silent()
        if not silent or self.takes:
            await self._take(record, reference, mid, magic)
        if silent or magic == "9007":
            raise ExchangeOutcomeUnknown("no answer")
        return _answer({"to": to, "mid": f"carrier-{mid}", "smsgid": reference})

    async def _take(self, record: dict[str, str], reference: str, mid: str, magic: str) -> None:
        if self.deduplicates and self.taken[mid]:
            assert self.references[reference] > 1, "a message came again under another reference"
            return
        self.taken[mid] += 1
        self.taken_at[mid] = self.world.now
        self.chain_hashes[mid] = record.get("chainhash")
        await self.world.meanwhile()
        receipts = {
            "9001": [("UNDELIV", "27")],
            "9002": [("UNDELIV", "650")],
            "9003": [("REJECTD", "633")],
            "9004": [],
            "9008": [("DELIVRD", "000"), ("DELIVRD", "000")],
            "9010": [("UNDELIV", "1"), ("DELIVRD", "000")],
        }.get(magic, [("DELIVRD", "000")])
        for delay, (status, code) in enumerate(receipts):
            at = self.world.now if magic == "9009" else self.world.now + self.receipt_s + delay
            self.world.receipts.append((at, reference, status, code))
        if magic == "9009":
            await self.world.take_receipts()


@dataclass
class Providers:
    """The configured carriers, connected, each with its provider."""

    world: "Wired"
    settings: dict[str, CarrierSettings]
    by_name: dict[str, FakeDatasendProvider] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_name = {
            name: FakeDatasendProvider(self.world, deduplicates=settings.deduplicates)
            for name, settings in self.settings.items()
        }

    async def connect(self, name: str) -> Connected:
        """Return a carrier, as `CarrierDirectory` does."""
        if name not in self.settings:
            raise CarrierUnreachable(name)
        settings, provider, faults = self.settings[name], self.by_name[name], self.world.faults

        async def exchange(
            method: str, url: str, headers: object, content: bytes, timeout_s: float
        ) -> HttpAnswer:
            provider.within_s.append(timeout_s)
            (record,) = from_json(content)["smstosend"]
            number = faults.before("carrier")
            answer = await provider.exchange(record)
            faults.after(number)
            return answer

        secrets = CarrierSecrets("carrier-secret")
        return Connected(settings, DatasendCarrier(settings, secrets, Outside(exchange, no_texts)))

    def taken(self) -> Counter[str]:
        """How often any provider accepted each message."""
        return sum((each.taken for each in self.by_name.values()), Counter())

    def taken_at(self) -> dict[str, float]:
        """When a provider last accepted each message."""
        return {mid: at for each in self.by_name.values() for mid, at in each.taken_at.items()}


def _answer(entry: dict[str, str]) -> HttpAnswer:
    return HttpAnswer(200, {}, to_json([entry]))


@dataclass
class FakeDestinations:
    """Destinations of callbacks: those set by id, else the endpoint's own URL."""

    by_id: dict[str, Destination | None] = field(default_factory=dict)

    def find(
        self, account_id: str, endpoint: Endpoint, *, anew: bool = False
    ) -> Destination | None:
        return self.by_id.get(endpoint.callback_id, unregistered(endpoint))


@dataclass
class FakePlatform:
    """A platform that accepts callbacks after its scripted answers: statuses or whole results."""

    faults: Faults
    timeout_s: float = 10.0
    script: list[int | PostResult] = field(default_factory=list)
    taken: list[CallbackTask] = field(default_factory=list)
    posts: list[tuple[str, int, int]] = field(default_factory=list)
    within_s: list[float] = field(default_factory=list)

    async def post(
        self, callback: CallbackTask, destination: Destination, within_s: float = math.inf
    ) -> PostResult:
        self.within_s.append(within_s)
        number = self.faults.before("post")
        result = self.script.pop(0) if self.script else 200
        if isinstance(result, int):
            result = PostResult(result, f"HTTP {result}")
        self.posts.append((callback.webhook_id, callback.attempt, result.status))
        if result.acknowledged:
            self.taken.append(callback)
        self.faults.after(number)
        return result

    @property
    def dlrs(self) -> list[Dlr]:
        """The final states that the platform acknowledged, in order."""
        return [each for task in self.taken for each in task.members if isinstance(each, Dlr)]
