"""A carrier that sends Retry-After: the messages that wait for it, and how long."""

from hypothesis import given
from hypothesis import strategies as st

from harkara.model.messages import Category
from tests.pipeline import campaign
from tests.pipeline.invariants import check_without_a_kill
from tests.pipeline.routes import carrier, route, send, set_routing
from tests.support.wired import CARRIER, NOW
from tests.support.world import World


def reported_after_s(world: World) -> list[float]:
    """Return a list that gets the seconds from the start to each post of a callback."""
    times: list[float] = []

    def note(number: int, name: str) -> None:
        if name == "post":
            times.append(world.now - NOW)

    world.faults.on_call = note
    world.trust()
    return times


@given(st.integers(0, 100_000), st.integers(60, 6_000), st.floats(0, 1), st.booleans())
def test_a_message_is_tried_until_it_ends_and_ends_in_time(
    retry_after_s: int, validity_s: int, share: float, recovers: bool
) -> None:
    """The carrier asks for any wait, and recovers at any time except in the last 20 seconds."""
    world = World()
    times = reported_after_s(world)
    world.provider.busy = True
    world.provider.retry_after = str(retry_after_s)
    if recovers:
        world.at(share * (validity_s - 20), lambda: setattr(world.provider, "busy", False))
    answers = send(world, 1, category=Category.OTP, validity_s=validity_s)
    world.run()
    assert list(world.finals().values()) == ["delivered" if recovers else "expired"]
    assert max(times) <= validity_s + 3
    assert sum(world.provider.references.values()) <= 20
    check_without_a_kill(world, answers)


def test_a_carrier_is_left_alone_for_as_long_as_it_asks_where_there_is_time() -> None:
    world = World()
    world.provider.busy = True
    answers = send(world, 3)
    world.at(30, lambda: setattr(world.provider, "busy", False))
    world.run()
    check_without_a_kill(world, answers)
    assert min(world.provider.taken_at.values()) >= NOW + 600
    assert set(world.provider.references.values()) == {1}


def test_one_carriers_wait_is_not_anothers() -> None:
    """A block over two carriers: one throttles for ten minutes, the other for a second."""
    world = World(carriers=[CARRIER, carrier("slow"), carrier("fast")])
    set_routing(world, routes=[route("slow", prefix="44"), route("fast", prefix="91")])
    slow, fast = world.providers.by_name["slow"], world.providers.by_name["fast"]
    slow.busy = True
    world.at(30, lambda: setattr(slow, "busy", False))
    abroad = campaign.record("", to="+44 7400 123456", client_ref="uk")
    answers = world.send([campaign.record("9006"), campaign.record("0000"), abroad])
    world.run()
    check_without_a_kill(world, answers)
    assert max(fast.taken_at.values()) <= NOW + 15
    (slow_at,) = slow.taken_at.values()
    assert NOW + 600 <= slow_at <= NOW + 600 * 1.2 + 60
    assert slow.references.total() == 2, "it is asked no sooner than it said"


def test_of_a_block_that_waits_for_two_carriers_rates_the_sooner_goes_first() -> None:
    carriers = [
        carrier(name, rate_segments_per_s=rate) for name, rate in (("slow", 1), ("fast", 25))
    ]
    world = World(carriers=[CARRIER, *carriers])
    set_routing(world, routes=[route("slow", prefix="44"), route("fast", prefix="91")])
    rows = [
        campaign.record("0000", to=to, client_ref=f"{to}-{number}")
        for to in ("+919876540000", "+447400123456")
        for number in range(50)
    ]
    answers = [world.send(rows) for _ in range(2)]
    world.run()
    check_without_a_kill(world, *answers)
    last = {name: max(world.providers.by_name[name].taken_at.values()) for name in ("slow", "fast")}
    # 50 messages of the other request are ahead: 2.5 s at `fast`, 62.5 s at `slow`.
    assert last["fast"] <= NOW + 2.5 + 2
    assert last["slow"] >= NOW + 62.5
