"""Tries to sign in are limited by user and by network, over all processes."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.aws.limits import DynamoLimitStore
from harkara.base.errors import RequestRefused
from harkara.state import refusals
from harkara.state.sign_in_limits import SignInLimits, TryLimit
from tests.support.dynamo import MESSAGES
from tests.unit.signing_in import NOON, Interrupted

LIMIT = TryLimit(5, 60)


class Tries:
    """Several processes that count tries, with a clock set by hand."""

    def __init__(self, processes: int = 1) -> None:
        self.now_s = float(NOON)
        self.dynamo = Interrupted(lambda: self.now_s)
        self.processes = [
            SignInLimits(DynamoLimitStore(self.dynamo, MESSAGES), lambda: self.now_s, LIMIT, LIMIT)
            for _ in range(processes)
        ]

    def wait_s(self, user: str = "user", process: int = 0) -> int:
        """Count a try; return 0, or after how long to try again."""
        try:
            self.processes[process].take_of_user(user)
        except RequestRefused as refusal:
            return refusal.retry_after_s
        return 0

    def networks(self, *addresses: str) -> int:
        """Count a try from each address; return the number of networks."""
        for address in addresses:
            self.processes[0].take_of_address(address)
        return len(self.dynamo.tables[MESSAGES].items)


def test_so_many_tries_pass_at_once_and_then_one_each_time() -> None:
    attempts = Tries()
    assert [attempts.wait_s() for _ in range(7)] == [0] * 5 + [60, 60]
    attempts.now_s += 59.5
    assert attempts.wait_s() == 1
    attempts.now_s += 0.5
    assert [attempts.wait_s(), attempts.wait_s()] == [0, 60]
    attempts.now_s += 3_600
    assert [attempts.wait_s() for _ in range(6)] == [0] * 5 + [60]


def test_users_do_not_count_for_each_other() -> None:
    attempts = Tries()
    assert [attempts.wait_s(str(number)) for number in range(20)] == [0] * 20


def test_a_flood_is_refused_without_a_call() -> None:
    attempts = Tries()
    for _ in range(6):
        attempts.wait_s()
    attempts.dynamo.calls.clear()
    assert all(attempts.wait_s() for _ in range(100))
    assert attempts.dynamo.calls == []


def test_what_a_process_remembers_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "_KNOWN_LIMIT", 10)
    attempts = Tries()
    for number in range(11):
        for _ in range(6):
            attempts.wait_s(str(number))
    assert len(attempts.processes[0]._refused._until_us) == 10
    assert attempts.wait_s("0") == 60


@given(
    steps=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 90)), min_size=1, max_size=60),
)
def test_in_any_span_no_more_pass_than_the_limit_says(steps: list[tuple[int, int]]) -> None:
    attempts, passed = Tries(processes=3), list[float]()
    for process, seconds in steps:
        attempts.now_s += seconds
        if not attempts.wait_s(process=process):
            passed.append(attempts.now_s)
    for first, begins_s in enumerate(passed):
        for last, ends_s in enumerate(passed[first:], first):
            span_s = ends_s - begins_s
            assert last - first + 1 <= LIMIT.at_once + span_s // LIMIT.every_s + (span_s % 60 > 0)


def test_tries_of_many_threads_and_processes_at_once_pass_no_more() -> None:
    attempts = Tries(processes=4)
    with ThreadPoolExecutor(8) as pool:
        waits = [*pool.map(lambda number: attempts.wait_s(process=number % 4), range(64))]
    assert waits.count(0) == 5


@pytest.mark.parametrize(
    ("addresses", "networks"),
    [
        (("192.0.2.1", "192.0.2.2"), 2),
        (("192.0.2.1", "::ffff:192.0.2.1"), 1),
        (("2001:db8::1", "2001:db8::ffff:2", "2001:0db8:0:0:1::"), 1),
        (("2001:db8::1", "2001:db8:0:1::1"), 2),
        (("::1", "::2"), 1),
        (("", "x", "192.0.2.1, 10.0.0.1", "\ud800", "x" * 100_000), 1),
    ],
)
def test_what_counts_as_one_client(addresses: tuple[str, ...], networks: int) -> None:
    assert Tries().networks(*addresses) == networks
