"""The doors of endpoints: who is posted to at once, who waits, and what it costs."""

from collections.abc import Sequence
from typing import Any

import pytest

from harkara.callback_settings import CallbackEndpoint
from harkara.errors import StoreUnavailable
from harkara.messages import Endpoint
from harkara.posting import PostResult
from harkara.services.door import (
    QUICK_MS,
    REFRESHED_EVERY_S,
    SHUT_LIMIT_S,
    SLOW_LIMIT_S,
    SLOW_S,
    THROTTLED_S,
    TRUSTED_S,
)
from harkara.services.doors import (
    EXECUTIONS_OF_TEN,
    PATIENCE_S,
    READ_EVERY_S,
    Doors,
    Entry,
    Verdict,
    name_of,
)
from harkara.services.pace import Pace
from tests.fakes import FakeLimitStore, Faults, trust

POST, WAIT, FAILING, GONE = Verdict.POST, Verdict.WAIT, Verdict.FAILING, Verdict.GONE
ENDPOINT = Endpoint("https://acme.example/dlr", "clevertap", "main")
START_S = 1_767_258_000.0
LEASE_S = 13.0
TAKEN = PostResult(200, "HTTP 200")
FAILED = PostResult(500, "HTTP 500")
SLOW = TAKEN._replace(duration_ms=QUICK_MS + 1)


class Street:
    """Processes that post to one endpoint, at times by hand."""

    def __init__(self, processes: int = 1, **fields: Any) -> None:
        self.now_s = START_S
        self.faults = Faults()
        self.store = FakeLimitStore(self.faults)
        self.settings = CallbackEndpoint(id="main", url=ENDPOINT.url, **fields)
        self.processes = [
            Doors(self.store, Pace(self.store, self.clock, lambda: 0.5), self.clock)
            for _ in range(processes)
        ]
        self.leases = iter(range(1_000_000))

    def clock(self) -> float:
        return self.now_s

    def enter(self, process: int = 0, *, at_once: bool = False) -> Entry:
        doors, lease = self.processes[process], str(next(self.leases))
        return doors.enter("acme", ENDPOINT, self.settings, lease, LEASE_S, at_once=at_once)

    def leave(self, entry: Entry, result: PostResult, process: int = 0) -> None:
        self.processes[process].leave("acme", ENDPOINT, entry, result)

    def post(self, result: PostResult, process: int = 0) -> None:
        """Enter, post and leave: the endpoint must let it in."""
        entry = self.enter(process)
        assert entry.verdict is POST
        self.leave(entry, result, process)

    def trust(self) -> None:
        trust(self.store, "acme", ENDPOINT, self.now_s)


def verdicts(entries: Sequence[Entry]) -> list[Verdict]:
    return [entry.verdict for entry in entries]


def test_an_endpoint_that_nobody_knows_gets_one_post_at_a_time_and_none_at_once() -> None:
    street = Street(2)
    assert street.enter(at_once=True).verdict is WAIT
    first = street.enter()
    assert verdicts([first, street.enter(), street.enter(1)]) == [POST, WAIT, WAIT]
    assert not street.enter(1).trusted
    street.leave(first, FAILED)
    street.now_s += READ_EVERY_S
    assert street.enter(1).verdict is POST


@pytest.mark.parametrize("moved_s", [-3600.0, -0.001, READ_EVERY_S, 3600.0])
def test_a_clock_that_was_moved_has_it_read_anew(moved_s: float) -> None:
    street = Street()
    street.trust()
    street.enter()
    street.now_s += moved_s
    street.enter()
    assert street.faults.calls.count("get") == 2 * 2  # the endpoint's, and its account's


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
    """By another process, as a replay does: what is replayed must not be parked again."""
    street = Street(2)
    for result in results:
        street.post(result)
    assert street.enter().verdict is verdict
    street.processes[1].open("acme", ENDPOINT)
    street.now_s += 0.2
    assert street.enter().verdict is POST


def test_one_that_acknowledged_is_trusted_by_all_and_costs_a_write_in_five_minutes() -> None:
    street = Street(2)
    street.post(TAKEN)
    street.now_s += READ_EVERY_S
    swaps = street.faults.calls.count("swap")
    for second in range(REFRESHED_EVERY_S - 10):
        street.now_s = START_S + READ_EVERY_S + second
        entries = [street.enter(second % 2, at_once=True) for _ in range(3)]
        assert verdicts(entries) == [POST] * 3
        for entry in entries:
            street.leave(entry, TAKEN, second % 2)
    assert street.faults.calls.count("swap") == swaps
    street.now_s = START_S + REFRESHED_EVERY_S
    street.post(TAKEN)
    assert street.faults.calls.count("swap") == swaps + 1


def test_what_acknowledged_nothing_for_long_is_trusted_no_more() -> None:
    street = Street()
    street.trust()
    street.now_s += TRUSTED_S
    assert street.enter(at_once=True).verdict is WAIT


def test_a_post_whose_process_died_holds_its_place_no_longer_than_it_could_take() -> None:
    street = Street()
    street.enter()
    street.now_s += LEASE_S - 1
    assert street.enter().verdict is WAIT
    street.now_s += 1
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
    street.leave(Entry(POST), TAKEN, 1)  # it knows of no failure, and writes nothing
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
    street.now_s += REFRESHED_EVERY_S  # what is acknowledged is written
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


def test_a_trusted_endpoint_gets_no_more_posts_at_a_time_than_it_asks_for() -> None:
    street = Street(2, concurrency=2)
    street.trust()
    entries = [street.enter(0), street.enter(1), street.enter(0), street.enter(1)]
    assert verdicts(entries) == [POST, POST, WAIT, WAIT]
    assert entries[3].trusted
    street.leave(entries[0], TAKEN)
    assert street.enter(0).verdict is POST


def test_nor_more_a_second() -> None:
    street = Street(2, rate_per_s=2)
    street.trust()
    entries = [street.enter(number % 2) for number in range(7)]
    assert [(entry.verdict, entry.wait_s, entry.turn_s) for entry in entries] == [
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
    waiting = [entry for entry in (street.enter() for _ in range(5)) if entry.verdict is WAIT]
    street.now_s = waiting[0].turn_s - 1
    late = street.enter()
    doors = street.processes[0]
    in_turn = [
        doors.enter("acme", ENDPOINT, street.settings, "l", LEASE_S, turn_s=entry.turn_s)
        for entry in waiting
    ]
    assert [late.verdict, in_turn[0].verdict] == [WAIT, POST]
    assert late.turn_s > max(entry.turn_s for entry in waiting)
    assert street.now_s + in_turn[0].wait_s == waiting[0].turn_s


def test_a_place_that_was_not_used_is_given_back() -> None:
    street = Street()
    entry = street.enter()
    street.processes[0].release("acme", ENDPOINT, entry)
    assert street.enter().verdict is POST


def test_a_lost_answer_leaves_no_second_lease() -> None:
    street = Street()
    street.faults.lose_answer = set(range(1, 100))
    entry = street.enter()
    street.leave(entry, FAILED)
    assert entry.verdict is POST
    assert street.enter().verdict is POST


def test_what_came_of_a_post_is_no_reason_to_stop_when_it_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    street = Street()
    entry = street.enter()
    street.leave(entry, PostResult(410, "HTTP 410"))

    def busy(*_: object) -> None:
        raise StoreUnavailable("busy")

    monkeypatch.setattr(street.store, "swap", busy)
    street.leave(entry, FAILED)
    street.processes[0].release("acme", ENDPOINT, entry)
    with pytest.raises(StoreUnavailable):
        street.processes[0].open("acme", ENDPOINT)


def test_accounts_and_endpoints_have_doors_of_their_own_and_urls_go_without_their_query() -> None:
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
    assert all(name.startswith("door#") and "secret" not in name for name in names)


def test_endpoints_without_end_are_not_all_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harkara.services.doors._REMEMBERED", 10)
    street = Street()
    (doors,) = street.processes
    for number in range(25):
        endpoint = Endpoint(f"https://acme.example/{number}", "clevertap")
        entry = doors.enter("acme", endpoint, street.settings, "lease", LEASE_S)
        doors.leave("acme", endpoint, entry, TAKEN)
    assert len(doors._watches) <= 10


def test_one_that_acknowledges_slowly_is_posted_to_from_the_callback_queue_alone() -> None:
    street = Street(2)
    for _ in range(5):
        street.post(SLOW)
        street.now_s += 60
        assert street.enter(at_once=True).verdict is WAIT
    entries = [street.enter() for _ in range(3)]
    assert verdicts(entries) == [POST] * 3  # it is alive: more than one at a time
    assert {entry.within_s for entry in entries} == {float("inf")}
    for entry in entries:
        street.leave(entry, TAKEN._replace(duration_ms=QUICK_MS))
    assert street.enter(at_once=True) == Entry(POST, within_s=PATIENCE_S)


@pytest.mark.parametrize("result", [SLOW, FAILED._replace(duration_ms=2000)], ids=str)
def test_a_quick_one_that_was_not_makes_none_of_its_account_quick_for_longer_each_time(
    result: PostResult,
) -> None:
    street = Street(2)
    other = ENDPOINT._replace(callback_id="second")
    for slow_s in (SLOW_S, 2 * SLOW_S, 4 * SLOW_S):
        street.trust()
        trust(street.store, "acme", other, street.now_s)
        street.now_s += READ_EVERY_S
        entries = [street.enter(number % 2, at_once=True) for number in range(6)]
        assert verdicts(entries) == [POST] * 6
        for number, entry in enumerate(entries):
            street.leave(entry, result, number % 2)
        told_at_s = street.now_s
        for passed_s, verdict in ((READ_EVERY_S, WAIT), (slow_s - 1, WAIT), (slow_s, POST)):
            street.now_s = told_at_s + passed_s
            trust(street.store, "acme", other, street.now_s)
            doors = Doors(street.store, street.processes[0].pace, street.clock)
            entry = doors.enter("acme", other, street.settings, "x", LEASE_S, at_once=True)
            assert entry.verdict is verdict
        street.now_s += READ_EVERY_S
    street.now_s += 4 * SLOW_S + SLOW_LIMIT_S
    street.trust()
    street.post(result)
    street.now_s += READ_EVERY_S
    street.trust()
    street.now_s += SLOW_S
    assert street.enter(at_once=True).verdict is POST


def test_a_quick_failure_holds_nobody_and_costs_no_trust() -> None:
    street = Street()
    street.trust()
    street.post(FAILED)
    assert street.enter(at_once=True).verdict is POST


def test_an_account_holds_few_executions_however_many_its_endpoints() -> None:
    street = Street(EXECUTIONS_OF_TEN + 2)

    def enter(process: int, number: int) -> Entry:
        endpoint = ENDPOINT._replace(callback_id=f"e{number}")
        lease = str(next(street.leases))
        doors = street.processes[process]
        return doors.enter("acme", endpoint, street.settings, lease, LEASE_S)

    entered = [
        enter(process, 10 * process + n) for process in range(EXECUTIONS_OF_TEN) for n in range(3)
    ]
    assert verdicts(entered) == [POST] * 9
    late = enter(EXECUTIONS_OF_TEN, 100)
    assert (late.verdict, late.trusted) == (WAIT, True)
    # Another account's are not held up, and what is quick needs no seat.
    other = street.processes[-1].enter("other", ENDPOINT, street.settings, "x", LEASE_S)
    assert other.verdict is POST
    street.trust()
    assert street.enter(EXECUTIONS_OF_TEN).verdict is POST
    # An execution is let go with the last of its posts.
    for number, entry in enumerate(entered[:3]):
        assert enter(EXECUTIONS_OF_TEN + 1, 200 + number).verdict is WAIT
        endpoint = ENDPOINT._replace(callback_id=f"e{number}")
        street.processes[0].leave("acme", endpoint, entry, FAILED)
        street.now_s += READ_EVERY_S
    assert enter(EXECUTIONS_OF_TEN + 1, 200).verdict is POST


@pytest.mark.parametrize(
    ("concurrency", "held"),
    [
        pytest.param(2, 1, id="the fewest"),
        (3, 1),
        (10, EXECUTIONS_OF_TEN),
        pytest.param(40, 12, id="many"),
    ],
)
def test_an_account_holds_its_share_of_a_deployments_executions(
    concurrency: int, held: int
) -> None:
    street = Street()
    entered = [
        Doors(street.store, street.processes[0].pace, street.clock, concurrency=concurrency).enter(
            "acme", ENDPOINT._replace(callback_id=f"e{n}"), street.settings, f"{n}", LEASE_S
        )
        for n in range(concurrency)
    ]
    assert verdicts(entered) == [POST] * held + [WAIT] * (concurrency - held)


def test_an_execution_that_died_holds_its_seat_no_longer_than_a_post_takes() -> None:
    street = Street(EXECUTIONS_OF_TEN + 1)
    for process in range(EXECUTIONS_OF_TEN):
        endpoint = ENDPOINT._replace(callback_id=f"e{process}")
        street.processes[process].enter("acme", endpoint, street.settings, "x", LEASE_S)
    assert street.enter(EXECUTIONS_OF_TEN).verdict is WAIT
    street.now_s += LEASE_S + 5
    assert street.enter(EXECUTIONS_OF_TEN).verdict is POST


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
