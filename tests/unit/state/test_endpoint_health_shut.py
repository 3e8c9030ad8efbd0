"""Open circuits of endpoints that fail, ask for a pause or are gone, until they close again."""

import pytest

from harkara.model.callbacks import PostResult
from harkara.model.messages import Endpoint
from harkara.state.endpoint_health import READ_EVERY_S, Entry, Verdict
from harkara.state.endpoint_health_record import REFRESHED_EVERY_S, SHUT_LIMIT_S, THROTTLED_S
from tests.unit.street import (
    ENDPOINT,
    FAILED,
    FAILING,
    GONE,
    LEASE_S,
    POST,
    TAKEN,
    WAIT,
    Street,
    verdicts,
)


@pytest.mark.parametrize(
    ("results", "verdict"),
    [
        pytest.param([PostResult(410, "HTTP 410")], GONE, id="gone"),
        pytest.param([FAILED] * 3, FAILING, id="shut"),
    ],
)
def test_one_that_was_opened_a_moment_ago_is_posted_to(
    results: list[PostResult], verdict: Verdict
) -> None:
    """Another process opened it, as a replay does: replayed callbacks must not be parked again."""
    street = Street(2)
    for result in results:
        street.post(result)
    assert street.enter().verdict is verdict
    street.processes[1].open("acme", ENDPOINT)
    street.now_s += 0.2
    assert street.enter().verdict is POST


@pytest.mark.parametrize("failures", [3, 4, 5, 9, 12])
def test_a_door_is_shut_longer_with_each_failure_after_the_second(failures: int) -> None:
    street = Street(2)
    for _ in range(failures):
        street.post(FAILED)
        shut_s = 0.0
        while street.enter(at_once=True).verdict is FAILING:
            street.now_s += 1
            shut_s += 1
    assert shut_s == min(5 * 2 ** (failures - 3), SHUT_LIMIT_S)
    # The first post after that is a probe.
    assert verdicts([street.enter(), street.enter()]) == [POST, WAIT]


def test_all_processes_leave_a_shut_door_alone() -> None:
    street = Street(2)
    for _ in range(3):
        street.post(FAILED)
    assert street.enter(1).verdict is FAILING
    posts = [each for each in street.faults.calls if each == "swap"]
    street.enter(1)
    assert [each for each in street.faults.calls if each == "swap"] == posts


def test_a_trusted_endpoint_that_fails_thrice_in_a_row_is_shut_once_for_all_its_posts() -> None:
    street = Street()
    street.trust()
    entries = [street.enter() for _ in range(10)]
    for entry in entries:
        street.leave(entry, FAILED)
    assert street.enter().verdict is FAILING
    street.now_s += 5
    assert verdicts([street.enter(), street.enter()]) == [POST, WAIT]


def test_failures_with_acknowledgements_in_between_shut_nothing() -> None:
    street = Street()
    street.trust()
    for _ in range(20):
        street.post(FAILED)
        street.post(FAILED)
        street.now_s += 1
        street.post(TAKEN)
    assert street.enter(at_once=True).verdict is POST


def test_what_another_process_counted_is_no_row_where_this_one_was_acknowledged() -> None:
    street = Street(2)
    street.trust()
    street.enter(1)
    street.post(FAILED)
    street.post(FAILED)
    street.now_s += 1
    street.leave(Entry(POST), TAKEN, 1)  # without recorded failures it writes nothing
    street.leave(Entry(POST), FAILED, 1)
    street.now_s += READ_EVERY_S
    assert street.enter(at_once=True).verdict is POST


@pytest.mark.parametrize(
    ("result", "shut_s"),
    [
        pytest.param(PostResult(429, "HTTP 429"), THROTTLED_S, id="429"),
        pytest.param(PostResult(429, "HTTP 429", 30), 30, id="429 with a time"),
        pytest.param(PostResult(503, "HTTP 503", 20), 20, id="503 with a time"),
    ],
)
def test_an_endpoint_that_asks_to_be_left_alone_is_and_loses_no_trust(
    result: PostResult, shut_s: int
) -> None:
    street = Street()
    street.trust()
    street.now_s += REFRESHED_EVERY_S  # acknowledgements are written
    under_way = street.enter()
    street.post(result)
    assert street.enter() == Entry(WAIT, shut_s)
    street.leave(under_way, TAKEN)
    assert street.enter() == Entry(WAIT, shut_s)
    street.now_s += shut_s
    assert street.enter(at_once=True).verdict is POST


def test_one_that_asks_for_an_hour_is_not_waited_for() -> None:
    street = Street()
    street.post(PostResult(429, "HTTP 429", 3600))
    assert street.enter().verdict is FAILING


@pytest.mark.parametrize("status", [400, 404, 408, 302])
def test_an_answer_that_refuses_shuts_nothing_and_is_no_trust(status: int) -> None:
    street = Street()
    for _ in range(5):
        street.post(PostResult(status, ""))
    assert street.enter(at_once=True).verdict is WAIT
    assert street.enter().verdict is POST


def test_one_that_is_gone_stays_so_until_it_is_opened() -> None:
    street = Street(2)
    street.post(PostResult(410, "HTTP 410"))
    street.now_s += 86_400
    assert verdicts([street.enter(), street.enter(1)]) == [GONE, GONE]
    street.processes[0].open("acme", ENDPOINT)
    assert verdicts([street.enter(), street.enter()]) == [POST, WAIT]


def test_opening_opens_what_is_shut_too_and_leaves_trust() -> None:
    street = Street(2)
    for _ in range(3):
        street.post(FAILED)
    street.processes[1].open("acme", ENDPOINT)
    street.now_s += READ_EVERY_S
    assert street.enter().verdict is POST
    street.trust()
    street.processes[1].open("acme", ENDPOINT)
    street.now_s += READ_EVERY_S
    assert street.enter(at_once=True).verdict is POST


@pytest.mark.parametrize(
    ("url", "callback_id", "verdict"),
    [
        pytest.param("https://acme.example/dlr", "main", GONE, id="a callback"),
        pytest.param("https://acme.example/dlr?a=1", "main", GONE, id="a callback with a query"),
        pytest.param("https://acme.example/dlr", "", GONE, id="a URL"),
        pytest.param("https://acme.example/dlr?a=1", "", POST, id="one query of a URL"),
    ],
)
def test_a_410_to_one_query_says_nothing_of_the_others(
    url: str, callback_id: str, verdict: Verdict
) -> None:
    street = Street()
    endpoint = Endpoint(url, "clevertap", callback_id)
    (doors,) = street.processes
    entry = doors.enter("acme", endpoint, street.settings, "x", LEASE_S)
    doors.leave("acme", endpoint, entry, PostResult(410, "HTTP 410"))
    assert doors.enter("acme", endpoint, street.settings, "y", LEASE_S).verdict is verdict


def test_an_acknowledgement_of_what_was_under_way_opens_one_that_is_gone() -> None:
    street = Street()
    street.trust()
    street.now_s += REFRESHED_EVERY_S
    gone, taken = street.enter(), street.enter()
    street.leave(gone, PostResult(410, "HTTP 410"))
    assert street.enter().verdict is GONE
    street.leave(taken, TAKEN)
    assert street.enter().verdict is POST
