"""Several carriers: one is dead, one throttles, one deduplicates; pauses, and a carrier's rate."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harkara.hours import CLOSES_S, DAY_S, IST_OFFSET_S
from harkara.messages import Category
from harkara.requests import Options, Record
from harkara.routing import EVERYONE, Routing
from harkara.services.breaker import COOL_DOWN_S, RETURN_S
from tests.fakes import Faults
from tests.pipeline import campaign
from tests.pipeline.invariants import check, check_without_a_kill
from tests.world import CARRIER, NOW, World

CLOSING = NOW - (NOW + IST_OFFSET_S) % DAY_S + CLOSES_S
RESUBMIT = {category: "resubmit" for category in Category}


def carrier(name: str, **fields: Any) -> Any:
    return CARRIER.model_copy(update={"name": name, **fields})


def route(*names: str, **fields: Any) -> dict[str, Any]:
    """Return a route over these carriers, of equal weights."""
    return {"carriers": [{"carrier": name} for name in names], **fields}


def routed(*names: str, faults: Faults | None = None, **fields: Any) -> World:
    """Return a world whose messages go over these carriers."""
    carriers = [CARRIER, *(carrier(name) for name in names)]
    world = World(faults, carriers=carriers)
    set_routing(world, routes=[route(*names)], **fields)
    return world


def set_routing(world: World, account: str = "acme", **fields: Any) -> None:
    world.routing.routing[account] = Routing.model_validate(fields)


def records(count: int, **fields: Any) -> list[Record]:
    return [
        campaign.record("0000", to=f"9198{number:04d}0000", client_ref=str(number))._replace(
            options=Options(**fields)
        )
        for number in range(count)
    ]


def send(world: World, count: int, **fields: Any) -> list[Any]:
    answers = world.send(records(count, **fields))
    assert answers
    return answers


def taken(world: World) -> Counter[str]:
    """How many messages each carrier took."""
    return +Counter({name: each.taken.total() for name, each in world.providers.by_name.items()})


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
    (claim,) = (mark for (_, kind), mark in world.store.marks.items() if kind == "claim#001#0000")
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
    assert max(int(kind.split("#")[1]) for _, kind in world.store.marks if "claim" in kind) == 3
    tries = [each.references.total() for each in world.providers.by_name.values()]
    assert max(tries) <= 30, "a message came twice to a carrier that throttled it"


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


# Breakers


def test_a_dead_carrier_is_left_alone_and_comes_back() -> None:
    world = World()
    world.provider.dead = True
    claims: list[int] = []

    def count_claims() -> None:
        claims.append(sum("claim#" in kind for _, kind in world.store.marks))

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


# Pauses


@pytest.mark.parametrize("who", ["acme", EVERYONE])
def test_a_paused_account_claims_nothing_until_it_is_resumed(who: str) -> None:
    world = World()
    set_routing(world, who, paused=True)
    answers = send(world, 250)
    claims: list[int] = []
    world.at(3_599, lambda: claims.append(sum("claim#" in kind for _, kind in world.store.marks)))
    world.at(3_600, lambda: set_routing(world, who))
    world.run()
    check_without_a_kill(world, answers)
    assert claims == [0]
    times = world.provider.taken_at.values()
    assert NOW + 3_600 <= min(times) <= max(times) <= NOW + 3_600 + 300
    # It looked after a minute, then after two, then every five.
    assert world.counts["waiting"] == 14


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


# A carrier's rate


def spread(world: World, name: str = "sim") -> list[float]:
    """Return the times at which a carrier took messages, from the first."""
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
    assert world.counts["waiting"] < 20, "a place is asked for once a block"
    swaps = [call for call in world.faults.calls if call == "swap"]
    assert len(swaps) < 20


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
    # 12.5 s a block at the bulk lane's 0.8 a second; queues delay by a fifth more at the most.
    blocks = sorted(set(spread(world, "slow")))
    assert blocks == pytest.approx([0, 12.5 * 1.1, 25 * 1.1], abs=1)
    assert world.faults.calls.count("swap") == 3, "a place is reserved once"


def test_a_block_waits_for_a_place_that_comes_at_once_and_is_not_split() -> None:
    world = World(carriers=[CARRIER, carrier("slow", rate_segments_per_s=25), carrier("fast")])
    set_routing(world, routes=[route("slow", prefix="44"), route("fast", prefix="91")])
    abroad = campaign.record("", to="+44 7400 123456")
    answers = [world.send([*records(20), abroad, abroad]) for _ in range(3)]
    world.run()
    check_without_a_kill(world, *answers)
    assert {kind for _, kind in world.store.marks if "claim#" in kind} == {"claim#001#0000"}
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
    world = World(now=CLOSING - 3, carriers=[carrier("sim", rate_segments_per_s=100)])
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


# In doubt


def silent_at_first(world: World, *, takes: bool) -> None:
    provider = world.provider
    provider.silent = lambda: provider.references.total() <= 1
    provider.takes = takes


@pytest.mark.parametrize("takes", [True, False], ids=["taken", "lost on the way"])
def test_in_doubt_goes_again_under_its_reference_where_it_is_said(takes: bool) -> None:
    world = World(carriers=[carrier("sim", deduplicates=True)])
    set_routing(world, in_doubt=RESUBMIT)
    silent_at_first(world, takes=takes)
    answers = send(world, 1)
    world.run()
    check_without_a_kill(world, answers)
    assert list(world.finals().values()) == ["delivered"]
    assert list(world.provider.references.values()) == [2], "under one reference"
    assert world.counts["resubmitted"] == 1
    assert world.counts["in_doubt"] == 1


@pytest.mark.parametrize(
    ("deduplicates", "policy"),
    [
        pytest.param(True, {}, id="nobody said so"),
        pytest.param(True, {"promotional": "resubmit"}, id="said of another category"),
        pytest.param(False, RESUBMIT, id="the carrier would take it twice"),
    ],
)
def test_else_it_stays_where_it_is(deduplicates: bool, policy: dict[str, str]) -> None:
    world = World(carriers=[carrier("sim", deduplicates=deduplicates)])
    set_routing(world, in_doubt=policy)
    silent_at_first(world, takes=False)
    answers = send(world, 1)
    world.run()
    check_without_a_kill(world, answers)
    assert list(world.finals().values()) == ["unknown"]
    assert world.provider.references.total() == 1
    assert not world.counts["resubmitted"]


def test_what_is_in_doubt_never_goes_to_another_carrier() -> None:
    world = World(carriers=[CARRIER, *(carrier(name, deduplicates=True) for name in "ab")])
    set_routing(world, routes=[route("a", "b")], in_doubt=RESUBMIT)
    for provider in world.providers.by_name.values():
        provider.silent = lambda: world.now < NOW + 1
        provider.takes = False
    answers = send(world, 40)

    def throttle(name: str, busy: bool) -> None:
        world.providers.by_name[name].busy = busy

    # Not taken at the second try: that says nothing of the first.
    world.at(0.5, lambda: throttle("a", True))
    world.at(100, lambda: throttle("a", False))
    world.run()
    check_without_a_kill(world, answers)
    assert set(world.finals().values()) == {"delivered"}
    assert sum(taken(world).values()) == 40
    for provider in world.providers.by_name.values():
        tries = {reference.split(".")[1] for reference in provider.references}
        assert tries <= {"1"}, "a message in doubt went out under another reference"
    first, second = (world.providers.by_name[name].references.keys() for name in "ab")
    assert first
    assert second
    assert not first & second, "a message in doubt went to another carrier"


def test_a_failure_of_a_try_that_was_repeated_is_final() -> None:
    world = World(carriers=[carrier("sim", deduplicates=True)])
    set_routing(world, in_doubt=RESUBMIT)
    silent_at_first(world, takes=True)
    world.provider.receipt_s = 30  # it was repeated by then
    answers = world.send([campaign.record("9001")])
    ended: list[str] = []
    world.at(60, lambda: ended.extend(world.finals().values()))
    world.run()
    check_without_a_kill(world, answers)
    assert world.counts["resubmitted"] == 1
    assert ended == ["failed"]


def test_what_is_in_doubt_is_not_repeated_once_it_is_cancelled_and_stays_in_doubt() -> None:
    world = World(carriers=[carrier("sim", deduplicates=True)])
    set_routing(world, in_doubt=RESUBMIT)
    world.provider.silent = lambda: True
    world.provider.takes = False
    answers = send(world, 1)
    world.at(30, lambda: world.cancel(answers[0].mid))
    world.run()
    check_without_a_kill(world, answers)
    assert not world.cancelled, "it was too late to say so"
    assert list(world.finals().values()) == ["unknown"]
    assert world.provider.references.total() < 6


# Kills


def run(faults: Faults) -> World:
    """Run a campaign over a dead carrier, one that throttles at first, and one that dedupes."""
    carriers = [
        CARRIER,
        carrier("dead"),
        carrier("busy"),
        carrier("sure", deduplicates=True, rate_segments_per_s=2),
    ]
    world = World(faults, carriers=carriers)
    in_doubt = {"service_implicit": "resubmit"}
    set_routing(world, routes=[route("dead", "busy", "sure")], in_doubt=in_doubt)
    set_routing(world, EVERYONE, paused_campaigns=["spring"])
    world.providers.by_name["dead"].dead = True
    world.providers.by_name["busy"].busy = True
    paused = campaign.record("0000", client_ref="p")._replace(options=Options(campaign_id="spring"))
    answers = [
        world.send([campaign.record("0000"), campaign.record("9001"), paused, *records(6)]),
        world.send([each._replace(options=Options(category=Category.OTP)) for each in records(2)]),
    ]
    world.at(90, lambda: set_routing(world, EVERYONE))
    world.at(90, lambda: setattr(world.providers.by_name["busy"], "busy", False))
    world.run()
    check(world, *answers)
    return world


CALLS = list(enumerate(run(Faults()).faults.calls))
WRITES = [call for call in CALLS if call[1].startswith(("put_once", "send", "schedule", "swap"))]


def name_of(call: object) -> str:
    return str(call).replace(" ", "-")


def test_without_a_kill_all_is_delivered() -> None:
    world = run(Faults())
    assert Counter(world.finals().values()) == {"delivered": 10, "failed": 1}
    assert not world.in_doubt()
    assert taken(world).keys() <= {"busy", "sure"}


@pytest.mark.parametrize(("number", "name"), CALLS, ids=name_of)
@pytest.mark.parametrize("moment", ["kill_before", "kill_after"])
def test_a_process_that_dies_at_a_call_loses_and_doubles_nothing(
    number: int, name: str, moment: str
) -> None:
    faults = Faults()
    getattr(faults, moment).add(number)
    world = run(faults)
    assert world.killed <= 1  # reads have no after
    assert world.faults.calls[number] == name


@pytest.mark.parametrize(("number", "name"), WRITES, ids=name_of)
def test_a_lost_answer_loses_and_doubles_nothing(number: int, name: str) -> None:
    world = run(Faults(lose_answer={number}))
    assert world.killed == 0
    assert not world.in_doubt()


@settings(max_examples=100, deadline=None)
@given(
    kill_before=st.sets(st.integers(0, len(CALLS)), max_size=4),
    kill_after=st.sets(st.integers(0, len(CALLS)), max_size=4),
    lose_answer=st.sets(st.integers(0, len(CALLS)), max_size=8),
)
def test_many_deaths_and_losses_together_lose_nothing(
    kill_before: set[int], kill_after: set[int], lose_answer: set[int]
) -> None:
    run(Faults(kill_before, kill_after, lose_answer))
