"""Messages by RCS first: the SMS goes only where the rule says so, whatever dies on the way."""

from collections import Counter
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.base.codes import Code
from harkara.model.callback_settings import FormatName
from harkara.model.callbacks import CallbackEndpoint, CallbackSecrets, Destination
from harkara.model.events import Dlr, Event, EventKind, Read, Submitted, TimelineStep
from harkara.model.messages import Category
from tests.pipeline import campaign
from tests.pipeline.deaths import Fault, deaths, each, lost_answers
from tests.pipeline.invariants import check
from tests.support.fakes import Faults
from tests.support.rcs import (
    EXPIRES,
    FAILS,
    LOST,
    NEVER_ANSWERED,
    NOT_BY_RCS,
    READ,
    REFUSED,
    REVOKE_FAILS,
    REVOKED,
    THROTTLED,
    RcsWorld,
    by_rcs,
)
from tests.support.wired import ACCOUNT, NOW, URL

# What a message gets by SMS after RCS, without doubles and with: `+` that, `-` nothing.
BY_SMS = {
    "0000": "--",
    READ: "--",
    NOT_BY_RCS: "++",
    REFUSED: "++",
    THROTTLED: "++",
    EXPIRES: "++",
    FAILS: "++",
    REVOKED: "++",
    REVOKE_FAILS: "-+",
    NEVER_ANSWERED: "--",
    LOST: "-+",
}


def run(faults: Faults, *, doubles: bool = False) -> RcsWorld:
    """Run a campaign by RCS first, with an SMS and a refused record beside it."""
    world = RcsWorld(faults, doubles=doubles)
    others = [campaign.record("0000", client_ref="sms"), campaign.record("0001", to="12")]
    answers = world.send([*map(by_rcs, BY_SMS), *others])
    world.run()
    check(world, answers)
    assert set(world.rcs.taken.values()) <= {1}, "an RCS carrier took a message twice"
    assert world.doubles() <= world.admitted_doubles(), "a double that the ledger does not count"
    assert doubles or not world.admitted_doubles(), "a double that the route does not admit"
    # What a death left in doubt may go by SMS too, where the route admits doubles.
    in_doubt = digits_of(world, world.admitted_doubles())
    assert by_sms(world) <= expected(doubles) | in_doubt, "an SMS beside the rule"
    return world


def expected(doubles: bool) -> set[str]:
    """Return the digits of the messages that go by SMS."""
    return {magic for magic, signs in BY_SMS.items() if signs[doubles] == "+"}


def by_sms(world: RcsWorld) -> set[str]:
    """Return the digits of the messages with RCS content that the SMS carrier took."""
    return digits_of(world, world.providers.taken())


def digits_of(world: RcsWorld, mids: Iterable[str]) -> set[str]:
    """Return the digits of those of these messages that have RCS content."""
    messages = [(b.mid(i), m) for b in world.batches().values() for i, m in enumerate(b.messages)]
    digits = {mid: message.to[-4:] for mid, message in messages if message.rcs}
    return {digits[mid] for mid in mids if mid in digits}


@pytest.mark.parametrize("doubles", [False, True])
def test_the_sms_goes_where_the_rule_says_so(doubles: bool) -> None:
    world = run(Faults(), doubles=doubles)
    assert by_sms(world) == expected(doubles) - {REFUSED}  # which the SMS carrier refuses too
    finals = Counter(world.finals().values())
    unknown = 0 if doubles else 1
    assert finals == +Counter(failed=2, unknown=unknown, delivered=len(BY_SMS) - unknown)
    kept = "rcs_doubles" if doubles else "rcs_kept"
    counted = [event.counts for event in world.log_events if event.what == "rcs revoked"]
    assert sum(map(Counter, counted), Counter()) == Counter({"rcs_revoked": 1, kept: 2})


@pytest.mark.parametrize("doubles", [False, True])
def test_a_message_alone_goes_as_in_a_campaign(doubles: bool) -> None:
    world = RcsWorld(doubles=doubles)
    answers = [world.send([by_rcs(magic)]) for magic in BY_SMS]
    world.run()
    check(world, *answers)
    assert by_sms(world) == expected(doubles) - {REFUSED}


def test_an_sms_after_rcs_waits_for_the_morning() -> None:
    world = RcsWorld()
    evening = campaign.OPENING + 10 * 3600 + 58 * 60
    world.now = evening
    answers = world.send([by_rcs(REVOKED, category=Category.PROMOTIONAL)])
    world.run()
    check(world, answers)
    (at_s,) = world.providers.taken_at().values()
    assert at_s - campaign.OPENING >= 86_400


def test_a_cancel_that_comes_too_late_for_rcs_keeps_the_sms_back() -> None:
    world = RcsWorld()
    (sent,) = world.send([by_rcs(REVOKED)]) or []
    refusals: list[object] = []
    world.at(30, lambda: refusals.append(world.cancel(sent.mid)))
    world.run()
    assert refusals == [Code.TOO_LATE_TO_CANCEL]
    assert world.finals() == {sent.mid: "cancelled"}
    assert not world.providers.taken()


def test_what_rcs_surely_did_not_take_goes_by_sms_at_once() -> None:
    world = RcsWorld(wait_s=3600)
    world.send([by_rcs(NOT_BY_RCS), by_rcs(THROTTLED)])
    began = world.now
    world.run()
    assert {at - began < 5 for at in world.providers.taken_at().values()} == {True}
    assert not world.rcs.asked


def test_a_dead_rcs_carrier_lets_all_go_by_sms() -> None:
    world = RcsWorld()
    world.rcs.dead = True
    answers = world.send([by_rcs("0000"), by_rcs(READ)])
    world.run()
    check(world, answers)
    assert by_sms(world) == {"0000", READ}


def test_a_carrier_that_does_not_answer_is_asked_again_until_the_message_expires() -> None:
    world = RcsWorld()
    world.rcs.mute = True
    answers = world.send([by_rcs(REVOKED, validity_s=7200)])
    world.at(4000, lambda: setattr(world.rcs, "mute", False))
    world.run()
    check(world, answers)
    assert world.rcs.asked.total() > 3
    assert by_sms(world) == {REVOKED}
    silent = RcsWorld()
    silent.rcs.mute = True
    answers = silent.send([by_rcs(REVOKED, validity_s=7200)])
    silent.run()
    check(silent, answers)
    assert set(silent.finals().values()) == {"unknown"}
    assert not silent.providers.taken()


def test_a_message_without_rcs_content_or_route_goes_by_sms() -> None:
    world = RcsWorld()
    answers = [world.send([campaign.record("0000")])]
    world.routing.routing.clear()
    answers.append(world.send([by_rcs("0000")]))
    world.run()
    check(world, *answers)
    assert not world.rcs.taken
    assert world.providers.taken().total() == 2


def test_an_otp_that_expires_soon_is_revoked_while_an_sms_is_still_good() -> None:
    world = RcsWorld(wait_s=600)
    answers = world.send([by_rcs(REVOKED, category=Category.OTP, validity_s=120)])
    world.run()
    check(world, answers)
    assert set(world.finals().values()) == {"delivered"}


def asking(faults: Faults | None = None, name: FormatName = "generic") -> RcsWorld:
    """Return a world whose callback asks for all events."""
    settings = CallbackEndpoint(id="main", url=URL, format=name, events=(*EventKind,))
    account = ACCOUNT.model_copy(update={"callbacks": {"main": settings}})
    world = RcsWorld(faults, account)
    world.destinations.by_id["main"] = Destination(settings, CallbackSecrets())
    return world


def steps_of(world: RcsWorld, mid: str) -> list[TimelineStep]:
    """Return a message's timeline without its callbacks."""
    history = world.manage_services().history.message(world.account, mid)
    return [step for step in history["timeline"] if step["step"] != "callback"]


def posted(world: RcsWorld) -> list[Event]:
    return [event for task in world.platform.taken for event in task.members]


@pytest.mark.parametrize("name", ["generic", "standard"])
def test_the_opening_of_a_message_is_told_to_callbacks_that_ask(name: FormatName) -> None:
    world = asking(name=name)
    (sent,) = world.send([by_rcs(READ)]) or []
    world.run()
    kinds = Counter(type(event) for event in posted(world))
    assert kinds == {Dlr: 1, Submitted: 1, Read: 1}
    (final,) = (event for event in posted(world) if isinstance(event, Dlr))
    assert final.channel == "rcs"
    assert [(step["step"], step.get("channel")) for step in steps_of(world, sent.mid)] == [
        ("accepted", None),
        ("submitted", "rcs"),
        ("delivered", "rcs"),
        ("read", None),
    ]


def test_the_timeline_has_both_channels() -> None:
    world = RcsWorld()
    results = world.send([by_rcs(NOT_BY_RCS), by_rcs(REVOKED)]) or []
    world.run()
    for result, first in zip(results, ("not_taken", "submitted"), strict=True):
        steps = steps_of(world, result.mid)[1:]
        assert [step["step"] for step in steps] == [first, "submitted", "delivered"]
        assert [step.get("channel") for step in steps] == ["rcs", None, None]
        assert [step.get("try") for step in steps] == [1, 2, None]
    (unreached,) = (step for step in steps_of(world, results[0].mid) if step["step"] == "not_taken")
    assert (unreached["code"], unreached["carrier_code"]) == (Code.UNKNOWN_SUBSCRIBER, "404")


def test_a_number_gets_so_many_promotions_by_rcs_in_a_month_of_india() -> None:
    world = RcsWorld(monthly=2)
    promotion = by_rcs("0000", category=Category.PROMOTIONAL)
    # 03:43 on 15 November in India: both go out at ten.
    answers = [world.send([promotion] * 3 + [by_rcs("0000"), by_rcs(READ)])]
    world.run()
    assert (world.rcs.taken.total(), world.providers.taken().total()) == (4, 1)
    answers.append(world.send([promotion]))
    world.run()
    assert (world.rcs.taken.total(), world.providers.taken().total()) == (4, 2)
    world.now = NOW + 16 * 86_400  # 1 December
    answers.append(world.send([promotion]))
    world.run()
    assert (world.rcs.taken.total(), world.providers.taken().total()) == (5, 2)
    check(world, *answers)


def test_no_limit_of_a_month_where_the_route_sets_none() -> None:
    world = RcsWorld(monthly=0)
    world.send([by_rcs("0000", category=Category.PROMOTIONAL)] * 6)
    world.run()
    assert world.rcs.taken.total() == 6


RUN = run(Faults()).faults
CALLS = len(RUN.calls)


def run_read(faults: Faults) -> RcsWorld:
    """Run a message that is opened; fail unless its callback hears so."""
    world = asking(faults)
    answers = world.send([by_rcs(READ)])
    world.run()
    check(world, answers)
    count = sum(isinstance(event, Read) for event in posted(world))
    # In doubt before RCS had it, it is not sent at all.
    assert count == world.rcs.taken.total() or world.callbacks_in_doubt()
    return world


READ_RUN = run_read(Faults()).faults


@each(deaths(RUN))
def test_a_process_that_dies_loses_nothing_and_doubles_nothing(fault: Fault) -> None:
    assert run(fault.faults()).killed == 1


@each(lost_answers(RUN))
def test_a_lost_answer_changes_nothing(fault: Fault) -> None:
    assert by_sms(run(fault.faults())) == expected(doubles=False) - {REFUSED}


@each(deaths(READ_RUN))
def test_an_opening_is_told_once_whatever_dies(fault: Fault) -> None:
    world = run_read(fault.faults())
    assert world.killed == 1


@given(
    kill_before=st.sets(st.integers(0, CALLS), max_size=4),
    kill_after=st.sets(st.integers(0, CALLS), max_size=4),
    lose_answer=st.sets(st.integers(0, CALLS), max_size=8),
    doubles=st.booleans(),
)
def test_many_deaths_and_losses_together_lose_nothing(
    kill_before: set[int], kill_after: set[int], lose_answer: set[int], doubles: bool
) -> None:
    run(Faults(kill_before, kill_after, lose_answer), doubles=doubles)
