"""A campaign's whole way, in one process, with nothing going wrong but what the carrier does."""

import pytest

from harkara.messages import State
from tests.pipeline import campaign
from tests.pipeline.invariants import check_without_a_kill
from tests.world import World


@pytest.fixture(scope="module")
def world() -> World:
    world = World()
    answers = world.send(campaign.records())
    world.run()
    check_without_a_kill(world, answers)
    return world


@pytest.mark.parametrize(("magic", "state"), campaign.EXPECTED.items())
def test_every_magic_number_ends_as_named(world: World, magic: str, state: str) -> None:
    ends = {
        member.state
        for task in world.platform.taken
        for member in task.members
        if member.client_ref == f"ref-{magic}"
    }
    assert ends == {State(state)}


def test_a_refused_record_of_an_accepted_request_gets_a_failed_callback(world: World) -> None:
    refused = [
        member
        for task in world.platform.taken
        for member in task.members
        if member.client_ref == "ref-0001"
    ]
    assert [(member.state, member.code) for member in refused] == [("failed", "INVALID_NUMBER")]


def test_the_carrier_takes_each_message_once_though_one_is_in_doubt(world: World) -> None:
    assert set(world.provider.taken.values()) == {1}
    assert len(world.in_doubt()) == 1


def test_a_throttled_message_is_taken_at_its_third_try(world: World) -> None:
    assert set(world.provider.throttled.values()) == {2}
    assert any(kind == "claim#003#0000" for _, kind in world.store.marks)


def test_finals_of_one_receipt_request_go_out_in_one_callback(world: World) -> None:
    assert max(len(task.members) for task in world.platform.taken) > 1


def test_blocks_of_refused_records_alone_are_not_submitted() -> None:
    world = World()
    wrong = [campaign.record("0001", to="12", client_ref=f"wrong-{n}") for n in range(250)]
    answers = world.send([campaign.record("0000"), *wrong])
    world.run()
    check_without_a_kill(world, answers)
    assert sorted(kind for _, kind in world.store.marks if kind.startswith("claim#")) == [
        "claim#001#0000"
    ]
    assert len(world.called_back()) == 251
