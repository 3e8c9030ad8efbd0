"""Pauses between attempts: full jitter, within the rest of the invocation."""

import asyncio
import math
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.aws.clients import CEILING_S, FIRST_S, PATIENCE_S, Backoff
from harkara.base.time import ANSWER_S, Threads, invocation, left_s


class Invocation:
    """A Lambda context whose time passes only by pauses and calls."""

    def __init__(self, budget_s: float) -> None:
        self.left_s = budget_s
        self.pauses_s: list[float] = []

    def get_remaining_time_in_millis(self) -> float:
        return self.left_s * 1000

    def pause(self, pause_s: float) -> None:
        self.pauses_s.append(pause_s)
        self.left_s -= pause_s


@given(
    budget_s=st.floats(0, 900),
    call_s=st.floats(0.005, 10),
    lucks=st.lists(st.floats(0, 1, exclude_max=True), min_size=1),
)
def test_pauses_have_full_jitter_and_end_before_the_deadline(
    budget_s: float, call_s: float, lucks: list[float]
) -> None:
    context, random_fraction = Invocation(budget_s), iter(lucks)
    with invocation(context):
        for number, _ in enumerate(
            Backoff(context.pause, lambda: next(random_fraction, 0.5)).attempts()
        ):
            # A pause leaves time for another attempt, and for the answer.
            assert number == 0 or context.left_s >= min(ANSWER_S, budget_s) - 1e-6
            context.left_s -= call_s
    assert sum(context.pauses_s) <= PATIENCE_S
    drawn = [*lucks, *[0.5] * len(context.pauses_s)]
    for number, pause_s in enumerate(context.pauses_s):
        ceiling_s = min(CEILING_S, FIRST_S * 2**number)
        assert pause_s == pytest.approx(drawn[number] * ceiling_s)


@given(random_fraction=st.floats(0.1, 1, exclude_max=True))
def test_it_goes_on_until_the_time_is_too_short_for_the_next_pause(random_fraction: float) -> None:
    context = Invocation(60)
    with invocation(context):
        attempts = sum(1 for _ in Backoff(context.pause, lambda: random_fraction).attempts())
    assert attempts == len(context.pauses_s) + 1
    assert ANSWER_S <= context.left_s < ANSWER_S + CEILING_S


def test_outside_an_invocation_it_ends_too() -> None:
    context = Invocation(math.inf)
    assert left_s() == math.inf
    for _ in Backoff(context.pause, lambda: 0.5).attempts():
        pass
    assert PATIENCE_S - CEILING_S < sum(context.pauses_s) <= PATIENCE_S


def test_who_has_what_it_wants_does_not_pause() -> None:
    context = Invocation(60)
    assert len(list(islice(Backoff(context.pause).attempts(), 3))) == 3
    assert len(context.pauses_s) == 2


def test_a_task_keeps_the_time_for_what_follows_it_and_its_threads_know() -> None:
    context = Invocation(60)

    async def left() -> float:
        return await asyncio.to_thread(left_s)

    async def both() -> tuple[float, float]:
        beside = asyncio.create_task(left())
        with deadline.keeping(20):
            return await left(), await beside

    with invocation(context) as deadline:
        assert asyncio.run(both()) == (40, 60)
        with deadline.keeping(300):  # more than the whole budget
            assert left_s() == pytest.approx(60 * 0.4)
    assert left_s() == math.inf


def test_threads_of_a_pool_know_the_time_of_who_calls() -> None:
    with Threads(1) as pool:
        with invocation(Invocation(60)):
            assert pool.submit(left_s).result() == 60
        assert pool.submit(left_s).result() == math.inf
