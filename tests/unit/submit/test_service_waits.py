"""Messages that may not go out yet wait unclaimed, in another queue message of the same task id."""

from base64 import b64encode
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from harkara.base.codes import Code
from harkara.base.retries import PAUSE_DELAYS_S
from harkara.carriers.contract import NotTaken
from harkara.model.ledger import LedgerEntry, claim_kind
from harkara.model.messages import CLOSES_S, OPENS_S, Category, MessageBatch, pack
from harkara.model.submit_tasks import Reserved
from harkara.model.tasks import QueueName
from harkara.submit.planner import RECORD_S
from tests.support.wired import NOW
from tests.unit.dispatching import BATCH, NOW_MS, Carrier
from tests.unit.submits import TASK, Scheduled, Submits

# 03:43 at night in India; the hours of promotion begin at 10:00.
OPENING = NOW + 22_600
CLOSING = OPENING + CLOSES_S - OPENS_S
NIGHT = replace(BATCH, daytime_only=True, validity_s=86_400)
TIMEOUT_S = Carrier.timeout_s
RESERVED = {"sim": Reserved(10, NOW_MS)}


def open_until(left_s: float, validity_s: float = 86_400) -> MessageBatch:
    """Return a batch that was accepted this long before the closing time."""
    accepted_at_ms = int((CLOSING - left_s) * 1000)
    return replace(NIGHT, accepted_at_ms=accepted_at_ms, validity_s=int(validity_s))


@pytest.mark.parametrize(
    ("batch", "at_s", "reason", "delay_s"),
    [
        pytest.param(
            replace(BATCH, send_at_ms=NOW_MS + 100_000), NOW, "deferred", 100, id="a send time"
        ),
        pytest.param(NIGHT, NOW, "deferred", 22_600, id="night"),
        pytest.param(
            replace(NIGHT, validity_s=22_605), NOW, "deferred", 22_600, id="it just lives so long"
        ),
        pytest.param(
            open_until(TIMEOUT_S - 1),
            CLOSING - TIMEOUT_S + 1,
            "deferred",
            86_400 - CLOSES_S + OPENS_S + TIMEOUT_S - 1,
            id="the evening comes while a carrier may think",
        ),
        pytest.param(
            open_until(TIMEOUT_S - 1, validity_s=60),
            CLOSING - TIMEOUT_S + 1,
            "deferred",
            61,
            id="it ends in the evening, and then hears so",
        ),
    ],
)
def test_what_has_hours_or_a_time_of_its_own_waits_for_them(
    batch: MessageBatch, at_s: float, reason: str, delay_s: float
) -> None:
    there = Submits(batch)
    there.now = at_s
    began = replace(TASK, reserved=RESERVED, packed=b64encode(pack(batch)).decode())
    assert there.submit(began) == Counter({reason: 1})
    rounds = 0 if delay_s >= 960 else 1
    rest = replace(TASK, handed_on=True, checked=False, rounds=rounds, reserved=RESERVED)
    assert there.scheduled == [Scheduled(QueueName.SUBMIT, rest, delay_s, "acme", "task")]
    assert (there.got(), there.entries("claim#")) == ([], [])


@pytest.mark.parametrize(
    ("batch", "at_s"),
    [
        pytest.param(NIGHT, OPENING, id="it is day"),
        pytest.param(open_until(TIMEOUT_S + 1), CLOSING - TIMEOUT_S - 1, id="the last post"),
        pytest.param(replace(BATCH, send_at_ms=NOW_MS), NOW, id="its time has come"),
        pytest.param(replace(BATCH, validity_s=5), NOW, id="the last moment"),
    ],
)
def test_what_may_go_out_goes(batch: MessageBatch, at_s: float) -> None:
    there = Submits(batch)
    there.now = at_s
    assert there.submit() == Counter(taken=25)


def test_what_ends_before_its_hours_begin_ends_at_once_without_a_carrier() -> None:
    there = Submits(replace(NIGHT, validity_s=22_604))
    there.carriers.clear()
    assert there.submit() == Counter(refused=25)
    assert {code for _, code, _ in there.entries("outcome#")[0].data["refused"]} == {Code.EXPIRED}
    assert there.entries("claim#")[0].data["carriers"] == {}
    assert {row.queue for row in there.scheduled} == {QueueName.RECEIPT}


@pytest.mark.parametrize(
    ("category", "queue"),
    [
        (Category.OTP, QueueName.SUBMIT_PRIORITY),
        (Category.TRANSACTIONAL, QueueName.SUBMIT_PRIORITY),
        (Category.PROMOTIONAL, QueueName.SUBMIT),
    ],
)
def test_each_waits_in_the_queue_of_its_lane(category: Category, queue: QueueName) -> None:
    there = Submits(replace(BATCH, category=category, send_at_ms=NOW_MS + 9000))
    there.submit()
    assert [row.queue for row in there.scheduled] == [queue]
    retried = Submits(replace(BATCH, category=category), {0: NotTaken()})
    retried.submit()
    assert [row.queue for row in retried.scheduled] == [queue]


@pytest.mark.parametrize(
    ("left_s", "goes"), [(TIMEOUT_S + RECORD_S, True), (TIMEOUT_S + RECORD_S - 0.1, False)]
)
def test_nothing_is_begun_for_which_no_time_is_left(left_s: float, goes: bool) -> None:
    there = Submits()
    there.left_s = left_s
    task = replace(TASK, waits=3, reserved=RESERVED)
    assert there.submit(task) == (Counter(taken=25) if goes else Counter(handed_on=1))
    rest = replace(TASK, handed_on=True, checked=False, rounds=1, reserved=RESERVED)
    assert [row[1:] for row in there.scheduled] == [(rest, 0, "acme", "task")] * (not goes)


def test_what_time_runs_out_for_goes_on_from_its_block() -> None:
    there = Submits()

    async def think() -> None:
        there.left_s -= 30

    there.carriers["sim"].meanwhile = think
    began = replace(TASK, rounds=5, waits=2, reserved=RESERVED)
    assert there.submit(began) == Counter(taken=20, handed_on=1)
    (row,) = there.scheduled
    assert row.task == replace(TASK, block=2, handed_on=True, checked=False, rounds=1)


def test_who_only_looked_at_what_another_claimed_got_no_further() -> None:
    there = Submits()
    there.store.put_if_absent([LedgerEntry(BATCH.id, claim_kind(1, 0), "another", "x", 0, {})])

    def late(number: int, name: str) -> None:
        if name == "put_if_absent claim":
            there.left_s = 0

    there.faults.on_call = late
    assert there.submit(replace(TASK, rounds=5)) == Counter(claimed_by_another=10, handed_on=1)
    (row,) = there.scheduled
    assert row.task == replace(TASK, block=1, handed_on=True, checked=False, rounds=6)


@pytest.mark.parametrize(
    ("task", "batch", "delay_s"),
    [
        pytest.param({}, BATCH, PAUSE_DELAYS_S[0], id="a minute at first"),
        pytest.param({"waits": 2}, BATCH, PAUSE_DELAYS_S[2], id="then longer"),
        pytest.param({}, replace(BATCH, validity_s=35), 31, id="until it ends"),
    ],
)
@pytest.mark.parametrize("why", ["account", "campaign", "carrier", "unknown"])
def test_what_is_paused_or_has_no_carrier_waits_until_it_ends(
    why: str, task: Mapping[str, Any], batch: MessageBatch, delay_s: float
) -> None:
    messages = [message._replace(campaign_id="diwali") for message in batch.messages]
    there = Submits(replace(batch, messages=messages))
    match why:
        case "account":
            there.route(paused=True)
        case "campaign":
            there.route(paused_campaigns=["diwali"])
        case "carrier":
            there.set("sim", paused=True)
        case _:
            del there.carriers["sim"]
    waiting = replace(TASK, **task)
    assert there.submit(waiting) == Counter(waiting=1)
    rest = replace(waiting, handed_on=True, checked=False, waits=waiting.waits + 1, rounds=1)
    assert [row[1:] for row in there.scheduled] == [(rest, delay_s, "acme", "task")]
    assert there.entries("claim#") == []


def test_a_block_begins_to_wait_anew() -> None:
    """The next block does not inherit the waits and reservations of the one before."""
    messages = [
        message._replace(campaign_id="diwali" if n in range(10, 20) else "")
        for n, message in enumerate(BATCH.messages)
    ]
    there = Submits(replace(BATCH, messages=messages))
    there.route(paused_campaigns=["diwali"])
    there.set("sim", rate_segments_per_s=10)
    before = replace(TASK, waits=3, reserved=RESERVED, rounds=2)
    assert there.submit(before) == Counter(taken=10, waiting=1)
    (row,) = there.scheduled
    assert row.task == replace(
        TASK, block=1, handed_on=True, checked=False, waits=1, rounds=1, reserved={}
    )
    assert row.delay_s == PAUSE_DELAYS_S[0]


@pytest.mark.parametrize(
    ("rounds", "left_s", "waits_s", "after"),
    [
        pytest.param(2, 500, 0, 3, id="the third at once"),
        pytest.param(3, 500, 10, 4, id="the fourth later"),
        pytest.param(7, 2000, 960, 0, id="the eighth through Due, and anew"),
        pytest.param(7, 10, 5, 8, id="with a last look before it ends"),
        pytest.param(7, 9, 10, 8, id="or to hear of its end"),
        pytest.param(7, -10, 1, 8, id="which may have come already"),
    ],
)
def test_what_comes_back_often_waits_longer_but_not_beyond_its_end(
    rounds: int, left_s: int, waits_s: float, after: int
) -> None:
    """Lambda stops sixteen invocations in a row as a loop."""
    there = Submits(replace(BATCH, validity_s=5 + left_s))
    there.left_s = -1
    assert there.submit(replace(TASK, rounds=rounds)) == Counter(handed_on=1)
    (row,) = there.scheduled
    assert (row.delay_s, row.task.rounds) == (waits_s, after)


def test_a_send_time_is_waited_for_too() -> None:
    there = Submits(replace(BATCH, send_at_ms=NOW_MS + 500))
    assert there.submit() == Counter(taken=25)
    assert there.entries("claim#")[0].data["at"] == NOW_MS + 500


def test_a_retry_leaves_alone_who_asked_for_that_when_another_try_did() -> None:
    there = Submits()
    task = replace(TASK, attempt=2, indexes=(0,), rests={"sim": NOW_MS + 30_000})
    assert there.submit(task) == Counter(waiting=1)
    assert there.got() == []
