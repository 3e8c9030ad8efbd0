"""A message batch is submitted in blocks: claimed, dispatched, stored; once, despite deaths."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import pytest

from harkara.base.codes import Code
from harkara.base.errors import LeaseHeld
from harkara.base.time import Deadline
from harkara.carriers.contract import InDoubt, NotTaken, Refused
from harkara.model.ledger import claim_kind, outcome_kind
from harkara.model.messages import BLOCK_SIZE, pack
from harkara.model.submit_tasks import Repeat
from tests.support.fakes import ProcessKilled
from tests.unit.deliveries import HOLDS_S
from tests.unit.dispatching import BATCH, MESSAGE, MIDS, NOW_MS
from tests.unit.submits import BLOCKS, TASK, Submits

ALL = list(range(25))
SECOND = replace(TASK, attempt=2, block=1, indexes=(12, 14))


def test_a_block_is_claimed_handed_over_and_put_down_and_then_the_next() -> None:
    there = Submits(outcomes={1: Refused(Code.DND, "650"), 11: InDoubt()})
    seen: list[list[str]] = []
    there.faults.on_call = lambda number, name: (
        seen.append([name]) if "put_if_absent" in name else None
    )
    assert there.submit() == Counter(taken=23, refused=1, in_doubt=1)
    assert seen == [["put_if_absent claim"], ["put_if_absent outcome"]] * 3
    assert there.got() == ALL
    claims, outcomes = there.entries("claim#"), there.entries("outcome#")
    assert [entry.kind for entry in claims] == [claim_kind(1, block) for block in range(3)]
    assert [entry.kind for entry in outcomes] == [outcome_kind(1, block) for block in range(3)]
    for claim, outcome, indexes in zip(claims, outcomes, BLOCKS, strict=True):
        assert {entry.partition for entry in (claim, outcome)} == {BATCH.id}
        assert (claim.task_id, claim.expires_at_ms) == ("task", NOW_MS + HOLDS_S * 1000)
        assert claim.data == {
            "indexes": indexes,
            "carriers": {"sim": list(indexes)},
            "at": NOW_MS,
        }
        assert (outcome.task_id, outcome.data["at"]) == ("task", NOW_MS)
    assert outcomes[0].data["refused"] == [(1, Code.DND, "650")]
    assert outcomes[1].data["in_doubt"] == [11]
    assert outcomes[2].data["taken"] == [(index, f"id-ref{index}") for index in BLOCKS[2]]
    assert there.carriers["sim"].got[3].reference == there.signer.sign(MIDS[3], 1)
    logged = [event.counts for event in there.log_events if event.what == "block submitted"]
    assert logged == [
        {"submitted": 9, "refused_by_carrier": 1},
        {"submitted": 9, "in_doubt": 1},
        {"submitted": 5},
    ]


def test_a_block_of_which_all_was_refused_from_the_first_needs_no_claim() -> None:
    refused = [each._replace(refusal=Code.INVALID_NUMBER) for each in BATCH.messages[:10]]
    there = Submits(replace(BATCH, messages=[*refused, *BATCH.messages[10:]]))
    assert there.submit() == Counter(taken=15)
    assert [entry.kind for entry in there.entries("claim#")] == [claim_kind(1, 1), claim_kind(1, 2)]


def test_a_later_try_is_of_its_blocks_rest_alone() -> None:
    there = Submits()
    assert there.submit(SECOND) == Counter(taken=2)
    (claim,) = there.entries("claim#")
    assert (claim.kind, claim.data["indexes"]) == (claim_kind(2, 1), (12, 14))
    assert there.got() == [12, 14]


def test_what_is_left_of_a_batch_goes_on_from_its_block() -> None:
    there = Submits()
    assert there.submit(replace(TASK, block=2, handed_on=True)) == Counter(taken=5)
    assert there.got() == list(BLOCKS[2])


def test_a_batch_whose_time_is_over_is_no_more() -> None:
    there = Submits()
    assert there.submit(replace(TASK, batch_id="1" + "0" * 25 + "1")) == Counter(batch_missing=1)
    assert there.scheduled == []


def test_a_block_that_another_queue_message_claimed_is_left_to_it() -> None:
    there = Submits()
    there.submit()
    assert there.submit(task_id="another") == Counter(claimed_by_another=25)
    assert there.got() == ALL
    assert len(there.log_events) == 3


def test_while_an_earlier_delivery_may_submit_a_block_its_queue_message_comes_back() -> None:
    there = Submits()
    there.submit()
    there.now += HOLDS_S
    with pytest.raises(LeaseHeld, match="^an earlier delivery may still be submitting this block$"):
        there.submit()
    assert there.got() == ALL


def die(there: Submits, call: str) -> None:
    """Kill the process at a call, once."""

    def kill(number: int, name: str) -> None:
        if name == call:
            there.faults.on_call = lambda number, name: None
            raise ProcessKilled(name)

    there.faults.on_call = kill
    with pytest.raises(ProcessKilled):
        there.submit()
    there.now += HOLDS_S + 1


def test_what_a_dead_worker_may_have_handed_over_is_in_doubt_and_not_submitted_again() -> None:
    there = Submits()
    die(there, "put_if_absent outcome")
    assert there.submit() == Counter(in_doubt=10, taken=15)
    assert there.got() == ALL, "the first block before the death, the others after it"
    assert there.entries("outcome#")[0].data["in_doubt"] == list(BLOCKS[0])
    assert there.scheduled == []


def test_what_an_outcome_calls_for_is_done_again_by_a_redelivery_but_noted_once() -> None:
    """The worker may have died between the outcome and the next steps."""
    there = Submits(outcomes={0: Refused(Code.DND, ""), 1: NotTaken()})
    there.submit()
    first, log_events = there.scheduled.copy(), len(there.log_events)
    there.now += HOLDS_S + 1
    assert there.submit() == Counter(taken=23, refused=1, not_taken=1)
    assert [row.task for row in there.scheduled] == [row.task for row in first]
    assert there.got() == ALL
    assert len(there.log_events) == log_events


@pytest.mark.parametrize(
    ("routing", "deduplicates", "again"),
    [
        pytest.param({"service_implicit": "resubmit"}, True, True, id="where its carrier can"),
        pytest.param({"service_implicit": "resubmit"}, False, False, id="it would take both"),
        pytest.param({"service_implicit": "leave"}, True, False, id="the routing says no"),
        pytest.param({"otp": "resubmit"}, True, False, id="of others the routing says so"),
        pytest.param({}, True, False, id="nobody said so"),
    ],
)
def test_what_is_in_doubt_goes_to_its_carrier_again_where_that_deduplicates_and_the_routing_says_so(
    routing: dict[str, str], deduplicates: bool, again: bool
) -> None:
    there = Submits(outcomes={3: InDoubt()})
    there.route(in_doubt=routing)
    there.set("sim", deduplicates=deduplicates)
    assert there.submit() == Counter(taken=24, in_doubt=1, resubmitted=int(again))
    repeats = [row.task.repeats for row in there.scheduled]
    assert repeats == [(Repeat(3, "sim", 1),)] * again


def test_what_is_in_doubt_at_a_carrier_that_gets_nothing_now_stays_so_until_it_does() -> None:
    there = Submits()
    there.route(in_doubt={"service_implicit": "resubmit"})
    there.set("other", deduplicates=True, paused=True)
    repeat = Repeat(14, "other", 1)
    assert there.submit(replace(SECOND, repeats=(repeat,))) == Counter(
        taken=1, in_doubt=1, resubmitted=1
    )
    (claim,) = there.entries("claim#")
    assert claim.data["repeats"] == [14]
    assert [row.task.repeats for row in there.scheduled] == [(repeat,)]


@pytest.mark.parametrize(
    "counts",
    [
        pytest.param((60, 60), id="two that do not fit beside each other"),
        pytest.param((150, 40), id="one that is larger"),
        pytest.param((60, 60, 30, 30, 100, 1), id="many"),
    ],
)
def test_one_process_has_a_block_at_a_time_in_its_hands_over_all_its_queue_messages(
    counts: tuple[int, ...],
) -> None:
    """So its death leaves no more than a block in doubt."""
    there = Submits()
    held: list[int] = []

    async def count() -> None:
        put_down = {entry.partition for entry in there.entries("outcome#")}
        claims = [entry for entry in there.entries("claim#") if entry.partition not in put_down]
        held.append(sum(len(entry.data["indexes"]) for entry in claims))

    assert beside_each_other(there, counts, count) == sum(counts)
    assert max(held) <= max(BLOCK_SIZE, *counts)


def test_what_fits_into_a_block_goes_out_at_once() -> None:
    """Each carrier answers only when it has all requests."""
    barrier = asyncio.Barrier(3)

    async def wait() -> None:
        await asyncio.wait_for(barrier.wait(), HOLDS_S)

    assert beside_each_other(Submits(), (40, 40, 20), wait) == BLOCK_SIZE


def beside_each_other(
    there: Submits, counts: Sequence[int], meanwhile: Callable[[], Awaitable[object]]
) -> int:
    """Submit a batch of each count, all in one process; return how many messages went out."""
    batches = [
        replace(
            BATCH,
            id=f"1{index:026}",
            messages=[MESSAGE._replace(client_ref=f"ref{n}") for n in range(count)],
            block_size=max(count, BLOCK_SIZE),
        )
        for index, count in enumerate(counts, 1)
    ]
    for batch in batches:
        there.store.put_batch(batch.id, pack(batch), batch.due_at_ms)
    there.carriers["sim"].meanwhile = meanwhile

    async def run() -> None:
        service, end = there.submit_service(), Deadline(lambda: float(HOLDS_S))
        tasks = [replace(TASK, batch_id=batch.id) for batch in batches]
        await asyncio.gather(*(service.submit(task, there.lease(), end) for task in tasks))

    asyncio.run(run())
    return len(there.got())
