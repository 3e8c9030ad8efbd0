"""Google's RCS for Business in the pipeline: signed logins, its ids, and deaths at each call."""

from typing import Any

import pytest

from harkara.model.messages import Category
from harkara.model.rcs import Rcs, Suggestion
from tests.pipeline.deaths import Fault, deaths, each
from tests.pipeline.invariants import check
from tests.pipeline.test_rcs import BY_SMS, by_sms, digits_of, expected
from tests.support.fakes import Faults
from tests.support.google import LIFETIME_S, Google
from tests.support.rcs import (
    FAILS,
    LOST,
    NEVER_ANSWERED,
    READ,
    REFUSED,
    REVOKED,
    RcsWorld,
    by_rcs,
)

# Google reports no failures but the end of a time to live.
MAGICS = [each for each in BY_SMS if each != FAILS]


def world_of(faults: Faults | None = None, **rcs: Any) -> RcsWorld:
    return RcsWorld(faults, provider=Google, **rcs)


def google_of(world: RcsWorld) -> Google:
    assert isinstance(world.rcs, Google)
    return world.rcs


def run(faults: Faults, *, doubles: bool = False) -> RcsWorld:
    world = world_of(faults, doubles=doubles)
    answers = world.send([by_rcs(magic) for magic in MAGICS])
    world.run()
    check(world, answers)
    assert set(world.rcs.taken.values()) <= {1}, "Google took a message twice"
    assert world.doubles() <= world.admitted_doubles()
    return world


@pytest.mark.parametrize("doubles", [False, True])
def test_the_sms_goes_where_the_rule_says_so(doubles: bool) -> None:
    world = run(Faults(), doubles=doubles)
    assert by_sms(world) == expected(doubles) - {REFUSED, FAILS}
    assert google_of(world).logins == 1


def test_a_receipt_of_a_message_in_doubt_finds_it_by_the_id_that_we_gave() -> None:
    world = world_of()
    answers = world.send([by_rcs(NEVER_ANSWERED), by_rcs(LOST)])
    world.run()
    check(world, answers)
    states = {digits_of(world, [mid]).pop(): state for mid, state in world.finals().items()}
    assert states == {NEVER_ANSWERED: "delivered", LOST: "unknown"}


def test_a_token_that_google_forgot_is_renewed_once_and_one_that_ends_before_it_does() -> None:
    world = world_of()
    world.send([by_rcs("0000")])
    world.run()
    google = google_of(world)
    world.now += 60
    google.tokens.clear()
    answers = world.send([by_rcs("0000")])
    world.run()
    check(world, answers)
    assert google.logins == 2
    world.now += LIFETIME_S
    world.send([by_rcs(REVOKED)])
    world.run()
    assert google.logins == 3
    assert world.rcs.revoked


def test_a_message_says_what_traffic_it_is_and_has_its_buttons() -> None:
    world = world_of()
    buttons = (
        Suggestion("Track", "https://acme.example/t"),
        Suggestion("Call", "", "+911234567890"),
    )
    plain = by_rcs("0000")
    record = plain._replace(options=plain.options._replace(rcs=Rcs("Hello", "", (), buttons)))
    world.send([record])
    world.send([by_rcs(READ, category=Category.OTP)])
    world.run()
    first, otp = sorted(google_of(world).sent, key=lambda sent: sent["messageTrafficType"])[::-1]
    assert otp["messageTrafficType"] == "AUTHENTICATION"
    track, call = first.pop("contentMessage")["suggestions"]
    assert track["action"] == {
        "text": "Track",
        "postbackData": "Track",
        "openUrlAction": {"url": "https://acme.example/t"},
    }
    assert call["action"]["dialAction"] == {"phoneNumber": "+911234567890"}
    assert first == {"messageTrafficType": "TRANSACTION", "ttl": "120s"}


# What differs from other RCS carriers: the login, the ids put before the submit, the requests.
OWN = [
    fault
    for fault in deaths(run(Faults()).faults)
    if fault.call.startswith(("login", "rcs", "swap", "put_over", "put_if_absent claim"))
]


@each(OWN)
def test_a_process_that_dies_loses_nothing_and_doubles_nothing(fault: Fault) -> None:
    assert run(fault.faults()).killed == 1
