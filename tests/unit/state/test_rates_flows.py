"""A carrier's rate shared by accounts: no waiting for another's backlog, no idle capacity."""

import heapq
import itertools
import math
import random
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.model.messages import Category, lane_of
from harkara.state.rates import LOOK_EVERY_S, RateLimiter, Reservation
from harkara.state.rates_shards import HELD_S, shards_of
from tests.support.fakes import FakeLimitStore, Faults
from tests.unit.state.test_rates import START_S, carrier

OTP, ALERT, PROMOTION = Category.OTP, Category.TRANSACTIONAL, Category.PROMOTIONAL
DAY_S = 86_400.0


class Block(NamedTuple):
    """A block that an account wants to submit: its time and its size."""

    account: str
    category: Category
    at_s: float
    segments: int


class Queue:
    """Blocks that return as `submit`'s tasks do, to any of the processes, until they are sent."""

    def __init__(self, rate: float, share: float = 0.5, processes: int = 3) -> None:
        self.now_s = START_S
        self.store = FakeLimitStore(Faults())
        self.carrier = carrier(rate, share)
        dice = random.Random(1)  # noqa: S311 - the same each time
        self.processes = [
            RateLimiter(self.store, lambda: self.now_s, dice.random) for _ in range(processes)
        ]
        self.looks = 0

    def run(self, blocks: Sequence[Block]) -> list[float]:
        """Return the wait of each block in seconds, from its arrival until it is sent."""
        out = [math.nan] * len(blocks)
        heap = [(START_S + block.at_s, number, 0.0) for number, block in enumerate(blocks)]
        heapq.heapify(heap)
        process = itertools.cycle(self.processes)
        while heap:
            at_s, number, turn_s = heapq.heappop(heap)
            self.now_s = max(self.now_s, at_s)
            account, category, came_s, segments = blocks[number]
            reservation = next(process).reserve(
                self.carrier, account, category, segments, DAY_S, turn_s
            )
            self.looks += 1
            if reservation.reserved:
                out[number] = self.now_s + reservation.wait_s - START_S - came_s
            else:  # queues delay by whole seconds
                later_s = math.ceil(min(reservation.wait_s, LOOK_EVERY_S))
                heapq.heappush(heap, (self.now_s + later_s, number, reservation.turn_s))
        return out

    def time_of(self, segments: int) -> float:
        """Return the duration of a block in the slowest of the shards."""
        shards = [
            shard
            for lane in (lane_of(ALERT), lane_of(PROMOTION))
            for shard in shards_of(self.carrier, lane)
        ]
        return segments / min(shard.rate_per_s for shard in shards)


def test_an_otp_does_not_wait_for_another_accounts_20_000_alerts() -> None:
    queue = Queue(100)
    flood = [Block("a", ALERT, 0, 100)] * 200
    *_, wait_s = queue.run([*flood, Block("b", OTP, 0.5, 1)])
    assert wait_s <= HELD_S + queue.time_of(100)


def test_nor_for_its_own_accounts() -> None:
    queue = Queue(100)
    flood = [Block("a", ALERT, 0, 100)] * 200
    *_, wait_s = queue.run([*flood, Block("a", OTP, 0.5, 1)])
    assert wait_s <= HELD_S + queue.time_of(100)


def test_two_backlogs_share_the_rate() -> None:
    queue = Queue(100)
    blocks = [Block("a", ALERT, 0, 100)] * 40 + [Block("b", ALERT, 0, 100)] * 40
    out = zip(queue.run(blocks), blocks, strict=True)
    first = Counter(block.account for _, block in sorted(out)[:40])
    assert min(first["a"], first["b"]) >= 15


def test_who_is_alone_has_all_of_the_rate_and_asks_twice_a_block() -> None:
    queue = Queue(100, share=0.01)
    out = queue.run([Block("a", PROMOTION, 0, 100)] * 300)
    assert max(out) <= 300 * 100 / 99 + 2
    assert queue.looks <= 2 * 300


def test_a_line_that_was_left_holds_nobody_up_whose_carrier_is_idle() -> None:
    queue = Queue(100)
    rate_limiter = queue.processes[0]
    for _ in range(100):  # a campaign stands in line for 200 s; then it is paused
        rate_limiter.reserve(queue.carrier, "a", PROMOTION, 100, DAY_S)
    queue.now_s += 5
    assert rate_limiter.reserve(queue.carrier, "a", PROMOTION, 100, DAY_S) == Reservation(0)


def test_a_newcomer_stands_behind_the_line_of_its_flow() -> None:
    queue = Queue(100)
    rate_limiter = queue.processes[0]
    indexes = [rate_limiter.reserve(queue.carrier, "a", PROMOTION, 100, DAY_S) for _ in range(5)]
    turns = [reservation.turn_s - START_S for reservation in indexes if not reservation.reserved]
    assert turns == pytest.approx([4, 6, 8])
    calls = len(queue.store.faults.calls)
    early = rate_limiter.reserve(queue.carrier, "a", PROMOTION, 100, DAY_S, START_S + 6)
    assert (early.reserved, early.turn_s) == (False, START_S + 6)
    assert early.wait_s == pytest.approx(5)
    assert len(queue.store.faults.calls) == calls, "its turn stands already"


def test_what_would_come_too_late_stands_in_no_line() -> None:
    queue = Queue(100)
    rate_limiter = queue.processes[0]
    for _ in range(10):
        rate_limiter.reserve(queue.carrier, "a", PROMOTION, 100, DAY_S)
    before = dict(queue.store.existing)
    late = rate_limiter.reserve(queue.carrier, "a", PROMOTION, 100, 10)
    assert (late.reserved, late.turn_s) == (False, 0)
    assert queue.store.existing == before


def test_an_item_names_only_flows_that_reach_far_ahead() -> None:
    queue = Queue(100)
    rate_limiter = queue.processes[0]
    for number in range(50):
        rate_limiter.reserve(queue.carrier, f"small-{number}", PROMOTION, 1, DAY_S)
    (text,) = queue.store.existing.values()
    assert " " not in text
    rate_limiter.reserve(queue.carrier, "large", PROMOTION, 1_000, DAY_S)
    (text,) = queue.store.existing.values()
    assert text.count(" ") == 1


blocks = st.lists(
    st.builds(
        Block,
        st.sampled_from("abc"),
        st.sampled_from([OTP, ALERT, PROMOTION]),
        st.floats(0, 30),
        st.integers(1, 300),
    ),
    min_size=1,
    max_size=60,
)


@given(st.sampled_from([5, 90, 450, 3_000]), blocks, st.integers(0, 120), st.floats(0, 40))
def test_no_backlog_of_others_makes_a_message_wait_for_longer_than_a_block_of_each(
    rate: float, others: list[Block], more: int, at_s: float
) -> None:
    """Three accounts send anything, one of them any amount."""
    queue = Queue(rate)
    flood = [*others, *others[:1] * more]
    out = queue.run([*flood, Block("new", OTP, at_s, 1)])
    flows = {(block.account, block.category) for block in others}
    largest = {flow: max(block.segments for block in others if block[:2] == flow) for flow in flows}
    assert out[-1] <= HELD_S + sum(map(queue.time_of, largest.values())) + 0.001


@given(st.sampled_from([5, 90, 450, 3_000]), blocks)
def test_whoever_sends_no_more_goes_out_than_rate_x_time_and_a_block_a_shard(
    rate: float, sent: list[Block]
) -> None:
    queue = Queue(rate)
    went = sorted(
        (block.at_s + wait_s, block.segments)
        for block, wait_s in zip(sent, queue.run(sent), strict=True)
    )
    shards = len(shards_of(queue.carrier, lane_of(ALERT)))
    for first, last in itertools.combinations_with_replacement(range(len(went)), 2):
        between = sorted((segments for _, segments in went[first : last + 1]), reverse=True)
        allowed = rate * (went[last][0] - went[first][0]) + sum(between[:shards])
        assert sum(between) <= allowed + 1


@given(st.sampled_from([5, 90, 450]), st.lists(st.integers(1, 300), min_size=1, max_size=80))
def test_of_one_account_alone_all_is_out_as_soon_as_the_rate_allows(
    rate: float, sizes: list[int]
) -> None:
    queue = Queue(rate)
    out = queue.run([Block("a", PROMOTION, 0, size) for size in sizes])
    lane_rate = rate * (1 - queue.carrier.priority_share)
    # Shards end unevenly, by a block each; a queue's whole seconds are less than two.
    assert max(out) <= sum(sizes) / lane_rate + queue.time_of(max(sizes)) + HELD_S
