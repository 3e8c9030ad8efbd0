"""OTPs are limited by number, over all processes."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.aws.limits import DynamoLimitStore
from harkara.base.time import DAY_S, IST_OFFSET_S
from harkara.model.accounts import Account, OtpLimit
from harkara.state.otp_guard import OtpGuard
from harkara.state.quotas import Quotas
from tests.support.dynamo import MESSAGES
from tests.unit.signing_in import NOON, PEPPER, Interrupted

ASHA, BALA = "919876543210", "919876543211"
TO_MIDNIGHT_S = 12 * 3600


class Otps:
    """Several processes that count OTPs, with a clock set by hand."""

    def __init__(self, cooldown_s: int, per_day: int, processes: int = 1) -> None:
        self.now_s = float(NOON)
        self.limit(cooldown_s, per_day)
        self.dynamo = Interrupted(lambda: self.now_s)
        self.processes = [self._guard() for _ in range(processes)]

    def _guard(self) -> OtpGuard:
        store = DynamoLimitStore(self.dynamo, MESSAGES)
        clock = lambda: self.now_s  # noqa: E731
        return OtpGuard(store, clock, PEPPER, Quotas(store, clock))

    def limit(self, cooldown_s: int, per_day: int, *prefixes: OtpLimit) -> None:
        self.account = Account(
            id="acme",
            name="Acme",
            carrier="sim",
            otp_cooldown_s=cooldown_s,
            otp_per_day=per_day,
            otp_limits=prefixes,
        )

    def waits(self, *numbers: str, process: int = 0) -> list[int]:
        """Count an OTP to each number in one request; return how long each has to wait."""
        refused = self.processes[process].take(self.account, dict(enumerate(numbers)))
        return [refused[index].wait_s if index in refused else 0 for index in range(len(numbers))]

    def wait(self, number: str = ASHA, process: int = 0) -> int:
        return self.waits(number, process=process)[0]


def test_an_otp_passes_once_the_cooldown_is_over() -> None:
    otps = Otps(30, 0)
    assert [otps.wait(), otps.wait()] == [0, 30]
    otps.now_s += 29.5
    assert otps.wait() == 1
    otps.now_s += 0.5
    assert [otps.wait(), otps.wait()] == [0, 30]


def test_so_many_otps_pass_on_a_day_in_ist() -> None:
    otps = Otps(0, 3)
    midnight_s = (NOON + IST_OFFSET_S) // DAY_S * DAY_S + DAY_S - IST_OFFSET_S
    assert [otps.wait() for _ in range(5)] == [0, 0, 0, midnight_s - NOON, midnight_s - NOON]
    otps.now_s = midnight_s - 1
    assert otps.wait() == 1
    otps.now_s = midnight_s
    assert [otps.wait() for _ in range(4)] == [0, 0, 0, DAY_S]


def test_what_the_cooldown_refuses_does_not_count_for_the_day() -> None:
    otps = Otps(30, 2)
    assert [otps.wait() for _ in range(3)] == [0, 30, 30]
    otps.now_s += 30
    assert otps.wait() == 0
    otps.now_s += 30
    assert otps.wait() > 3600


def test_a_request_counts_each_of_its_numbers_by_itself() -> None:
    otps = Otps(30, 0)
    assert otps.waits(ASHA, BALA, ASHA) == [0, 0, 30]
    assert otps.waits("14155550100", BALA) == [0, 30]
    many = [f"9198765433{index:02}" for index in range(20)]
    assert otps.waits(*many) == [0] * 20
    assert otps.waits(*many, ASHA) == [30] * 21
    assert not any(ASHA[2:] in key for key in map(str, otps.dynamo.tables[MESSAGES].items))


def test_accounts_do_not_count_for_each_other() -> None:
    otps = Otps(30, 0)
    assert otps.wait() == 0
    otps.account = otps.account.model_copy(update={"id": "other"})
    assert otps.wait() == 0


@pytest.mark.parametrize(
    ("cooldown_s", "per_day", "waits"), [(10, 0, 0), (60, 0, 40), (0, 5, 0), (0, 0, 0)]
)
def test_a_changed_limit_counts_at_once(cooldown_s: int, per_day: int, waits: int) -> None:
    otps = Otps(30, 1)
    assert [otps.wait(), otps.wait() > 30] == [0, True]
    otps.now_s += 20
    otps.limit(cooldown_s, per_day)
    assert otps.wait() == waits


def test_an_account_without_limits_pays_no_call() -> None:
    otps = Otps(0, 0)
    assert [otps.wait() for _ in range(3)] == [0, 0, 0]
    assert otps.dynamo.calls == []


def test_a_flood_of_refused_otps_pays_no_call() -> None:
    otps = Otps(30, 0)
    otps.waits(ASHA, ASHA)
    calls = len(otps.dynamo.calls)
    assert otps.waits(*[ASHA] * 100) == [30] * 100
    assert len(otps.dynamo.calls) == calls


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 40)), max_size=40))
def test_any_sequence_over_processes_keeps_both_limits(steps: Sequence[tuple[int, int]]) -> None:
    otps = Otps(30, 5, processes=3)
    accepted: list[float] = []
    for process, passed_s in steps:
        otps.now_s += passed_s
        due = not accepted or otps.now_s - accepted[-1] >= 30
        wait_s = otps.wait(process=process)
        assert (wait_s == 0) == (due and len(accepted) < 5)
        accepted += [otps.now_s] * (wait_s == 0)


@pytest.mark.parametrize(("cooldown_s", "per_day", "passing"), [(30, 0, 1), (0, 7, 7), (30, 7, 1)])
def test_parallel_sends_never_pass_a_limit(cooldown_s: int, per_day: int, passing: int) -> None:
    otps = Otps(cooldown_s, per_day, processes=8)
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda each: otps.wait(process=each % 8), range(80)))
    assert waits.count(0) == passing


PREFIXES = [
    OtpLimit(prefix="91", count=9, every="day"),
    OtpLimit(prefix="9198", count=4, every="hour"),
    OtpLimit(prefix="9198", count=2, every="minute"),
    OtpLimit(prefix="44", count=3, every="minute"),
]
numbers = st.sampled_from([f"91{digit}876543210" for digit in "9876"] + ["447400123456"])
requests = st.lists(
    st.tuples(st.integers(0, 2), st.lists(numbers, min_size=1, max_size=4), st.integers(0, 40)),
    max_size=30,
)


@given(requests, st.sampled_from([0, 50]), st.sampled_from([1, 3]))
def test_no_sequence_of_requests_passes_the_limit_of_any_prefix(
    sent: Sequence[tuple[int, Sequence[str], int]], cooldown_s: int, processes: int
) -> None:
    otps = Otps(cooldown_s, 0, processes=processes)
    otps.limit(cooldown_s, 0, *PREFIXES)
    widths_s = {"minute": 60, "hour": 3600, "day": DAY_S}
    passed = Counter[tuple[OtpLimit, int]]()
    for process, to, passed_s in sent:
        otps.now_s += passed_s
        for number, wait_s in zip(to, otps.waits(*to, process=process % processes), strict=True):
            periods = [
                (limit, int(otps.now_s + IST_OFFSET_S) // widths_s[limit.every])
                for limit in PREFIXES
                if number.startswith(limit.prefix)
            ]
            passed.update(periods if not wait_s else ())
            # What one prefix passed and another refused stays in the hand of its process.
            if wait_s and not cooldown_s and processes == len(to) == 1:
                assert any(passed[limit, period] >= limit.count for limit, period in periods)
    assert all(count <= limit.count for (limit, _), count in passed.items())


def test_parallel_sends_never_pass_the_limit_of_a_prefix() -> None:
    otps = Otps(0, 0, processes=8)
    otps.limit(0, 0, PREFIXES[0], PREFIXES[3])
    to = [ASHA, "447400123456"]
    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(lambda each: otps.wait(to[each % 2], each % 8), range(80)))
    assert [waits[::2].count(0), waits[1::2].count(0)] == [9, 3]


def test_what_one_prefix_passed_and_another_refused_may_be_used_again() -> None:
    otps = Otps(0, 0, processes=2)
    narrow, wide = (OtpLimit(prefix=each, count=1, every="day") for each in ("9198", "91"))
    otps.limit(0, 0, narrow, wide)
    assert otps.wait("918876543210") == 0
    assert otps.wait(ASHA, process=1) > 0
    otps.limit(0, 0, narrow, wide.model_copy(update={"count": 5}))
    assert [otps.wait(ASHA, process=1), otps.wait(ASHA, process=1) > 0] == [0, True]


def test_an_exhausted_prefix_refuses_before_a_number_is_counted() -> None:
    otps = Otps(30, 0)
    otps.limit(30, 0, PREFIXES[3])
    waits = [otps.wait(f"44740012345{digit}") for digit in range(5)]
    assert waits[:3] == [0, 0, 0]
    assert all(waits[3:])
    calls = len(otps.dynamo.calls)
    assert otps.wait("447400123459")
    assert len(otps.dynamo.calls) == calls
    otps.limit(30, 0)
    assert otps.wait("447400123459") == 0
