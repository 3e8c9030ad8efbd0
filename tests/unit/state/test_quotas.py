"""Amounts are counted against quotas of periods of India, over all processes."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.aws.limits import DynamoLimitStore
from harkara.base.errors import StoreUnavailable
from harkara.base.time import DAY_S
from harkara.state.quotas import PeriodName, Quota, Quotas
from tests.support.dynamo import MESSAGES
from tests.support.fakes import FakeLimitStore, Faults
from tests.unit.signing_in import Interrupted

NAME = "rate#acme#spend"


def at(text: str) -> float:
    return datetime.fromisoformat(f"{text}+05:30").timestamp()


class Using:
    """Several processes that use up quotas, with a clock set by hand."""

    def __init__(self, *quotas: Quota, processes: int = 1) -> None:
        self.quotas = quotas
        self.now_s = at("2026-01-30T12:00:00")
        self.dynamo = Interrupted(lambda: self.now_s)
        self.processes = [
            Quotas(DynamoLimitStore(self.dynamo, MESSAGES), lambda: self.now_s)
            for _ in range(processes)
        ]

    def wait(self, amount: int = 1, process: int = 0) -> int:
        """Use an amount; return how many seconds it has to wait."""
        refused = self.processes[process].take(NAME, self.quotas, amount)
        return refused.wait_s if refused else 0

    @property
    def writes(self) -> int:
        return len(self.dynamo.calls)


@pytest.mark.parametrize(
    ("period", "now", "ends"),
    [
        ("minute", "2026-01-30T12:00:59", "2026-01-30T12:01:00"),
        ("hour", "2026-01-30T12:00:00", "2026-01-30T13:00:00"),
        ("day", "2026-01-30T23:59:59", "2026-01-31T00:00:00"),
        ("month", "2026-01-31T00:00:00", "2026-02-01T00:00:00"),
        ("month", "2026-12-31T23:59:59", "2027-01-01T00:00:00"),
        ("month", "2028-02-29T05:00:00", "2028-03-01T00:00:00"),
    ],
)
def test_a_period_is_one_of_indias_clocks(period: PeriodName, now: str, ends: str) -> None:
    using = Using(Quota(period, 3))
    using.now_s, ends_s = at(now), at(ends)
    assert [using.wait() for _ in range(4)] == [0, 0, 0, ends_s - using.now_s]
    using.now_s = ends_s - 0.5
    assert using.wait() == 1
    using.now_s = ends_s
    assert [using.wait(3), using.wait(1) > 0] == [0, True]


def test_all_quotas_of_an_item_hold_and_a_refused_amount_counts_for_none() -> None:
    using = Using(Quota("day", 10), Quota("month", 15))
    to_midnight_s = 12 * 3600
    assert [using.wait(8), using.wait(3), using.wait(2)] == [0, to_midnight_s, 0]
    using.now_s = at("2026-01-31T09:00:00")
    assert [using.wait(6), using.wait(5)] == [15 * 3600, 0]
    using.now_s = at("2026-02-01T00:00:00")
    assert using.wait(10) == 0


def test_a_month_is_remembered_until_it_is_over() -> None:
    using = Using(Quota("day", 10), Quota("month", 15))
    using.now_s = at("2026-01-01T00:00:00")
    using.wait()
    (item,) = using.dynamo.tables[MESSAGES].items.values()
    assert int(item["ttl"]["N"]) == at("2026-02-01T00:00:00") + DAY_S


def test_a_changed_quota_counts_at_once() -> None:
    using = Using(Quota("day", 2))
    assert [using.wait(2), using.wait(1) > 0] == [0, True]
    using.quotas = (Quota("day", 3),)
    assert [using.wait(1), using.wait(1) > 0] == [0, True]
    using.quotas = (Quota("day", 1), Quota("hour", 1))
    assert using.wait(1) > 0
    using.quotas = (Quota("hour", 1),)
    assert [using.wait(1), using.wait(1) > 0] == [0, True]


def test_a_clock_that_is_ahead_at_midnight_loses_nothing() -> None:
    using = Using(Quota("day", 3), processes=2)
    using.now_s = at("2026-01-31T00:00:00")
    assert using.wait(2) == 0
    using.now_s -= 0.5
    assert using.wait(2, process=1) == DAY_S + 1
    assert using.wait(1, process=1) == 0


def test_a_flood_that_is_refused_pays_no_call() -> None:
    using = Using(Quota("day", 2))
    assert [using.wait(2), using.wait(1) > 0] == [0, True]
    calls = using.writes
    assert all(using.wait(1) for _ in range(100))
    assert using.processes[0].exhausted(NAME, using.quotas, 1)
    assert using.writes == calls


def test_a_busy_process_makes_a_call_for_many() -> None:
    using = Using(Quota("day", 10**6), Quota("month", 10**8), processes=2)
    for _ in range(500):
        using.now_s += 0.01
        assert using.wait(3) == 0
    assert using.writes <= 15
    # Another one, with little to do, takes no more than it needs.
    assert using.wait(3, process=1) == 0
    assert using.processes[1].exhausted(NAME, using.quotas, 1) is None


def busy(using: Using, count: int = 100) -> None:
    """Use one each so many times, a hundred a second."""
    for _ in range(count):
        using.now_s += 0.01
        assert using.wait(1) == 0


def test_what_a_process_has_in_hand_counts_for_an_amount_that_takes_all_the_rest() -> None:
    using = Using(Quota("day", 50_000))
    busy(using)
    assert using.wait(1) == 0
    assert using.wait(50_000 - 101) == 0
    assert using.wait(1) > 0


def test_what_a_process_has_in_hand_ends_with_its_period() -> None:
    using = Using(Quota("day", 50_000))
    busy(using)
    using.now_s += DAY_S
    for amount in (1, 20_000, 20_000, 9_999):
        assert using.wait(amount) == 0
    assert using.wait(1) > 0


def test_as_much_passes_as_there_is_room_for() -> None:
    using = Using(Quota("hour", 10), Quota("day", 12), processes=2)
    first, second = using.processes
    assert first.take_most(NAME, using.quotas, 4) == (4, None)
    passed, refused = second.take_most(NAME, using.quotas, 9)
    assert refused
    assert (passed, refused.period, refused.wait_s) == (6, "hour", 3600)
    using.now_s += 3600
    passed, refused = first.take_most(NAME, using.quotas, 9)
    assert refused
    assert (passed, refused.period) == (2, "day")
    passed, refused = first.take_most(NAME, using.quotas, 9)
    assert passed == 0


def test_what_is_given_back_is_used_again_in_its_period_alone() -> None:
    using = Using(Quota("hour", 3), Quota("day", 9))
    (quotas,) = using.processes
    begun_s = using.now_s
    assert [using.wait(3), using.wait(1) > 0] == [0, True]
    quotas.give_back(NAME, using.quotas, 2, begun_s)
    assert [using.wait(2), using.wait(1) > 0] == [0, True]
    using.now_s += 3600
    assert using.wait(1) == 0
    quotas.give_back(NAME, using.quotas, 2, begun_s)
    assert [using.wait(2), using.wait(1) > 0] == [0, True]


steps = st.lists(
    st.tuples(
        st.integers(0, 2), st.sampled_from([1, 2, 40, 700]), st.sampled_from([0, 0.005, 1, 7000])
    ),
    max_size=150,
)


@given(st.sampled_from([5, 900, 20_000]), st.sampled_from([6, 1_500, 50_000]), steps)
def test_any_sequence_over_processes_keeps_every_quota_and_loses_little(
    a_day: int, a_month: int, taken: Sequence[tuple[int, int, float]]
) -> None:
    using = Using(Quota("day", a_day), Quota("month", a_month), processes=3)
    used: dict[str, int] = {}
    for process, amount, passed_s in taken:
        using.now_s += passed_s
        day = f"{datetime.fromtimestamp(using.now_s + 19_800).astimezone():%F}"
        keys = day, day[:7]
        refused = using.wait(amount, process)
        if not refused:
            for key in keys:
                used[key] = used.get(key, 0) + amount
        # A thousandth of a quota may be in the hands of each of the others.
        elif used.get(keys[0], 0) + amount <= a_day - 2 * (a_day // 1000):
            assert used.get(keys[1], 0) + amount > a_month - 2 * (a_month // 1000)
    for key, amount in used.items():
        assert amount <= (a_month if len(key) == len("2026-01") else a_day)


@pytest.mark.parametrize("quota", [7, 100, 3_000])
def test_parallel_uses_never_pass_a_quota(quota: int) -> None:
    using = Using(Quota("day", quota), processes=8)
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda each: using.wait(process=each % 8), range(quota + 200)))
    assert quota - 8 * (quota // 1000) <= waits.count(0) <= quota


def test_a_lost_answer_counts_more_and_never_less() -> None:
    faults = Faults()
    quotas = Quotas(FakeLimitStore(faults), lambda: at("2026-01-30T12:00:00"))
    faults.lose_answer.add(0)
    passed = [quotas.take(NAME, [Quota("day", 5)], 1) is None for _ in range(6)]
    assert passed == [True] * 4 + [False] * 2


def test_a_line_that_others_keep_moving_is_given_up() -> None:
    class Moving:
        def extend_all(self, *_: object) -> tuple[dict[str, int], dict[str, int]]:
            return {}, {}

    quotas = Quotas(Moving(), lambda: at("2026-01-30T12:00:00"))
    with pytest.raises(StoreUnavailable):
        quotas.take(NAME, [Quota("day", 5)], 1)
