"""Requests of one message: a process dies with its batch, or an answer is lost, at each write."""

from hypothesis import given
from hypothesis import strategies as st

from tests.pipeline import campaign
from tests.pipeline.batches import SINGLES, run_singles
from tests.pipeline.deaths import Fault, deaths, each, lost_answers
from tests.pipeline.invariants import check, check_without_a_kill
from tests.support.fakes import Faults

RUN = run_singles(Faults())[0].faults


@each(deaths(RUN))
def test_a_batch_that_dies_loses_and_doubles_nothing(fault: Fault) -> None:
    world, answers = run_singles(fault.faults())
    check(world, answers)
    assert world.killed == 1


@each(lost_answers(RUN))
def test_a_lost_answer_changes_nothing(fault: Fault) -> None:
    world, answers = run_singles(fault.faults())
    check_without_a_kill(world, answers)
    assert world.killed == 0


calls = st.sets(st.integers(0, len(RUN.calls)), max_size=6)
seeds = st.integers(0, 10**6)


@given(calls, calls, calls, calls, seeds)
def test_many_deaths_and_losses_together_lose_nothing(
    kill_before: set[int], kill_after: set[int], lose_answer: set[int], refuse: set[int], seed: int
) -> None:
    world, answers = run_singles(Faults(kill_before, kill_after, lose_answer, refuse, seed))
    check(world, answers)
    assert world.killed <= len(kill_before) + len(kill_after)


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
