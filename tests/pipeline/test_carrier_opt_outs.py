"""Opt-outs that a carrier keeps go onto the account's list, until the phone writes START."""

import pytest

from harkara.base.codes import Code
from harkara.base.json import encode
from harkara.carriers.receipts import ReceiptRequest
from harkara.model.messages import State
from harkara.model.routing import Routing
from harkara.model.suppressions import OPT_OUT_CATEGORIES, Source, opt_out
from harkara.model.tasks import QueueName, Receipt, ReceiptsTask
from tests.pipeline import campaign
from tests.support.fakes import Faults
from tests.support.wired import CARRIER, TOKEN
from tests.support.world import World

NUMBER = "919876549004"  # the carrier sends no receipt by itself


def refused(world: World, code: Code = Code.OPTED_OUT, carrier_code: str = "21610") -> None:
    """Send a message, which its carrier refuses; its receipt comes twice."""
    answers = world.send([campaign.record("9004", to=NUMBER)])
    world.run(for_s=60)
    if answers:
        receipt = Receipt(answers[0].mid, 1, State.FAILED, int(world.now), code, carrier_code)
        for _ in range(2):
            body = ReceiptsTask((receipt,), "sim").encode()
            world.queues.add(QueueName.RECEIPT, body, world.now)
    world.run(for_s=600)


def sources(world: World) -> list[Source]:
    return [entry.source for entry in world.suppressions.entries("acme", [NUMBER])]


def test_the_next_message_stays_here() -> None:
    world = World()
    world.routing.routing["acme"] = Routing(suppression=True)
    refused(world)
    (entry,) = world.suppressions.entries("acme", [NUMBER])
    assert (entry.source, entry.categories) == (Source.CARRIER, OPT_OUT_CATEGORIES)
    taken = len(world.providers.taken())
    world.send([campaign.record("9004", to=NUMBER, client_ref="next")])
    world.run()
    assert [dlr.code for dlr in world.platform.dlrs if dlr.client_ref == "next"] == ["OPTED_OUT"]
    assert len(world.providers.taken()) == taken


@pytest.mark.parametrize(
    ("code", "carrier_code"), [(Code.OPTED_OUT, ""), (Code.DND, "650"), (Code.UNDELIVERED, "1")]
)
def test_another_end_lists_nobody(code: Code, carrier_code: str) -> None:
    world = World()
    refused(world, code, carrier_code)
    assert sources(world) == []


def test_start_takes_the_number_off_and_a_repeated_receipt_puts_it_back_on_no_more() -> None:
    carrier = CARRIER.model_copy(update={"inbound": {"56161": "acme"}})
    world = World(carriers=[carrier])
    refused(world)
    world.suppressions.put("acme", opt_out(NUMBER, int(world.now)))
    assert {*sources(world)} == {Source.CARRIER, Source.OPT_OUT}
    payload = {"from": NUMBER, "to": "56161", "text": "START", "ts": int(world.now) + 60}
    world.now += 120
    world.inbound_service().receive("sim", TOKEN, ReceiptRequest("POST", {}, {}, encode(payload)))
    assert sources(world) == []
    for task in [task for task in world.store.entries if task[1].startswith("final#")]:
        mid = f"{task[0]}00"
        receipt = Receipt(mid, 1, State.FAILED, int(world.now), Code.OPTED_OUT, "21610")
        body = ReceiptsTask((receipt,), "sim").encode()
        world.queues.add(QueueName.RECEIPT, body, world.now)
    world.run(for_s=600)
    assert sources(world) == []


@pytest.mark.parametrize("moment", ["kill_before", "kill_after"])
def test_whoever_dies_the_number_is_listed(moment: str) -> None:
    world = World()
    refused(world)
    for number in range(len(world.faults.calls)):
        faults = Faults()
        setattr(faults, moment, {number})
        world = World(faults)
        refused(world)
        ended = {*world.finals().values()} == {State.FAILED}
        assert sources(world) == [Source.CARRIER] * ended, (moment, number)
