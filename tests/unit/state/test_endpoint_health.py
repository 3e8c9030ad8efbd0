"""Endpoint health: when posts are allowed, how many at a time, and the number of calls."""

import pytest

from harkara.base.errors import StoreUnavailable
from harkara.model.callbacks import PostResult
from harkara.model.messages import Endpoint
from harkara.state.endpoint_health import READ_EVERY_S, name_of
from harkara.state.endpoint_health_record import REFRESHED_EVERY_S, TRUSTED_S
from tests.unit.street import (
    ENDPOINT,
    FAILED,
    LEASE_S,
    POST,
    START_S,
    TAKEN,
    WAIT,
    Street,
    verdicts,
)


def test_an_endpoint_that_nobody_knows_gets_one_post_at_a_time_and_none_at_once() -> None:
    street = Street(2)
    assert street.acquire(at_once=True).verdict is WAIT
    first = street.acquire()
    assert verdicts([first, street.acquire(), street.acquire(1)]) == [POST, WAIT, WAIT]
    assert not street.acquire(1).trusted
    street.report(first, FAILED)
    street.now_s += READ_EVERY_S
    assert street.acquire(1).verdict is POST


@pytest.mark.parametrize("moved_s", [-3600.0, -0.001, READ_EVERY_S, 3600.0])
def test_a_clock_that_was_moved_has_it_read_anew(moved_s: float) -> None:
    street = Street()
    street.trust()
    street.acquire()
    street.now_s += moved_s
    street.acquire()
    assert street.faults.calls.count("get") == 2 * 2  # the endpoint's, and its account's


def test_one_that_acknowledged_is_trusted_by_all_and_costs_a_write_in_five_minutes() -> None:
    street = Street(2)
    street.post(TAKEN)
    street.now_s += READ_EVERY_S
    swaps = street.faults.calls.count("swap")
    for second in range(REFRESHED_EVERY_S - 10):
        street.now_s = START_S + READ_EVERY_S + second
        entries = [street.acquire(second % 2, at_once=True) for _ in range(3)]
        assert verdicts(entries) == [POST] * 3
        for admission in entries:
            street.report(admission, TAKEN, second % 2)
    assert street.faults.calls.count("swap") == swaps
    street.now_s = START_S + REFRESHED_EVERY_S
    street.post(TAKEN)
    assert street.faults.calls.count("swap") == swaps + 1


def test_what_acknowledged_nothing_for_long_is_trusted_no_more() -> None:
    street = Street()
    street.trust()
    street.now_s += TRUSTED_S
    assert street.acquire(at_once=True).verdict is WAIT


def test_a_post_whose_process_died_holds_its_place_no_longer_than_it_could_take() -> None:
    street = Street()
    street.acquire()
    street.now_s += LEASE_S - 1
    assert street.acquire().verdict is WAIT
    street.now_s += 1
    assert street.acquire().verdict is POST


def test_a_trusted_endpoint_gets_no_more_posts_at_a_time_than_it_asks_for() -> None:
    street = Street(2, concurrency=2)
    street.trust()
    entries = [street.acquire(0), street.acquire(1), street.acquire(0), street.acquire(1)]
    assert verdicts(entries) == [POST, POST, WAIT, WAIT]
    assert entries[3].trusted
    street.report(entries[0], TAKEN)
    assert street.acquire(0).verdict is POST


def test_nor_more_a_second() -> None:
    street = Street(2, rate_per_s=2)
    street.trust()
    entries = [street.acquire(number % 2) for number in range(7)]
    assert [(admission.verdict, admission.wait_s, admission.turn_s) for admission in entries] == [
        (POST, 0.0, 0.0),
        (POST, 0.5, 0.0),
        (POST, 1.0, 0.0),
        (POST, 1.5, 0.0),
        (POST, 2.0, 0.0),
        # It comes a second before its turn.
        (WAIT, 1.5, START_S + 2.5),
        (WAIT, 2.0, START_S + 3.0),
    ]
    assert entries[5].trusted


def test_who_stands_in_line_has_the_next_place_before_who_comes_later() -> None:
    street = Street(rate_per_s=1)
    street.trust()
    waiting = [
        admission for admission in (street.acquire() for _ in range(5)) if admission.verdict is WAIT
    ]
    street.now_s = waiting[0].turn_s - 1
    late = street.acquire()
    endpoint_health = street.processes[0]
    in_turn = [
        endpoint_health.acquire(
            "acme", ENDPOINT, street.settings, "l", LEASE_S, turn_s=admission.turn_s
        )
        for admission in waiting
    ]
    assert [late.verdict, in_turn[0].verdict] == [WAIT, POST]
    assert late.turn_s > max(admission.turn_s for admission in waiting)
    assert street.now_s + in_turn[0].wait_s == waiting[0].turn_s


def test_a_place_that_was_not_used_is_given_back() -> None:
    street = Street()
    admission = street.acquire()
    street.processes[0].release("acme", ENDPOINT, admission)
    assert street.acquire().verdict is POST


def test_a_lost_answer_leaves_no_second_lease() -> None:
    street = Street()
    street.faults.lose_answer = set(range(1, 100))
    admission = street.acquire()
    street.report(admission, FAILED)
    assert admission.verdict is POST
    assert street.acquire().verdict is POST


def test_what_came_of_a_post_is_no_reason_to_stop_when_it_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    street = Street()
    admission = street.acquire()
    street.report(admission, PostResult(410, "HTTP 410"))

    def busy(*_: object) -> None:
        raise StoreUnavailable("busy")

    monkeypatch.setattr(street.store, "swap", busy)
    street.report(admission, FAILED)
    street.processes[0].release("acme", ENDPOINT, admission)
    with pytest.raises(StoreUnavailable):
        street.processes[0].reset("acme", ENDPOINT)


def test_health_is_kept_by_account_and_endpoint_and_by_url_without_its_query() -> None:
    secret = Endpoint("https://acme.example/dlr?token=secret", "clevertap")
    names = [
        name_of("acme", ENDPOINT),
        name_of("other", ENDPOINT),
        name_of("acme", ENDPOINT._replace(callback_id="second")),
        name_of("acme", secret),
        name_of("acme", secret._replace(url="https://acme.example/other")),
    ]
    assert len(set(names)) == 5
    assert name_of("acme", secret._replace(url="https://acme.example/dlr?id=2")) == names[3]
    assert all(name.startswith("health#") and "secret" not in name for name in names)


def test_endpoints_without_end_are_not_all_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harkara.state.endpoint_health._REMEMBERED", 10)
    street = Street()
    (endpoint_health,) = street.processes
    for number in range(25):
        endpoint = Endpoint(f"https://acme.example/{number}", "clevertap")
        admission = endpoint_health.acquire("acme", endpoint, street.settings, "lease", LEASE_S)
        endpoint_health.report("acme", endpoint, admission, TAKEN)
    assert len(endpoint_health._watches) <= 10
