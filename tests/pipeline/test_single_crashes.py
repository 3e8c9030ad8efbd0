"""Requests of one message: a process dies with its batch, or an answer is lost, at every call."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import Faults
from tests.pipeline import campaign
from tests.pipeline.batches import SINGLES, run_singles
from tests.pipeline.invariants import check, check_without_a_kill
from tests.pipeline.test_crashes import name_of

CALLS = list(enumerate(run_singles(Faults())[0].faults.calls))
WRITES = [(number, name) for number, name in CALLS if name.startswith(("put_once", "send"))]


@pytest.mark.parametrize(("number", "name"), CALLS, ids=name_of)
def test_a_batch_that_dies_before_a_call_loses_and_doubles_nothing(number: int, name: str) -> None:
    world, answers = run_singles(Faults(kill_before={number}))
    check(world, answers)
    assert world.killed == 1


@pytest.mark.parametrize(("number", "name"), CALLS, ids=name_of)
def test_a_batch_that_dies_after_a_call_loses_and_doubles_nothing(number: int, name: str) -> None:
    world, answers = run_singles(Faults(kill_after={number}))
    check(world, answers)
    assert world.killed <= 1  # reads have no after


@pytest.mark.parametrize(("number", "name"), WRITES, ids=name_of)
def test_a_lost_answer_changes_nothing(number: int, name: str) -> None:
    world, answers = run_singles(Faults(lose_answer={number}))
    check_without_a_kill(world, answers)


calls = st.sets(st.integers(0, len(CALLS)), max_size=6)
seeds = st.integers(0, 10**6)


@settings(max_examples=100, deadline=None)
@given(calls, calls, calls, calls, seeds)
def test_many_deaths_and_losses_together_lose_nothing(
    kill_before: set[int], kill_after: set[int], lose_answer: set[int], refuse: set[int], seed: int
) -> None:
    world, answers = run_singles(Faults(kill_before, kill_after, lose_answer, refuse, seed))
    check(world, answers)


def test_each_ends_as_its_number_says_and_they_share_a_check() -> None:
    faults = Faults()
    world, answers = run_singles(faults)
    finals = world.finals()
    ends = [finals[answer.mid] for answer in answers]
    assert ends == [campaign.EXPECTED[magic] for magic in SINGLES]
    scheduled = faults.calls.count("schedule receipt")
    # One check of all, one report of the refused messages, one more check of those without
    # receipts.
    assert scheduled == 3
