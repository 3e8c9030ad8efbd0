"""Recent changes take effect in routing, and for requests from phones."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from pydantic_core import to_json

from harkara.base.errors import CarrierUnreachable, Outside
from harkara.base.ids import ReferenceSigner
from harkara.carriers.contract import Connected
from harkara.carriers.kinds import connect
from harkara.carriers.receipts import ReceiptRequest
from harkara.carriers.settings import CarrierSecrets
from harkara.model.messages import Category, Message, MessageBatch
from harkara.model.routing import EVERYONE, Route, Routing, Rules, Weighted
from harkara.state.circuit_breaker import CircuitBreakers
from harkara.state.rates import RateLimiter
from harkara.submit.planner import BlockPart, Planner
from harkara.wiring import inbound
from tests.support.fakes import (
    FakeAccountStore,
    FakeLimitStore,
    FakeMessageStore,
    Faults,
    no_texts,
)
from tests.support.ports import FakeLastMessages, FakeSuppressionList
from tests.support.queues import FakeTaskQueues
from tests.support.registry import FakeRegistry
from tests.unit.aws.test_carriers import unused_exchange
from tests.unit.changing import (
    CARRIER,
    Deployment,
)

OUTSIDE = Outside(unused_exchange, no_texts)
SIGNER = ReferenceSigner(b"tag key")

# Routing of messages


class RoutedMessage:
    """A message of the account, and a router that has been warm for a while."""

    def __init__(self, on: Deployment, *there: str) -> None:
        message = Message("919876543210", "ACMEBK", "Hello", "r", None, campaign_id="diwali")
        batch = MessageBatch("1" + "0" * 26, "acme", "sim", Category.OTP, 0, 100, (), [message])
        counted = FakeLimitStore(Faults())
        rate_limiter = RateLimiter(counted, on.clock, lambda: 0.5)
        circuit_breakers = CircuitBreakers(counted, on.clock, lambda: 0.5, lambda _: None)
        self.on, self.there = on, there
        self.part = BlockPart(batch, 0, 1, (0,))
        self.router = Planner(on.routing, self.connect, circuit_breakers, rate_limiter, on.clock)
        self.rules = on.routing.rules("acme")

    async def connect(self, name: str) -> Connected:
        if name not in self.there:
            raise CarrierUnreachable(name)
        return Connected(CARRIER, connect(CARRIER, CarrierSecrets(), OUTSIDE))

    def carriers(self, rules: Rules | None = None) -> list[str]:
        plan = asyncio.run(self.router.plan(self.part, rules or self.rules, 0))
        return list(plan.carriers)


def via(name: str) -> Routing:
    return Routing(routes=(Route(carriers=(Weighted(carrier=name),)),))


@pytest.mark.parametrize("whose", ["acme", EVERYONE])
@pytest.mark.parametrize(
    ("before", "after", "carrier"),
    [
        pytest.param(Routing(paused=True), Routing(), "sim", id="a pause that ended"),
        pytest.param(
            Routing(paused_campaigns=("diwali",)), Routing(), "sim", id="a campaign that is resumed"
        ),
        pytest.param(via("gone"), via("spare"), "spare", id="a route that was changed"),
        pytest.param(via("gone"), Routing(), "sim", id="a route that was removed"),
    ],
)
def test_a_message_waits_by_the_routing_of_now_alone(
    whose: str, before: Routing, after: Routing, carrier: str
) -> None:
    on = Deployment()
    on.operator.change_routing(whose, lambda _: before)
    message = RoutedMessage(on, "sim", "spare")
    on.now_s += 5
    assert message.carriers() == []
    on.now_s += 5
    on.operator.change_routing(whose, lambda _: after)
    assert message.carriers() == [carrier]


def test_messages_that_wait_cost_few_reads() -> None:
    on = Deployment()
    on.operator.change_routing("acme", lambda _: Routing(paused=True))
    message = RoutedMessage(on, "sim")
    on.now_s += 5
    on.aws.requests.clear()
    for _ in range(100):
        assert message.carriers() == []
    assert on.aws.operations == ["GetItem"] * 2, "the account's routing, and that of all"


# Requests from phones


@pytest.mark.parametrize(
    ("before", "change", "asked"),
    [
        pytest.param(
            {"inbound": {}},
            lambda on: on.set_carrier(inbound={"56161": "acme"}),
            "STOP",
            id="a number that became the account's",
        ),
        pytest.param(
            {"inbound": {"56161": "acme"}},
            lambda on: on.set_account(stop_words=("bas karo",)),
            "bas karo",
            id="a word",
        ),
    ],
)
def test_who_asks_to_stop_is_out_by_what_was_set_a_moment_ago(
    before: dict[str, Any], change: Callable[[Deployment], None], asked: str
) -> None:
    on = Deployment()
    on.set_carrier(**before)
    faults = Faults()
    lists, messages = FakeSuppressionList(faults), FakeMessageStore(faults)
    service = inbound.wire(
        accounts=on.store,
        secret=lambda existing: existing.receipt_secret,
        suppressions=lists,
        registry=FakeRegistry(FakeAccountStore({})),
        store=messages,
        last=FakeLastMessages(faults),
        queues=FakeTaskQueues(faults, on.clock),
        signer=SIGNER,
        confirm=lambda _: None,
        clock=on.clock,
        randomness=bytes,
        emit=lambda _: None,
    )
    payload = {"from": "919876543210", "to": "56161", "text": asked}
    request = ReceiptRequest("POST", {}, {}, to_json([payload]))
    assert service.receive("sim", "token", request)["stop"] == 0
    on.now_s += 5
    change(on)
    assert service.receive("sim", "token", request)["stop"] == 1
    assert lists.entries("acme", ["919876543210"])
