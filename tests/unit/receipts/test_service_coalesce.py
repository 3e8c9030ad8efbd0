"""Receipts that are coalesced, and their fate when their queue fails."""

from typing import Any

import pytest

from harkara.base.errors import StoreUnavailable
from harkara.base.ids import mid_of
from harkara.model.messages import State
from harkara.model.tasks import (
    CarrierReceiptsTask,
    CheckTask,
    QueueName,
    Receipt,
    ReceiptsTask,
    decode_dlr,
)
from harkara.receipts.service import _SINGLE_LIMIT, CoalesceService
from tests.support.fakes import Faults
from tests.support.queues import FakeTaskQueues

BATCH_ID = "1" + "0" * 25 + "A"
RECEIPTS = [Receipt(mid_of(BATCH_ID, n), 1, State.DELIVERED, 1_700_000_000) for n in range(4)]
FIRST, SECOND, THIRD, FOURTH = RECEIPTS
SINGLES = {f"m{n}": ReceiptsTask((each,), "sim").encode() for n, each in enumerate(RECEIPTS)}


def queues() -> FakeTaskQueues:
    return FakeTaskQueues(Faults(), lambda: 0.0)


def sent(queues: FakeTaskQueues) -> list[object]:
    assert all(message.queue is QueueName.RECEIPT for message in queues.waiting)
    return [decode_dlr(message.body) for message in queues.waiting]


def test_single_receipts_go_on_as_one_task() -> None:
    there = queues()
    assert CoalesceService(there).coalesce(SINGLES) == SINGLES.keys()
    assert sent(there) == [ReceiptsTask(tuple(RECEIPTS), "sim")]


def test_receipts_by_the_carriers_ids_go_on_together_as_well() -> None:
    there = queues()
    bodies = {
        name: CarrierReceiptsTask("sim", ((name, FIRST),)).encode() for name in ("id1", "id2")
    }
    assert CoalesceService(there).coalesce(bodies) == bodies.keys()
    assert sent(there) == [CarrierReceiptsTask("sim", (("id1", FIRST), ("id2", FIRST)))]


def test_each_carriers_go_on_by_themselves() -> None:
    there = queues()
    other = {f"o{n}": ReceiptsTask((each,), "other").encode() for n, each in enumerate(RECEIPTS)}
    assert CoalesceService(there).coalesce(SINGLES | other) == (SINGLES | other).keys()
    assert sent(there) == [
        ReceiptsTask(tuple(RECEIPTS), "sim"),
        ReceiptsTask(tuple(RECEIPTS), "other"),
    ]


@pytest.mark.parametrize(
    "others",
    [
        {},
        {"array": ReceiptsTask((SECOND, THIRD), "sim").encode()},
        {"other carrier": ReceiptsTask((SECOND,), "other").encode()},
        {"by its id": CarrierReceiptsTask("sim", (("id", SECOND),)).encode()},
        {"check": CheckTask(BATCH_ID).encode()},
    ],
    ids=lambda others: next(iter(others), "nothing"),
)
def test_a_receipt_that_waits_with_nothing_alike_stays(others: dict[str, str]) -> None:
    there = queues()
    assert CoalesceService(there).coalesce({"single": SINGLES["m0"], **others}) == set()
    assert sent(there) == []


def test_an_event_that_came_late_to_look_for_its_message_keeps_its_count() -> None:
    there = queues()
    bodies = {
        f"w{waits}": CarrierReceiptsTask("sim", ((str(waits), FIRST),), waits).encode()
        for waits in (0, 1)
    }
    bodies |= {"x0": bodies["w0"], "x1": bodies["w1"]}
    CoalesceService(there).coalesce(bodies)
    assert sorted(task.waits for task in sent(there)) == [0, 1]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("longer", "coalesces"), [(0, True), (1, False)])
def test_what_is_longer_than_a_single_receipt_is_not_even_decoded(
    longer: int, coalesces: bool
) -> None:
    there = queues()
    short = CarrierReceiptsTask("sim", (("", FIRST),)).encode()
    name = "i" * (_SINGLE_LIMIT - len(short) + longer)
    bodies = {each: CarrierReceiptsTask("sim", ((name, FIRST),)).encode() for each in ("a", "b")}
    assert CoalesceService(there).coalesce(bodies) == (bodies.keys() if coalesces else set())


class IllQueues(FakeTaskQueues):
    def send(self, *args: Any, **kwargs: Any) -> list[bool]:
        raise StoreUnavailable("no answer")


class FullQueues(FakeTaskQueues):
    def send(self, *args: Any, **kwargs: Any) -> list[bool]:
        return [False]


@pytest.mark.parametrize("kind", [IllQueues, FullQueues])
def test_what_was_not_sent_on_stays(kind: type[FakeTaskQueues]) -> None:
    assert CoalesceService(kind(Faults(), lambda: 0.0)).coalesce(SINGLES) == set()
