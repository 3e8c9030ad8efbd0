"""A carrier's rate limit: the messages that wait for a reservation, and those that do not."""

from collections import Counter

import pytest

from harkara.base.time import DAY_S, IST_OFFSET_S
from harkara.model.messages import CLOSES_S, Category
from tests.pipeline import campaign
from tests.pipeline.invariants import check_without_a_kill
from tests.pipeline.routes import carrier, records, route, send, set_routing, taken
from tests.support.wired import CARRIER, NOW
from tests.support.world import World

CLOSING = NOW - (NOW + IST_OFFSET_S) % DAY_S + CLOSES_S


def spread(world: World, name: str = "sim") -> list[float]:
    """Return the times at which a carrier accepted messages, in seconds from the first."""
    times = sorted(world.providers.by_name[name].taken_at.values())
    return [at - times[0] for at in times]


def test_a_campaign_leaves_at_its_carriers_rate_and_nobody_polls() -> None:
    world = World(carriers=[carrier("sim", rate_segments_per_s=50, priority_share=0.2)])
    answers = [send(world, 1_000), send(world, 500)]
    world.run()
    check_without_a_kill(world, *answers)
    times = spread(world)
    for block in range(0, 1_500, 100):
        # 2.5 s a block; queues delay by whole seconds.
        assert times[block] == pytest.approx(block / 40, abs=13)
        assert times[block] >= block / 40 - 2.5
    assert world.counts["waiting"] < 30, "a block comes back for its turn and for its place"
    swaps = [call for call in world.faults.calls if call == "swap"]
    assert len(swaps) <= 15 * 2 + 5, "a turn and a place a block; the endpoint's health"


def test_a_release_after_the_window_is_spread() -> None:
    world = World(now=CLOSING + 60, carriers=[carrier("sim", rate_segments_per_s=100)])
    answers = [send(world, 100, category=Category.PROMOTIONAL) for _ in range(10)]
    world.run()
    check_without_a_kill(world, *answers)
    blocks = sorted(set(spread(world)))
    assert len(blocks) == 10
    assert blocks[-1] >= 9 * 100 / 80


def test_an_otp_does_not_wait_behind_another_accounts_campaign() -> None:
    world = World(carriers=[carrier("sim", rate_segments_per_s=50)])
    answers = [send(world, 1_000)]
    otps: list[str] = []

    def urgent() -> None:
        otp = send(world, 1, category=Category.OTP)
        answers.append(otp)
        otps.append(otp[0].mid)

    for moment in (1, 5, 10):
        world.at(moment, urgent)
    world.run()
    check_without_a_kill(world, *answers)
    waits = [world.provider.taken_at[mid] - NOW for mid in otps]
    assert waits == pytest.approx([1, 5, 10], abs=1)


def test_a_slow_carrier_holds_back_its_own_messages_alone() -> None:
    world = World(
        carriers=[CARRIER, carrier("slow", rate_segments_per_s=1), carrier("fast")],
    )
    set_routing(world, routes=[route("slow", prefix="44"), route("fast", prefix="91")])
    abroad = [
        campaign.record("", to=f"+44 7400 1234{number:02d}", client_ref=f"uk{number}")
        for number in range(10)
    ]
    world.trust()  # callbacks then reserve nothing
    answers = [world.send(records(90) + abroad) for _ in range(3)]
    world.run()
    check_without_a_kill(world, *answers)
    assert taken(world) == {"slow": 30, "fast": 270}
    assert max(spread(world, "fast")) == 0
    # 12.5 s a block at the bulk lane's 0.8 of the rate; queues delay by a fifth more at the most.
    first, second, third = sorted(set(spread(world, "slow")))
    assert first == 0
    assert 12.5 <= second <= 12.5 * 1.2 + 1
    assert 25 <= third <= 25 * 1.2 + 1
    assert world.faults.calls.count("swap") == 5, "a turn is taken once, and so is a place"


def test_a_block_waits_for_a_place_that_comes_at_once_and_is_not_split() -> None:
    world = World(carriers=[CARRIER, carrier("slow", rate_segments_per_s=25), carrier("fast")])
    set_routing(world, routes=[route("slow", prefix="44"), route("fast", prefix="91")])
    abroad = campaign.record("", to="+44 7400 123456")
    answers = [world.send([*records(20), abroad, abroad]) for _ in range(3)]
    world.run()
    check_without_a_kill(world, *answers)
    assert {kind for _, kind in world.store.entries if "claim#" in kind} == {"claim#001#0000"}
    assert spread(world, "slow")[-1] == pytest.approx(0.2)


def test_who_comes_before_its_place_waits_for_it() -> None:
    world = World(carriers=[carrier("sim", rate_segments_per_s=100)])
    answers = [send(world, 100) for _ in range(5)]
    for moment in (0.5, 1.5, 2.5):
        world.at(moment, lambda: campaign.hurry(world))
    world.run()
    check_without_a_kill(world, *answers)
    blocks = sorted(set(spread(world)))
    assert len(blocks) == 5
    assert all(at >= 1.25 * number for number, at in enumerate(blocks))


def test_a_place_that_a_pause_took_is_no_place() -> None:
    world = World(carriers=[carrier("sim", rate_segments_per_s=100)])
    answers = [send(world, 100) for _ in range(10)]
    world.at(0.5, lambda: set_routing(world, paused=True))

    def resume() -> None:
        set_routing(world)
        campaign.hurry(world)

    world.at(3_600, resume)
    world.run()
    check_without_a_kill(world, *answers)
    blocks = sorted(set(spread(world)))
    assert blocks[-1] - blocks[1] >= 8 * 1.25


def test_nor_is_one_that_the_night_took() -> None:
    world = World(now=CLOSING - 33, carriers=[carrier("sim", rate_segments_per_s=100)])
    answers = [send(world, 100, category=Category.PROMOTIONAL) for _ in range(10)]
    world.run()
    check_without_a_kill(world, *answers)
    morning = [at for at in sorted(set(spread(world))) if at > 3_600]
    assert len(morning) == 7
    assert morning[-1] - morning[0] >= 6 * 1.25


def test_what_cannot_have_its_place_before_it_ends_expires_and_takes_none() -> None:
    world = World(carriers=[carrier("sim", rate_segments_per_s=10, priority_share=0.5)])
    answers = [send(world, 100, validity_s=60) for _ in range(6)]
    world.run()
    check_without_a_kill(world, *answers)
    ends = Counter(world.finals().values())
    # A block takes twenty seconds: the fourth would begin at the very end.
    assert ends == {"delivered": 400, "expired": 200}
