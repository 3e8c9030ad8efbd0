"""Messages that an operator pauses are not claimed until they are resumed, and still expire."""

from typing import Any

import pytest

from harkara.accept.requests import Options
from harkara.model.messages import Category
from harkara.model.routing import EVERYONE
from tests.pipeline.invariants import check_without_a_kill
from tests.pipeline.routes import records, routed, send, set_routing, taken
from tests.support.wired import NOW
from tests.support.world import World


@pytest.mark.parametrize("who", ["acme", EVERYONE])
def test_a_paused_account_claims_nothing_until_it_is_resumed(who: str) -> None:
    world = World()
    set_routing(world, who, paused=True)
    answers = send(world, 250)
    claims: list[int] = []
    world.at(3_599, lambda: claims.append(sum("claim#" in kind for _, kind in world.store.entries)))
    world.at(3_600, lambda: set_routing(world, who))
    world.run()
    check_without_a_kill(world, answers)
    assert claims == [0]
    times = world.provider.taken_at.values()
    assert NOW + 3_600 <= min(times) <= max(times) <= NOW + 3_600 + 960 + 60
    # It was checked after one minute, then after two, then five, then every 16.
    assert world.counts["waiting"] == 7


def test_a_paused_campaign_waits_alone() -> None:
    world = World()
    set_routing(world, paused_campaigns=["spring"])
    spring = [each._replace(options=Options(campaign_id="spring")) for each in records(20)]
    summer = [
        each._replace(options=Options(campaign_id="summer"), client_ref=f"s{each.client_ref}")
        for each in records(30)
    ]
    mixed = [row for pair in zip(spring, summer, strict=False) for row in pair]
    answers = world.send(mixed + summer[20:])
    early: list[int] = []
    world.at(50, lambda: early.append(world.provider.taken.total()))
    world.at(600, lambda: set_routing(world))
    world.run()
    check_without_a_kill(world, answers)
    assert early == [30]
    assert world.provider.taken.total() == 50


def test_what_is_paused_beyond_its_validity_expires() -> None:
    world = World()
    set_routing(world, paused=True)
    answers = send(world, 5, category=Category.OTP, validity_s=90)
    world.run(200)
    assert list(world.finals().values()) == ["expired"] * 5
    world.run()
    check_without_a_kill(world, answers)
    assert not taken(world)


def test_what_is_paused_can_be_cancelled() -> None:
    world = World()
    set_routing(world, paused=True)
    answers = send(world, 2)
    world.at(100, lambda: world.cancel(answers[0].mid))
    world.at(700, lambda: set_routing(world))
    world.run()
    check_without_a_kill(world, answers)
    assert world.cancelled == {answers[0].mid}
    assert sorted(world.finals().values()) == ["cancelled", "delivered"]


@pytest.mark.parametrize(
    ("names", "at_once"), [(("a", "b"), {"b": 10}), (("a",), {})], ids=["another", "none"]
)
def test_a_paused_carrier_gets_nothing(names: tuple[str, ...], at_once: dict[str, int]) -> None:
    world = routed(*names)
    running = world.providers.settings["a"]
    world.providers.settings["a"] = running.model_copy(update={"paused": True})
    answers = send(world, 10)
    early: list[Any] = []
    world.at(50, lambda: early.append(taken(world)))
    world.at(600, lambda: world.providers.settings.update(a=running))
    world.run()
    check_without_a_kill(world, answers)
    assert early == [at_once]
    assert taken(world) == at_once or taken(world) == {"a": 10}
