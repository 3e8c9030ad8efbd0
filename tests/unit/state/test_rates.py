"""A carrier's rate limiter: the waits, and that the rate is never exceeded."""

import itertools
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.base.errors import StoreUnavailable
from harkara.carriers.settings import CarrierSettings
from harkara.model.messages import Category, Lane
from harkara.state.rates import RateLimiter, Reservation
from harkara.state.rates_prefetch import PREFETCH_S
from harkara.state.rates_shards import SHARD_LIMIT, shards_of
from tests.support.fakes import FakeLimitStore, Faults

BULK, PRIORITY = Lane.BULK, Lane.PRIORITY
START_S = 1_767_258_000.0
FOREVER_S = 10**6


def carrier(rate: float, priority_share: float = 0.2) -> CarrierSettings:
    return CarrierSettings(
        name="sim",
        kind="datasend",
        url="https://carrier.example",
        receipt_token_hashes=("0" * 64,),
        rate_segments_per_s=rate,
        priority_share=priority_share,
    )


class Reserving:
    """Processes that make reservations at one carrier, with a manual clock."""

    def __init__(self, rate: float, processes: int = 1, **fields: Any) -> None:
        self.now_s = START_S
        self.faults = Faults()
        self.store = FakeLimitStore(self.faults)
        self.carrier = carrier(rate, **fields)
        self.accounts = itertools.count()
        dice = random.Random(1)  # noqa: S311 - the same each time
        self.processes = [
            RateLimiter(self.store, lambda: self.now_s, dice.random) for _ in range(processes)
        ]

    def reservation(
        self,
        lane: Lane,
        segments: int,
        process: int = 0,
        within_s: float = FOREVER_S,
        account: str = "",
    ) -> Reservation:
        """Reserve for an account, by default a new one each time, which has no line of its own."""
        account = account or str(next(self.accounts))
        category = Category.PROMOTIONAL if lane is BULK else Category.TRANSACTIONAL
        rate_limiter = self.processes[process]
        return rate_limiter.reserve(self.carrier, account, category, segments, within_s)

    def waits(self, lane: Lane, count: int, segments: int) -> list[float]:
        return [round(self.reservation(lane, segments).wait_s, 3) for _ in range(count)]


def test_a_carrier_without_a_rate_costs_no_call() -> None:
    reserving = Reserving(0)
    assert reserving.waits(BULK, 100, 100) == [0] * 100
    assert reserving.faults.calls == []


def test_blocks_have_places_one_after_the_other() -> None:
    reserving = Reserving(100)  # 80 for bulk
    assert reserving.waits(BULK, 4, 80) == [0, 1, 2, 3]
    reserving.now_s += 2.5
    assert reserving.waits(BULK, 2, 40) == [1.5, 2]


def test_what_was_not_used_is_not_saved_up() -> None:
    reserving = Reserving(100)
    reserving.now_s += 3600
    assert reserving.waits(BULK, 2, 80) == [0, 1]


def test_bulk_never_takes_the_priority_lanes_share() -> None:
    reserving = Reserving(100)
    reserving.waits(BULK, 100, 80)
    assert reserving.waits(PRIORITY, 3, 20) == [0, 1, 2]
    assert reserving.reservation(BULK, 80).wait_s == 100


def test_a_priority_message_goes_in_the_place_of_bulk_where_that_is_sooner() -> None:
    reserving = Reserving(100)
    assert reserving.waits(PRIORITY, 3, 20) == [0, 0, 0.25]


def test_a_place_that_comes_too_late_is_not_reserved() -> None:
    reserving = Reserving(100)
    reserving.reservation(BULK, 800)
    late = [reserving.reservation(BULK, 80, within_s=9.9) for _ in range(3)]
    assert late == [Reservation(10, reserved=False)] * 3
    assert reserving.reservation(BULK, 80, within_s=10) == Reservation(10)


def test_another_process_sees_what_is_reserved() -> None:
    reserving = Reserving(100, processes=2)
    waits = [reserving.reservation(BULK, 80, process).wait_s for process in (0, 1, 1, 0)]
    assert waits == [0, 1, 2, 3]


def test_a_high_rate_is_dealt_out_and_the_earliest_place_is_taken() -> None:
    reserving = Reserving(1_000, processes=3)
    shards = len(shards_of(reserving.carrier, BULK))
    assert shards == 8
    waits = [round(reserving.reservation(BULK, 100, n % 3).wait_s, 3) for n in range(3 * shards)]
    assert waits == [0] * shards + [1] * shards + [2] * shards


def test_so_many_shards_and_no_more() -> None:
    shards = shards_of(carrier(100_000), PRIORITY)
    assert len(shards) == 2 * SHARD_LIMIT
    assert sum(shard.rate_per_s for shard in shards) == pytest.approx(100_000)
    assert len({shard.name for shard in shards}) == len(shards)


def test_a_store_that_stays_busy_is_unavailable() -> None:
    reserving = Reserving(100)
    reserving.reservation(BULK, 800, account="a")  # ten seconds

    def meanwhile(number: int, _: str) -> None:
        until_us = int(START_S * 1_000_000) + 10_000_000 + number
        reserving.store.existing["carrier-rate#sim#bulk#0"] = str(until_us)

    reserving.faults.on_call = meanwhile
    with pytest.raises(StoreUnavailable, match="busy"):
        reserving.reservation(BULK, 1, account="b")


def test_threads_of_one_process_never_get_the_same_place() -> None:
    reserving = Reserving(1_000)
    barrier = Barrier(8)

    def send(_: int) -> list[float]:
        barrier.wait()
        return [reserving.reservation(BULK, 1).wait_s for _ in range(100)]

    switching_s = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            waits = sorted(wait for each in pool.map(send, range(8)) for wait in each)
    finally:
        sys.setswitchinterval(switching_s)
    shards = shards_of(reserving.carrier, BULK)
    # The clock stands still: with 100 a second for each shard, all 800 reservations differ.
    assert all(wait >= number // len(shards) / 100 - 1e-6 for number, wait in enumerate(waits))


# Capacity that a process reserves in advance


def busy(reserving: Reserving, process: int = 0, count: int = 20) -> None:
    """Make so many reservations in a process that it prefetches."""
    for _ in range(count):
        reserving.now_s += 0.01
        reserving.reservation(BULK, 1, process)


def test_a_busy_process_reserves_in_advance_and_spends_without_a_call() -> None:
    reserving = Reserving(1_000)
    busy(reserving)
    calls = len(reserving.faults.calls)
    busy(reserving, count=100)
    assert len(reserving.faults.calls) - calls <= 20


def test_a_quiet_process_reserves_only_what_it_sends() -> None:
    reserving = Reserving(100, processes=3)
    for _ in range(20):
        reserving.now_s += 1
        assert [
            reserving.reservation(BULK, 1, process).wait_s for process in range(3)
        ] == pytest.approx([0, 1 / 80, 2 / 80])


@pytest.mark.parametrize("rate", [1.25, 0.125])
def test_a_low_rate_is_never_reserved_in_advance(rate: float) -> None:
    reserving = Reserving(rate, processes=2)  # 1 or 0.1 a second for bulk
    waits = [reserving.reservation(BULK, 1, number % 2).wait_s for number in range(50)]
    assert waits == pytest.approx([number / rate / 0.8 for number in range(50)])


def test_what_a_process_leaves_unspent_holds_others_up_for_a_moment_only() -> None:
    reserving = Reserving(100, processes=2)
    busy(reserving)
    held = [reserving.reservation(BULK, 1, process=1).wait_s for _ in range(1)]
    assert max(held) <= 2 * PREFETCH_S
    reserving.now_s += 2 * PREFETCH_S
    assert reserving.reservation(BULK, 1, process=1).wait_s == 0


def test_a_process_that_was_frozen_spends_nothing_that_has_passed() -> None:
    reserving = Reserving(100, processes=2)
    busy(reserving)
    reserving.now_s += 3_600
    (other,) = [reserving.reservation(BULK, 80, process=1)]
    assert other == Reservation(0)
    assert reserving.reservation(BULK, 1, process=0).wait_s == 1


def test_a_clock_that_was_set_back_spends_no_place_twice() -> None:
    reserving = Reserving(100)
    busy(reserving)
    reserving.now_s -= 60
    waits = sorted(reserving.reservation(BULK, 1).wait_s for _ in range(100))
    assert all(after - before >= 1 / 80 - 1e-5 for before, after in itertools.pairwise(waits))


steps = st.tuples(
    st.floats(0, 5), st.sampled_from([BULK, PRIORITY]), st.integers(1, 150), st.integers(0, 2)
)


@given(st.floats(1, 900), st.floats(0.05, 0.95), st.lists(steps, max_size=40))
def test_over_any_time_no_more_goes_out_than_rate_x_time_and_a_block_a_shard(
    rate: float, share: float, steps: list[tuple[float, Lane, int, int]]
) -> None:
    reserving = Reserving(rate, processes=3, priority_share=share)
    out: list[tuple[float, int]] = []
    for pause_s, lane, segments, process in steps:
        reserving.now_s += pause_s
        reservation = reserving.reservation(lane, segments, process)
        out.append((reserving.now_s + reservation.wait_s, segments))
    out.sort()
    shards = len(shards_of(reserving.carrier, PRIORITY))
    for first, (from_s, _) in enumerate(out):
        for last in range(first, len(out)):
            between = out[first : last + 1]
            largest = sorted((segments for _, segments in between), reverse=True)[:shards]
            allowed = rate * (out[last][0] - from_s) + sum(largest)
            assert sum(segments for _, segments in between) <= allowed + 1
