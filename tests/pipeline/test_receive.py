"""Receipts from carriers with wrong clocks."""

import pytest
from pydantic_core import from_json, to_json

from harkara.carriers.receipts import ReceiptRequest
from tests.pipeline import campaign
from tests.support.wired import TOKEN
from tests.support.world import World


@pytest.mark.parametrize(
    "ts",
    [
        pytest.param(None, id="none"),
        pytest.param(0, id="the epoch"),
        pytest.param(99_999_999_999, id="the year 5138"),
        pytest.param(1_700_000_000_000_000, id="microseconds"),
    ],
)
def test_a_time_that_cannot_be_is_replaced_by_ours(ts: int | None) -> None:
    world = World()
    answers = world.send([campaign.record("9004")])
    assert answers
    entry = {"smsgid": world.signer.sign(answers[0].mid, 1), "status": "DELIVRD", "ts": ts}
    world.receive_service().receive("sim", TOKEN, ReceiptRequest("POST", {}, {}, to_json(entry)))
    (receipt,) = from_json(world.queues.waiting[-1].body)["receipts"]
    assert receipt[3] == int(world.now)


def test_a_carriers_time_stands_where_it_can_be() -> None:
    world = World()
    answers = world.send([campaign.record("9004")])
    assert answers
    at = int(world.now)
    world.now += 86_400
    entry = {"smsgid": world.signer.sign(answers[0].mid, 1), "status": "DELIVRD", "ts": at * 1000}
    world.receive_service().receive("sim", TOKEN, ReceiptRequest("POST", {}, {}, to_json(entry)))
    (receipt,) = from_json(world.queues.waiting[-1].body)["receipts"]
    assert receipt[3] == at
