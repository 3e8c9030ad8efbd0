"""What follows from the outcome of a block attempt: reports, log events and the next attempt."""

from dataclasses import replace
from typing import Any

import pytest

from harkara.base.codes import Code
from harkara.base.log_events import LogEvent
from harkara.model.ledger import LedgerEntry, outcome_kind
from harkara.model.messages import State
from harkara.model.submit_tasks import Repeat, Reserved, SubmitTask
from harkara.model.tasks import Receipt
from harkara.submit.follow_up import log_events_of, refusals_of, reports_of, retry_of
from tests.unit.block_attempt import (
    ACCEPTED_MS,
    AT,
    BATCH,
    CLAIM,
    ENDED_MS,
    MESSAGE,
    NOTHING,
    PART,
    REPEATED,
    REPEATED_AT,
)


def outcome(**payload: Any) -> LedgerEntry:
    data = {**NOTHING, **payload, "at": ENDED_MS}
    return LedgerEntry(BATCH.id, outcome_kind(2, 3), "task", "worker_id", 0, data)


def test_what_was_refused_or_taken_back_is_reported_by_carrier() -> None:
    refused = [(0, Code.DND, "650"), (2, Code.EXPIRED, "x"), (3, Code.DND, "")]
    reports = reports_of(REPEATED, REPEATED_AT, outcome(refused=refused, cancelled=[1]))
    mids, at_s = list(BATCH.mids()), ENDED_MS // 1000
    assert reports == {
        "a": [
            Receipt(mids[0], 2, State.FAILED, at_s, Code.DND, "650"),
            Receipt(mids[1], 2, State.CANCELLED, at_s, Code.CANCELLED),
        ],
        "b": [Receipt(mids[2], 2, State.EXPIRED, at_s, Code.EXPIRED, "x")],
        "c": [Receipt(mids[3], 2, State.FAILED, at_s, Code.DND)],
    }
    nowhere = reports_of(PART, AT, outcome(cancelled=[3]))
    assert nowhere == {"": [Receipt(mids[3], 2, State.CANCELLED, at_s, Code.CANCELLED)]}


def test_what_was_refused_as_its_request_was_accepted_failed_then() -> None:
    messages = [MESSAGE, MESSAGE._replace(refusal=Code.INVALID_NUMBER)]
    batch = replace(BATCH, messages=messages)
    at_s = ACCEPTED_MS // 1000
    failed = Receipt(BATCH.mid(1), 0, State.FAILED, at_s, Code.INVALID_NUMBER)
    assert refusals_of(batch) == [failed]


def test_each_carrier_has_a_note_of_what_it_had_and_how_long_what_it_took_was_on_its_way() -> None:
    payload = outcome(
        taken=[(0, "id")],
        refused=[(1, Code.DND, "650")],
        not_taken=[(2, 0)],
        in_doubt=[3],
        again=[(3, 0)],
    )
    about = {"batch": BATCH.id, "block": 3, "attempt": 2}
    a, b, c = log_events_of(REPEATED, REPEATED_AT, payload)
    counts_a = {"submitted": 1, "refused_by_carrier": 1}
    assert a == LogEvent("block submitted", about, counts_a, {"submit_latency": 2.0}, "a")
    assert b == LogEvent("block submitted", about, {"not_taken": 1}, {}, "b")
    assert c == LogEvent("block submitted", about, {"in_doubt": 1, "resubmitted": 1}, {}, "c")
    # A message withheld from all carriers is counted for none of them.
    assert [event.counts for event in log_events_of(PART, AT, outcome(not_taken=[(3, 0)]))] == [
        {},
        {},
    ]
    without = log_events_of(PART, AT, outcome(taken=[(0, ""), (1, "")]))
    assert [event.counts for event in without] == [{"submitted": 2}, {}]


def test_nothing_follows_where_each_carrier_took_or_refused_all() -> None:
    for payload in ({}, {"taken": [(0, "")]}, {"in_doubt": [0]}, {"cancelled": [0], "ended": [1]}):
        assert retry_of(PART, CLAIM, AT, outcome(**payload), {}) is None


def test_the_next_try_is_of_what_was_not_taken_and_says_where_it_was() -> None:
    part = replace(PART, tried={"b": (0, 1), "d": (2, 3)}, rests={"d": ENDED_MS + 1, "e": ENDED_MS})
    reserved = {"a": Reserved(2, 5), "f": Reserved(1, 9)}
    retry = retry_of(part, CLAIM, AT, outcome(not_taken=[(3, 0), (1, 30), (0, 20)]), reserved)
    assert retry is not None
    assert retry.wait_s == 0, "as soon as the first of them may go"
    assert retry.task == SubmitTask(
        batch_id=BATCH.id,
        account_id="acme",
        block=3,
        attempt=3,
        indexes=(0, 1, 3),
        reserved={"f": Reserved(1, 9)},
        tried={"a": [0, 1], "b": [0, 1], "d": [3]},
        rests={"d": ENDED_MS + 1, "a": ENDED_MS + 30_000},
    )


def test_the_next_try_repeats_what_is_in_doubt_since_the_try_that_it_may_have_been_taken_at() -> (
    None
):
    payload = outcome(in_doubt=[2, 3], again=[(3, 40), (2, 0)])
    retry = retry_of(REPEATED, CLAIM, REPEATED_AT, payload, {})
    assert retry is not None
    assert retry.task.indexes == (2, 3)
    assert retry.task.repeats == (Repeat(3, "c", 1), Repeat(2, "b", 2))
    assert retry.task.rests == {"c": ENDED_MS + 40_000}
    assert retry.task.tried == {}
    assert retry.wait_s == 0


@pytest.mark.parametrize(
    ("requested_s", "rest_s"),
    [
        pytest.param(100, 100, id="within its validity"),
        pytest.param(700, 299, id="beyond it: half of what is left"),
    ],
)
def test_a_carrier_that_asks_for_a_pause_is_left_alone_while_the_message_is_valid(
    requested_s: int, rest_s: int
) -> None:
    retry = retry_of(PART, CLAIM, AT, outcome(not_taken=[(0, requested_s)]), {})
    assert retry is not None
    assert retry.wait_s == rest_s
    assert retry.task.rests == {"a": ENDED_MS + rest_s * 1000}
    # A longer pause that was requested before stays in force.
    longer = replace(PART, rests={"a": ENDED_MS + 500_000})
    again = retry_of(longer, CLAIM, AT, outcome(not_taken=[(0, requested_s)]), {})
    assert again is not None
    assert again.task.rests == longer.rests
