"""A request with OTPs under an Idempotency-Key keeps their limits, wherever its process died."""

import pytest

from harkara.accept.requests import Options, Record, RecordResult, SendRequest
from harkara.base.codes import Code
from harkara.model.messages import Category
from tests.pipeline import campaign
from tests.pipeline.invariants import check
from tests.pipeline.test_idempotency import TIMEOUT_S, Platform
from tests.support.fakes import caller_of
from tests.support.wired import ACCOUNT
from tests.support.world import World

COOLDOWN_S = 60
LIMITED = ACCOUNT.model_copy(update={"otp_cooldown_s": COOLDOWN_S, "otp_per_day": 5})
EARLIER, FIRST, OTHER = "919876540000", "919876550000", "919876560000"


def otp(to: str) -> Record:
    return campaign.record("", to=to)._replace(options=Options(category=Category.OTP))


RECORDS = [otp(EARLIER), otp(FIRST), campaign.record("0000", to=OTHER), otp(FIRST)]
CODES = [Code.OTP_LIMITED, None, None, Code.OTP_LIMITED]


def accept(world: World, *records: Record) -> list[RecordResult]:
    return world.accept_service().accept(caller_of(LIMITED), SendRequest(list(records)))


def begun() -> tuple[World, Platform]:
    """Return a world in which a number has just got an OTP, and a platform with a request."""
    world = World(account=LIMITED)
    accept(world, otp(EARLIER))
    return world, Platform(world, RECORDS, LIMITED)


def calls() -> tuple[int, list[str]]:
    world, platform = begun()
    before = len(world.faults.calls)
    results = platform.send()
    assert results
    assert [result.code for result in results] == CODES
    return before, world.faults.calls


BEFORE, CALLS = calls()


def test_the_outcome_of_a_request_under_a_key_is_kept_once() -> None:
    assert sum("chosen" in name for name in CALLS[BEFORE:]) == 1


@pytest.mark.parametrize("pause_s", [TIMEOUT_S + 1, COOLDOWN_S + 1])
@pytest.mark.parametrize("moment", ["kill_before", "kill_after"])
@pytest.mark.parametrize(("number", "name"), list(enumerate(CALLS))[BEFORE:], ids=str)
def test_a_repeat_is_not_refused_for_what_its_first_run_committed(
    number: int, name: str, moment: str, pause_s: int
) -> None:
    world, platform = begun()
    getattr(world.faults, moment).add(number)
    assert platform.send() is None
    assert world.faults.calls[number] == name
    done = CALLS[BEFORE : number + (moment == "kill_after")]
    world.now += pause_s
    if pause_s > COOLDOWN_S:  # somebody else's OTP takes the turn
        accept(world, otp(FIRST))
    results = platform.send()
    assert results
    if "send submit_priority" in done:
        assert [result.code for result in results] == CODES
    assert platform.send() == results
    world.run()
    check(world, results)
    otps = [
        batch.accepted_at_ms
        for batch in world.batches().values()
        for index, message in enumerate(batch.messages)
        if message.to == FIRST and batch.mid(index) in world.finals()
    ]
    assert len(otps) <= 1 + (pause_s > COOLDOWN_S)


def test_without_limits_a_request_under_a_key_makes_the_calls_of_before() -> None:
    world = World()
    Platform(world, RECORDS).send()
    assert not any("chosen" in name or "extend" in name for name in world.faults.calls)
