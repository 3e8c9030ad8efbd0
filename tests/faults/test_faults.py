"""No fault loses a message, doubles one, or stops the messages of other accounts and carriers."""

from collections.abc import Callable

import pytest

from harkara.model.messages import BLOCK_SIZE
from tests.conftest import TOLD
from tests.faults.carrier import End
from tests.faults.faults import FAULTS, ILL, KILLS, MESSAGES, STORMS, Fault
from tests.faults.runs import Run, table
from tests.faults.suite import BESIDE

pytestmark = pytest.mark.stack


def name_of(fault: Fault) -> str:
    return fault.slug


each_fault = pytest.mark.parametrize("fault", FAULTS, ids=name_of)
each_illness = pytest.mark.parametrize("fault", ILL, ids=name_of)


@each_fault
def test_it_strikes(runs: dict[Fault, Run], fault: Fault) -> None:
    assert runs[fault].struck > 0


@each_fault
def test_every_message_is_accepted_final_and_called_back(
    runs: dict[Fault, Run], fault: Fault
) -> None:
    each = runs[fault].campaign
    assert len(each.mids) == MESSAGES
    assert each.states.keys() == each.mids.keys()
    assert not each.lost


@each_fault
def test_a_carrier_takes_no_message_twice(runs: dict[Fault, Run], fault: Fault) -> None:
    run = runs[fault]
    assert not run.campaign.doubled
    assert not run.beside.doubled


@each_fault
def test_a_callback_is_doubled_only_in_doubt(runs: dict[Fault, Run], fault: Fault) -> None:
    run = runs[fault]
    assert run.campaign.called_back_again <= run.campaign.callback_in_doubt
    assert run.beside.called_back_again <= run.beside.callback_in_doubt


@each_fault
def test_what_is_delivered_was_taken(runs: dict[Fault, Run], fault: Fault) -> None:
    each = runs[fault].campaign
    assert each.ended("delivered") <= each.taken


@each_illness
def test_what_a_carrier_struck_ends_as_it_must_and_all_else_is_delivered(
    runs: dict[Fault, Run], fault: Fault
) -> None:
    run, each = runs[fault], runs[fault].campaign
    assert fault.illness
    match fault.illness.end:
        case End.IN_DOUBT:
            assert run.refs_struck <= each.in_doubt
        case End.FAILED:
            assert run.refs_struck == each.ended("failed")
        case End.TRIED_AGAIN:
            assert run.refs_struck <= each.ended("delivered")
    # A message in doubt gets a receipt if the carrier accepted it.
    assert each.ended("delivered") == each.taken
    assert each.ended("unknown") == each.in_doubt - each.taken


@each_illness
def test_no_message_comes_again_before_the_carrier_asked_for_it(
    runs: dict[Fault, Run], fault: Fault
) -> None:
    assert not runs[fault].too_early


def test_a_kill_leaves_no_more_than_a_block_in_doubt(
    runs: dict[Fault, Run], record_property: Callable[[str, str], None]
) -> None:
    record_property(TOLD, table([runs[fault] for fault in FAULTS]))
    run = runs[KILLS]
    in_doubt = run.campaign.in_doubt | run.beside.in_doubt
    assert len(in_doubt) <= BLOCK_SIZE * run.deaths


@pytest.mark.parametrize("fault", [*ILL, *STORMS], ids=name_of)
def test_what_another_account_sends_is_called_back_while_it_lasts(
    runs: dict[Fault, Run], fault: Fault
) -> None:
    assert runs[fault].beside_ended


@each_illness
def test_an_ill_carrier_does_not_touch_the_messages_of_another(
    runs: dict[Fault, Run], fault: Fault
) -> None:
    beside = runs[fault].beside
    assert len(beside.ended("delivered")) == BESIDE
    assert not beside.in_doubt


@each_fault
def test_nothing_of_another_account_is_lost(runs: dict[Fault, Run], fault: Fault) -> None:
    beside = runs[fault].beside
    assert len(beside.states) == BESIDE
    assert not beside.lost
    assert beside.ended("delivered") <= beside.taken
