"""Endpoint health under concurrent writes and failing writes: the verdicts for an endpoint."""

from dataclasses import replace

import pytest

from harkara.base.errors import StoreUnavailable
from harkara.model.callbacks import PostResult
from harkara.state.endpoint_health import (
    EXECUTIONS_OF_TEN,
    READ_EVERY_S,
    Admission,
    Verdict,
    account_name,
)
from harkara.state.endpoint_health_record import FAILURES_NEEDED
from tests.unit.street import ENDPOINT, FAILED, LEASE_S, POST, SLOW, TAKEN, WAIT, Street

ACCOUNT = account_name("acme")


def lose(street: Street, monkeypatch: pytest.MonkeyPatch, *, account: bool) -> list[str]:
    """Make all swaps of the account's record, or of endpoints', fail; return the attempts."""
    swap, tried = street.store.swap, list[str]()

    def lost(name: str, seen: str, new: str, expires_at_s: int) -> str | None:
        if (name == ACCOUNT) is not account:
            return swap(name, seen, new, expires_at_s)
        tried.append(name)
        return seen  # as if another write had come first and then been undone

    monkeypatch.setattr(street.store, "swap", lost)
    return tried


def break_swaps(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object) -> None:
        raise StoreUnavailable("busy")

    monkeypatch.setattr(street.store, "swap", busy)


def others(street: Street, account_id: str = "acme") -> list[Verdict]:
    """Return the verdicts for an unknown endpoint of the account in each further process."""
    street.now_s += READ_EVERY_S
    return [
        endpoint_health.acquire(
            account_id,
            ENDPOINT._replace(callback_id=f"other{number}"),
            street.settings,
            f"other{number}",
            LEASE_S,
        ).verdict
        for number, endpoint_health in enumerate(street.processes[1:])
    ]


@pytest.mark.parametrize("trusted", [True, False])
def test_who_is_late_each_time_waits_and_holds_no_execution(
    trusted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    street = Street(EXECUTIONS_OF_TEN + 1, concurrency=5)
    if trusted:
        street.trust()
    with monkeypatch.context() as patched:
        tried = lose(street, patched, account=False)
        assert street.acquire() == Admission(WAIT, trusted=trusted)
        assert len(tried) == 20
    assert others(street) == [POST] * EXECUTIONS_OF_TEN


def test_who_is_late_each_time_for_an_execution_waits_and_takes_no_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    street = Street()
    with monkeypatch.context() as patched:
        tried = lose(street, patched, account=True)
        assert street.acquire() == Admission(WAIT, trusted=True)
        assert len(tried) == 20
    assert street.acquire().verdict is POST


def test_what_came_of_a_post_is_written_when_others_write_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    street = Street()
    admission = street.acquire()
    with monkeypatch.context() as patched:
        tried = lose(street, patched, account=False)
        street.report(admission, TAKEN)
        assert len(tried) == 20
    assert street.acquire().verdict is WAIT, "its place ends by itself"
    street.now_s += LEASE_S
    assert street.acquire().verdict is POST


@pytest.mark.parametrize("posted", [True, False])
def test_a_place_that_cannot_be_given_back_ends_by_itself_and_stops_nobody(
    posted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    street = Street()
    admission = street.acquire()
    with monkeypatch.context() as patched:
        break_swaps(street, patched)
        if posted:
            street.report(admission, TAKEN)
        else:
            street.processes[0].release("acme", ENDPOINT, admission)
    street.now_s += LEASE_S
    assert street.acquire().verdict is POST


@pytest.mark.parametrize("posted", [True, False])
def test_an_execution_is_let_go_for_the_account_whose_post_is_over_alone(posted: bool) -> None:
    street = Street(EXECUTIONS_OF_TEN + 1)
    (endpoint_health, *_) = street.processes
    admission = street.acquire()
    endpoint_health.acquire("second", ENDPOINT, street.settings, "s", LEASE_S)
    if posted:
        street.report(admission, FAILED)
    else:
        endpoint_health.release("acme", ENDPOINT, admission)
    assert others(street) == [POST] * EXECUTIONS_OF_TEN
    assert others(street, "second") == [POST] * (EXECUTIONS_OF_TEN - 1) + [WAIT]


def test_a_process_forgets_the_accounts_of_posts_that_are_over() -> None:
    street = Street()
    street.report(street.acquire(), FAILED)
    assert not street.processes[0]._seated


@pytest.mark.parametrize("result", [FAILED, replace(SLOW, status=500)], ids=["failed", "slowly"])
def test_failures_in_a_row_open_the_circuit_though_a_poster_asks_first_what_there_is_to_write(
    result: PostResult,
) -> None:
    """A failure must not be recorded as an acknowledgement."""
    street = Street()
    street.trust()
    (endpoint_health,) = street.processes
    for _ in range(FAILURES_NEEDED):
        admission = street.acquire()
        assert endpoint_health.will_write("acme", ENDPOINT, admission, result)
        street.report(admission, result)
        street.now_s += 1
    assert street.acquire().verdict is Verdict.FAILING
