"""Open circuits of endpoints that fail, ask for a pause or are gone, until they close again."""

import pytest

from harkara.model.callbacks import PostResult
from harkara.model.messages import Endpoint
from harkara.state.endpoint_health import READ_EVERY_S, Admission, Verdict
from harkara.state.endpoint_health_record import OPEN_LIMIT_S, REFRESHED_EVERY_S, THROTTLED_S
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
    assert street.acquire().verdict is verdict
    street.processes[1].reset("acme", ENDPOINT)
    street.now_s += 0.2
    assert street.acquire().verdict is POST


@pytest.mark.parametrize("failures", [3, 4, 5, 9, 12])
def test_a_circuit_is_open_longer_with_each_failure_after_the_second(failures: int) -> None:
    street = Street(2)
    for _ in range(failures):
        street.post(FAILED)
        open_s = 0.0
        while street.acquire(at_once=True).verdict is FAILING:
            street.now_s += 1
            open_s += 1
    assert open_s == min(5 * 2 ** (failures - 3), OPEN_LIMIT_S)
    # The first post after that is a probe.
    assert verdicts([street.acquire(), street.acquire()]) == [POST, WAIT]


def test_no_process_posts_while_the_circuit_is_open() -> None:
    street = Street(2)
    for _ in range(3):
        street.post(FAILED)
    assert street.acquire(1).verdict is FAILING
    posts = [each for each in street.faults.calls if each == "swap"]
    street.acquire(1)
    assert [each for each in street.faults.calls if each == "swap"] == posts


def test_the_circuit_of_a_trusted_endpoint_opens_once_after_three_failures_in_a_row() -> None:
    street = Street()
    street.trust()
    entries = [street.acquire() for _ in range(10)]
    for admission in entries:
        street.report(admission, FAILED)
    assert street.acquire().verdict is FAILING
    street.now_s += 5
    assert verdicts([street.acquire(), street.acquire()]) == [POST, WAIT]


def test_failures_with_acknowledgements_in_between_open_no_circuit() -> None:
    street = Street()
    street.trust()
    for _ in range(20):
        street.post(FAILED)
        street.post(FAILED)
        street.now_s += 1
        street.post(TAKEN)
    assert street.acquire(at_once=True).verdict is POST


def test_what_another_process_counted_is_no_row_where_this_one_was_acknowledged() -> None:
    street = Street(2)
    street.trust()
    street.acquire(1)
    street.post(FAILED)
    street.post(FAILED)
    street.now_s += 1
    street.report(Admission(POST), TAKEN, 1)  # without recorded failures it writes nothing
    street.report(Admission(POST), FAILED, 1)
    street.now_s += READ_EVERY_S
    assert street.acquire(at_once=True).verdict is POST


@pytest.mark.parametrize(
    ("result", "open_s"),
    [
        pytest.param(PostResult(429, "HTTP 429"), THROTTLED_S, id="429"),
        pytest.param(PostResult(429, "HTTP 429", 30), 30, id="429 with a time"),
        pytest.param(PostResult(503, "HTTP 503", 20), 20, id="503 with a time"),
    ],
)
def test_an_endpoint_that_asks_to_be_left_alone_is_and_loses_no_trust(
    result: PostResult, open_s: int
) -> None:
    street = Street()
    street.trust()
    street.now_s += REFRESHED_EVERY_S  # acknowledgements are written
    under_way = street.acquire()
    street.post(result)
    assert street.acquire() == Admission(WAIT, open_s)
    street.report(under_way, TAKEN)
    assert street.acquire() == Admission(WAIT, open_s)
    street.now_s += open_s
    assert street.acquire(at_once=True).verdict is POST


def test_one_that_asks_for_an_hour_is_not_waited_for() -> None:
    street = Street()
    street.post(PostResult(429, "HTTP 429", 3600))
    assert street.acquire().verdict is FAILING


@pytest.mark.parametrize("status", [400, 404, 408, 302])
def test_a_refusing_answer_opens_no_circuit_and_earns_no_trust(status: int) -> None:
    street = Street()
    for _ in range(5):
        street.post(PostResult(status, ""))
    assert street.acquire(at_once=True).verdict is WAIT
    assert street.acquire().verdict is POST


def test_one_that_is_gone_stays_so_until_it_is_opened() -> None:
    street = Street(2)
    street.post(PostResult(410, "HTTP 410"))
    street.now_s += 86_400
    assert verdicts([street.acquire(), street.acquire(1)]) == [GONE, GONE]
    street.processes[0].reset("acme", ENDPOINT)
    assert verdicts([street.acquire(), street.acquire()]) == [POST, WAIT]


def test_a_reset_closes_an_open_circuit_too_and_leaves_trust() -> None:
    street = Street(2)
    for _ in range(3):
        street.post(FAILED)
    street.processes[1].reset("acme", ENDPOINT)
    street.now_s += READ_EVERY_S
    assert street.acquire().verdict is POST
    street.trust()
    street.processes[1].reset("acme", ENDPOINT)
    street.now_s += READ_EVERY_S
    assert street.acquire(at_once=True).verdict is POST


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
    (endpoint_health,) = street.processes
    admission = endpoint_health.acquire("acme", endpoint, street.settings, "x", LEASE_S)
    endpoint_health.report("acme", endpoint, admission, PostResult(410, "HTTP 410"))
    assert (
        endpoint_health.acquire("acme", endpoint, street.settings, "y", LEASE_S).verdict is verdict
    )


def test_an_acknowledgement_of_what_was_under_way_opens_one_that_is_gone() -> None:
    street = Street()
    street.trust()
    street.now_s += REFRESHED_EVERY_S
    gone, taken = street.acquire(), street.acquire()
    street.report(gone, PostResult(410, "HTTP 410"))
    assert street.acquire().verdict is GONE
    street.report(taken, TAKEN)
    assert street.acquire().verdict is POST
