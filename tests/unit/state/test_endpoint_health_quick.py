"""Endpoints with posts at once, and the number of executions that an account may occupy."""

from dataclasses import replace

import pytest

from harkara.model.callbacks import PostResult
from harkara.state.endpoint_health import (
    EXECUTIONS_OF_TEN,
    PATIENCE_S,
    READ_EVERY_S,
    Admission,
    EndpointHealth,
)
from harkara.state.endpoint_health_record import QUICK_MS, SLOW_LIMIT_S, SLOW_S
from tests.support.fakes import trust
from tests.unit.street import ENDPOINT, FAILED, LEASE_S, POST, SLOW, TAKEN, WAIT, Street, verdicts


def test_one_that_acknowledges_slowly_is_posted_to_from_the_callback_queue_alone() -> None:
    street = Street(2)
    for _ in range(5):
        street.post(SLOW)
        street.now_s += 60
        assert street.acquire(at_once=True).verdict is WAIT
    entries = [street.acquire() for _ in range(3)]
    assert verdicts(entries) == [POST] * 3  # it is alive: more than one at a time
    assert {admission.within_s for admission in entries} == {float("inf")}
    for admission in entries:
        street.report(admission, replace(TAKEN, duration_ms=QUICK_MS))
    assert street.acquire(at_once=True) == Admission(POST, within_s=PATIENCE_S)


@pytest.mark.parametrize("result", [SLOW, replace(FAILED, duration_ms=2000)], ids=str)
def test_a_quick_one_that_was_not_makes_none_of_its_account_quick_for_longer_each_time(
    result: PostResult,
) -> None:
    street = Street(2)
    other = ENDPOINT._replace(callback_id="second")
    for slow_s in (SLOW_S, 2 * SLOW_S, 4 * SLOW_S):
        street.trust()
        trust(street.store, "acme", other, street.now_s)
        street.now_s += READ_EVERY_S
        entries = [street.acquire(number % 2, at_once=True) for number in range(6)]
        assert verdicts(entries) == [POST] * 6
        for number, admission in enumerate(entries):
            street.report(admission, result, number % 2)
        reported_at_s = street.now_s
        for passed_s, verdict in ((READ_EVERY_S, WAIT), (slow_s - 1, WAIT), (slow_s, POST)):
            street.now_s = reported_at_s + passed_s
            trust(street.store, "acme", other, street.now_s)
            endpoint_health = EndpointHealth(
                street.store, street.processes[0].rate_limiter, street.clock
            )
            admission = endpoint_health.acquire(
                "acme", other, street.settings, "x", LEASE_S, at_once=True
            )
            assert admission.verdict is verdict
        street.now_s += READ_EVERY_S
    street.now_s += 4 * SLOW_S + SLOW_LIMIT_S
    street.trust()
    street.post(result)
    street.now_s += READ_EVERY_S
    street.trust()
    street.now_s += SLOW_S
    assert street.acquire(at_once=True).verdict is POST


def test_a_quick_failure_holds_nobody_and_costs_no_trust() -> None:
    street = Street()
    street.trust()
    street.post(FAILED)
    assert street.acquire(at_once=True).verdict is POST


def test_an_account_holds_few_executions_however_many_its_endpoints() -> None:
    street = Street(EXECUTIONS_OF_TEN + 2)

    def acquire(process: int, number: int) -> Admission:
        endpoint = ENDPOINT._replace(callback_id=f"e{number}")
        lease = str(next(street.leases))
        endpoint_health = street.processes[process]
        return endpoint_health.acquire("acme", endpoint, street.settings, lease, LEASE_S)

    admissions = [
        acquire(process, 10 * process + n) for process in range(EXECUTIONS_OF_TEN) for n in range(3)
    ]
    assert verdicts(admissions) == [POST] * 9
    late = acquire(EXECUTIONS_OF_TEN, 100)
    assert (late.verdict, late.trusted) == (WAIT, True)
    # Another account is not delayed, and quick endpoints need no execution slot.
    other = street.processes[-1].acquire("other", ENDPOINT, street.settings, "x", LEASE_S)
    assert other.verdict is POST
    street.trust()
    assert street.acquire(EXECUTIONS_OF_TEN).verdict is POST
    # An execution's slot is free after the last of its posts.
    for number, admission in enumerate(admissions[:3]):
        assert acquire(EXECUTIONS_OF_TEN + 1, 200 + number).verdict is WAIT
        endpoint = ENDPOINT._replace(callback_id=f"e{number}")
        street.processes[0].report("acme", endpoint, admission, FAILED)
        street.now_s += READ_EVERY_S
    assert acquire(EXECUTIONS_OF_TEN + 1, 200).verdict is POST


@pytest.mark.parametrize(
    ("concurrency", "held"),
    [
        pytest.param(2, 1, id="the fewest"),
        (3, 1),
        (10, EXECUTIONS_OF_TEN),
        pytest.param(12, 3, id="a part of one is none"),
        pytest.param(40, 12, id="many"),
    ],
)
def test_an_account_holds_its_share_of_a_deployments_executions(
    concurrency: int, held: int
) -> None:
    street = Street()
    admissions = [
        EndpointHealth(
            street.store, street.processes[0].rate_limiter, street.clock, concurrency=concurrency
        ).acquire("acme", ENDPOINT._replace(callback_id=f"e{n}"), street.settings, f"{n}", LEASE_S)
        for n in range(concurrency)
    ]
    assert verdicts(admissions) == [POST] * held + [WAIT] * (concurrency - held)


def test_an_execution_that_died_holds_its_seat_no_longer_than_a_post_takes() -> None:
    street = Street(EXECUTIONS_OF_TEN + 1)
    for process in range(EXECUTIONS_OF_TEN):
        endpoint = ENDPOINT._replace(callback_id=f"e{process}")
        street.processes[process].acquire("acme", endpoint, street.settings, "x", LEASE_S)
    assert street.acquire(EXECUTIONS_OF_TEN).verdict is WAIT
    street.now_s += LEASE_S + 5
    assert street.acquire(EXECUTIONS_OF_TEN).verdict is POST
