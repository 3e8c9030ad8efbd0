"""A campaign's whole way, in one process, with no faults but those of the carrier."""

import pytest

from harkara.model.messages import State
from tests.pipeline import campaign
from tests.pipeline.invariants import check_without_a_kill
from tests.support.wired import ACCOUNT
from tests.support.world import World


@pytest.fixture(scope="module")
def world() -> World:
    world = World()
    answers = world.send(campaign.records())
    world.run()
    check_without_a_kill(world, answers)
    return world


@pytest.mark.parametrize(("magic", "state"), campaign.EXPECTED.items())
def test_every_magic_number_ends_as_named(world: World, magic: str, state: str) -> None:
    ends = {dlr.state for dlr in world.platform.dlrs if dlr.client_ref == f"ref-{magic}"}
    assert ends == {State(state)}


def test_a_refused_record_of_an_accepted_request_gets_a_failed_callback(world: World) -> None:
    refused = [dlr for dlr in world.platform.dlrs if dlr.client_ref == "ref-0001"]
    assert [(dlr.state, dlr.code) for dlr in refused] == [("failed", "INVALID_NUMBER")]


def test_the_carrier_takes_each_message_once_though_one_is_in_doubt(world: World) -> None:
    assert set(world.provider.taken.values()) == {1}
    assert len(world.in_doubt()) == 1


def test_a_throttled_message_is_taken_at_its_third_try(world: World) -> None:
    assert set(world.provider.throttled.values()) == {2}
    assert any(kind == "claim#003#0000" for _, kind in world.store.entries)


def test_finals_of_one_receipt_request_go_out_in_one_callback(world: World) -> None:
    assert max(len(task.members) for task in world.platform.taken) > 1


@pytest.mark.parametrize(("as_array", "several"), [(False, False), (True, True)])
def test_the_generic_format_groups_where_the_callback_wants_arrays(
    as_array: bool, several: bool
) -> None:
    fields = {"format": "generic", "as_array": as_array}
    callback = ACCOUNT.callbacks["main"].model_copy(update=fields)
    world = World(account=ACCOUNT.model_copy(update={"callbacks": {"main": callback}}))
    answers = world.send(campaign.records())
    world.run()
    check_without_a_kill(world, answers)
    assert (max(len(task.members) for task in world.platform.taken) > 1) is several


def test_blocks_of_refused_records_alone_are_not_submitted() -> None:
    world = World()
    wrong = [campaign.record("0001", to="12", client_ref=f"wrong-{n}") for n in range(250)]
    answers = world.send([campaign.record("0000"), *wrong])
    world.run()
    check_without_a_kill(world, answers)
    assert sorted(kind for _, kind in world.store.entries if kind.startswith("claim#")) == [
        "claim#001#0000"
    ]
    assert len(world.called_back()) == 251


@pytest.mark.parametrize(
    ("chain", "pe_id", "chain_hash"),
    [
        pytest.param(
            ("1101172974420830004",),
            "1101172974420810001",
            "c0c951afca257c5b87c3da535c09112080483f35b7e6faf35e2428b3b526b694",
            id="entity and telemarketer",
        ),
        pytest.param((), "1101172974420810001", None, id="no telemarketer"),
        pytest.param(("1101172974420830004",), "", None, id="no entity"),
    ],
)
def test_a_message_carries_the_hash_of_its_chain(
    chain: tuple[str, ...], pe_id: str, chain_hash: str | None
) -> None:
    world = World(account=ACCOUNT.model_copy(update={"telemarketer_ids": chain}))
    answers = world.send([campaign.record("0000")._replace(pe_id=pe_id)])
    world.run()
    check_without_a_kill(world, answers)
    assert list(world.provider.chain_hashes.values()) == [chain_hash]


def test_a_text_that_went_to_a_number_before_is_refused_within_the_window() -> None:
    world = World(account=ACCOUNT.model_copy(update={"duplicate_window_s": 1800}))
    answers = [world.send([campaign.record("0000"), campaign.record("9006")])]

    def send_again() -> None:
        again = [campaign.record("0000"), campaign.record("9006", client_ref="new")]
        answers.append(world.send(again))

    for minutes in (10, 29, 31):
        world.at(minutes * 60, send_again)
    world.run()
    check_without_a_kill(world, *answers)
    assert sorted(world.finals().values()) == ["delivered"] * 4 + ["failed"] * 4
    codes = [dlr.code for dlr in world.platform.dlrs]
    assert sorted(codes) == [""] * 4 + ["DUPLICATE"] * 4
