"""Reads and writes of endpoint health, how long it is kept, and the account that owns it."""

import pytest

from harkara.base.time import DAY_S
from harkara.model.callbacks import PostResult
from harkara.model.messages import Endpoint
from harkara.state.endpoint_health import (
    EXECUTIONS_OF_TEN,
    READ_EVERY_S,
    THROTTLED_WAIT_S,
    Admission,
    name_of,
)
from harkara.state.endpoint_health_record import REFRESHED_EVERY_S
from tests.unit.street import ENDPOINT, FAILED, LEASE_S, POST, SLOW, TAKEN, WAIT, Street


@pytest.mark.parametrize(
    ("admission", "result", "after_s", "writes"),
    [
        pytest.param(Admission(POST), TAKEN, 10, False, id="acknowledged, as it did lately"),
        pytest.param(Admission(POST), TAKEN, REFRESHED_EVERY_S, True, id="not so lately"),
        pytest.param(Admission(POST), FAILED, 10, True, id="failed"),
        pytest.param(Admission(POST), SLOW, 10, True, id="slow"),
        pytest.param(Admission(POST, lease="a"), TAKEN, 10, True, id="a place to give back"),
        pytest.param(Admission(POST, seat="a"), TAKEN, 10, True, id="an execution to let go"),
    ],
)
def test_a_post_is_written_down_where_it_changes_what_is_known(
    admission: Admission, result: PostResult, after_s: float, writes: bool
) -> None:
    street = Street()
    street.trust()
    street.acquire()
    street.now_s += after_s
    (endpoint_health,) = street.processes
    assert endpoint_health.will_write("acme", ENDPOINT, admission, result) is writes


def test_what_a_process_does_not_remember_is_written_down() -> None:
    street = Street()
    (endpoint_health,) = street.processes
    assert endpoint_health.will_write("acme", ENDPOINT, Admission(POST), TAKEN)


def test_what_a_process_heard_it_writes_down_though_it_remembers_nothing() -> None:
    street = Street(2)
    (endpoint_health, other) = street.processes
    endpoint_health.report("acme", ENDPOINT, Admission(POST), TAKEN)
    assert (
        other.acquire("acme", ENDPOINT, street.settings, "x", LEASE_S, at_once=True).verdict is POST
    )


def test_health_is_kept_for_thirty_days_from_its_last_change() -> None:
    street = Street()
    street.post(TAKEN)
    assert set(street.store.expires_at_s.values()) == {int(street.now_s) + 30 * DAY_S}


@pytest.mark.parametrize(("more_s", "waits"), [(0, True), (1, False)])
def test_a_pause_of_a_minute_is_waited_for_and_no_longer_one(more_s: int, waits: bool) -> None:
    street = Street()
    street.post(PostResult(429, "HTTP 429", THROTTLED_WAIT_S + more_s))
    assert (street.acquire().verdict is WAIT) is waits


def test_who_posts_at_once_waits_for_no_place_and_each_endpoint_has_a_rate_of_its_own() -> None:
    street = Street(rate_per_s=2)
    street.trust()
    assert street.acquire(at_once=True).verdict is POST
    late = street.acquire(at_once=True)
    assert (late.verdict, late.trusted) == (WAIT, True)
    (endpoint_health,) = street.processes
    other = ENDPOINT._replace(callback_id="other")
    admission = endpoint_health.acquire("acme", other, street.settings, "x", LEASE_S)
    assert (admission.verdict, admission.wait_s) == (POST, 0)


def test_opening_leaves_the_posts_that_are_under_way_their_places() -> None:
    street = Street(concurrency=1)
    street.trust()
    assert street.acquire().verdict is POST
    street.processes[0].reset("acme", ENDPOINT)
    assert street.acquire().verdict is WAIT


def test_what_was_opened_is_not_read_again_at_once() -> None:
    street = Street()
    street.processes[0].reset("acme", ENDPOINT)
    reads = street.faults.calls.count("get")
    street.now_s += READ_EVERY_S / 2
    street.acquire()
    assert street.faults.calls.count("get") == reads + 1, "its account's alone"


def test_what_was_read_a_moment_ago_is_not_read_again() -> None:
    street = Street()
    street.trust()
    street.acquire()
    reads = street.faults.calls.count("get")
    for passed_s in (0, 0.5, 1, READ_EVERY_S - 2):
        street.now_s += passed_s
        street.acquire()
    assert street.faults.calls.count("get") == reads


def test_a_seat_lasts_a_little_longer_than_its_post_and_a_later_one_within_it_costs_nothing() -> (
    None
):
    street = Street(EXECUTIONS_OF_TEN + 1)
    for process in range(EXECUTIONS_OF_TEN):
        endpoint = ENDPOINT._replace(callback_id=f"e{process}")
        street.processes[process].acquire("acme", endpoint, street.settings, "x", LEASE_S)
    street.now_s += LEASE_S + 4
    assert street.acquire(EXECUTIONS_OF_TEN).verdict is WAIT
    before = Street()
    (endpoint_health,) = before.processes
    first, second, third = (ENDPOINT._replace(callback_id=each) for each in "abc")
    endpoint_health.acquire("acme", first, before.settings, "x", LEASE_S)
    writes = before.faults.calls.count("swap")
    endpoint_health.acquire("acme", second, before.settings, "y", LEASE_S)
    endpoint_health.acquire("acme", third, before.settings, "z", LEASE_S + 5)
    assert before.faults.calls.count("swap") == writes + 2, "a place each, no seat"


def test_who_gives_back_a_place_unused_lets_the_execution_go_and_stops_for_no_error() -> None:
    street = Street(EXECUTIONS_OF_TEN + 1)
    entries = []
    for process in range(EXECUTIONS_OF_TEN):
        endpoint = ENDPOINT._replace(callback_id=f"e{process}")
        endpoint_health = street.processes[process]
        entries.append(endpoint_health.acquire("acme", endpoint, street.settings, "x", LEASE_S))
    assert street.acquire(EXECUTIONS_OF_TEN).verdict is WAIT
    first = ENDPOINT._replace(callback_id="e0")
    street.processes[0].release("acme", first, entries[0])
    street.now_s += READ_EVERY_S
    assert street.acquire(EXECUTIONS_OF_TEN).verdict is POST


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("https://a.example/x?q=1", "https://a.example/x?q=2", True),
        ("https://a.example/x?q=1?r=2", "https://a.example/x?s", True),
        ("https://a.example/x", "https://a.example/x?q", True),
        ("https://a.example/x", "https://a.example/y", False),
        ("https://a.example/x?q", "https://a.example/y?q", False),
    ],
)
def test_a_url_goes_by_what_is_before_its_query(first: str, second: str, same: bool) -> None:
    names = {name_of("acme", Endpoint(url, "generic")) for url in (first, second)}
    assert len(names) == 2 - same


def test_a_full_process_keeps_the_health_records_that_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("harkara.state.endpoint_health._REMEMBERED", 2)
    street = Street()
    street.trust()
    street.acquire()  # the endpoint's, and its account's
    reads = street.faults.calls.count("get")
    street.acquire()
    assert street.faults.calls.count("get") == reads
    (endpoint_health,) = street.processes
    endpoint_health.acquire("acme", replace_url("/third"), street.settings, "x", LEASE_S)
    assert len(endpoint_health._watches) <= 2


def replace_url(path: str) -> Endpoint:
    return Endpoint(f"https://acme.example{path}", "clevertap")
