"""Routes over several carriers: one is dead, one throttles, one is behind an open circuit."""

from typing import Any

import pytest

from harkara.accept.requests import Options
from harkara.model.messages import Category
from harkara.model.routing import EVERYONE
from harkara.state.circuit_breaker import COOL_DOWN_S, RETURN_S
from tests.pipeline import campaign
from tests.pipeline.invariants import check_without_a_kill
from tests.pipeline.routes import carrier, route, routed, send, set_routing, taken
from tests.support.wired import CARRIER, NOW
from tests.support.world import World

# Routes


def test_messages_go_where_their_routes_say() -> None:
    world = World(carriers=[CARRIER, *map(carrier, ("india", "codes", "abroad"))])
    set_routing(world, routes=[route("india", prefix="91"), route("codes", categories=["otp"])])
    set_routing(world, EVERYONE, routes=[route("abroad", prefix="44"), route("codes", prefix="1")])
    answers = world.send(
        [
            campaign.record("0000"),
            campaign.record("0000")._replace(options=Options(category=Category.OTP)),
            campaign.record("", to="+44 7400 123456", client_ref="uk"),
            campaign.record("", to="+44 7400 123456", client_ref="uk otp")._replace(
                options=Options(category=Category.OTP)
            ),
            campaign.record("", to="+354 611 1234", client_ref="iceland"),
        ]
    )
    world.run()
    check_without_a_kill(world, answers)
    assert taken(world) == {"india": 2, "abroad": 1, "codes": 1, "sim": 1}


def test_a_claim_says_where_each_message_went() -> None:
    world = routed("a", "b")
    answers = send(world, 100)
    world.run()
    check_without_a_kill(world, answers)
    (claim,) = (
        entry for (_, kind), entry in world.store.entries.items() if kind == "claim#001#0000"
    )
    carriers = claim.data["carriers"]
    assert {name: len(indexes) for name, indexes in carriers.items()} == taken(world)
    assert sorted(carriers["a"] + carriers["b"]) == list(range(100))
    assert 30 < taken(world)["a"] < 70


def test_routing_counts_as_soon_as_it_is_read() -> None:
    world = routed("a", "b")
    answers = [send(world, 10, send_at_ms=int(NOW + 600) * 1000)]
    world.at(300, lambda: set_routing(world, routes=[route("b")]))
    world.run()
    check_without_a_kill(world, *answers)
    assert taken(world) == {"b": 10}


# Failover


@pytest.mark.parametrize("fault", ["dead", "busy"])
def test_what_a_carrier_does_not_take_goes_to_another(fault: str) -> None:
    world = routed("a", "b")
    setattr(world.providers.by_name["a"], fault, True)
    answers = send(world, 250)
    world.run()
    check_without_a_kill(world, answers)
    assert taken(world) == {"b": 250}
    assert set(world.finals().values()) == {"delivered"}
    assert max(world.providers.taken_at().values()) - NOW < 15, "it did not wait for the first one"
    assert not world.in_doubt()


def test_a_carrier_that_is_not_set_up_is_passed_over() -> None:
    world = World(carriers=[CARRIER, carrier("b")])
    set_routing(world, routes=[route("a", "b")])
    answers = send(world, 20)
    world.run()
    check_without_a_kill(world, answers)
    assert taken(world) == {"b": 20}


def test_all_carriers_are_tried_before_one_again() -> None:
    world = routed("a", "b", "c")
    for name in "ab":
        world.providers.by_name[name].busy = True
    answers = send(world, 30)
    world.run()
    check_without_a_kill(world, answers)
    assert taken(world) == {"c": 30}
    assert max(int(kind.split("#")[1]) for _, kind in world.store.entries if "claim" in kind) == 3
    attempts = [each.references.total() for each in world.providers.by_name.values()]
    assert max(attempts) <= 30, "a message came twice to a carrier that throttled it"


def test_a_message_waits_while_no_carrier_takes_it_and_expires() -> None:
    world = routed("a", "b")
    for each in world.providers.by_name.values():
        each.dead = True
    answers = send(world, 3, category=Category.OTP, validity_s=300)
    ended: list[Any] = []
    world.at(420, lambda: ended.extend(world.finals().values()))
    world.run()
    check_without_a_kill(world, answers)
    assert ended == ["expired"] * 3
    assert not taken(world)


# Circuit breakers


def test_a_dead_carrier_is_left_alone_and_comes_back() -> None:
    world = World()
    world.provider.dead = True
    claims: list[int] = []

    def count_claims() -> None:
        claims.append(sum("claim#" in kind for _, kind in world.store.entries))

    answers = send(world, 500)
    world.at(1, count_claims)
    world.at(COOL_DOWN_S - 1, count_claims)
    world.at(COOL_DOWN_S - 1, lambda: setattr(world.provider, "dead", False))
    world.run()
    check_without_a_kill(world, answers)
    assert claims == [1, 1], "the first block found it dead, and no other one tried"
    assert set(world.finals().values()) == {"delivered"}
    assert min(world.provider.taken_at.values()) >= NOW + COOL_DOWN_S
    assert max(world.provider.taken_at.values()) < NOW + COOL_DOWN_S + 2 * RETURN_S
    assert not world.in_doubt()


def test_a_carrier_that_answers_nothing_puts_no_more_than_a_block_in_doubt() -> None:
    world = World()
    world.provider.silent = lambda: world.now < NOW + 5
    answers = send(world, 500)
    world.run()
    check_without_a_kill(world, answers)
    assert len(world.in_doubt()) == 100
    assert set(world.provider.taken.values()) == {1}


def test_refusals_open_no_breaker() -> None:
    world = World()
    answers = world.send([campaign.record("9005", client_ref=str(n)) for n in range(250)])
    world.run()
    check_without_a_kill(world, answers)
    assert world.counts["refused"] == 250
    assert not world.counts["waiting"]
