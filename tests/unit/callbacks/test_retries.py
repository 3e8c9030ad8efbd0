"""Attempts to post a callback: their leases, the next attempt, and the stored records."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from harkara.base.errors import LeaseHeld
from harkara.base.log_events import LogEvent
from harkara.base.retries import JITTER, REFUSAL_LIMIT, limit_s
from harkara.callbacks.dead_letters import dead_letter_of
from harkara.model.callbacks import PostResult
from harkara.model.ledger import ack_kind, post_kind
from harkara.model.tasks import Attempt
from tests.support.wired import RETRY_DELAYS_S
from tests.unit.attempting import BATCHES, KEPT_UNTIL_S, MEMBERS, TASK, Attempting
from tests.unit.deliveries import HOLDS_S, NOW_MS

TAKEN = PostResult(202, "HTTP 202", answer="thanks", duration_ms=12)
FAILED = PostResult(500, "HTTP 500", answer="oops", duration_ms=34)
REFUSED = PostResult(400, "HTTP 400")
ATTEMPT = Attempt(NOW_MS, 500, "HTTP 500", "oops", 34)
BEFORE = Attempt(NOW_MS - 5000, 503, "HTTP 503")
PAUSE_S = RETRY_DELAYS_S[2] * (1 + JITTER / 2)


def test_a_claim_says_of_which_messages_it_is_and_what_came_of_the_attempt_before() -> None:
    there = Attempting()
    task = replace(TASK, last=BEFORE)
    assert there.claim(task) == task
    (claim,) = there.entries("post#")
    assert claim.key == ("task", post_kind(2, 3))
    assert (claim.task_id, claim.expires_at_ms) == ("q", NOW_MS + HOLDS_S * 1000)
    payload = {"at": NOW_MS, "in_doubt": False, "members": MEMBERS}
    assert claim.data == {**payload, "last": BEFORE}
    assert there.store.expires_at_s[claim.key] == KEPT_UNTIL_S
    assert there.log_events == []
    first = Attempting()
    first.claim()
    assert first.entries("post#")[0].data == payload


def test_an_attempt_that_may_have_been_made_is_noted_by_who_claims_the_next() -> None:
    there = Attempting()
    doubtful = replace(TASK, in_doubt=True)
    assert there.claim(doubtful) == doubtful
    assert there.entries("post#")[0].data["in_doubt"]
    about = {"webhook_id": "task.2"}
    event = LogEvent("callback in doubt", about, {"callbacks_in_doubt": 1})
    assert there.log_events == [event]
    assert there.claim(doubtful, "another") is None
    assert there.log_events == [event]


def test_each_attempt_is_one_queue_messages_and_after_its_death_the_next_is_in_doubt() -> None:
    there = Attempting()
    task = replace(TASK, last=BEFORE)
    assert there.claim(task) == task
    assert there.claim(task, "another") is None
    with pytest.raises(LeaseHeld, match="^an earlier delivery may still be posting this$"):
        there.claim(task)
    there.now += HOLDS_S + 1
    assert there.claim(task) == replace(task, attempt=4, in_doubt=True, last=None)
    there.now += HOLDS_S + 1
    assert there.claim(task) == replace(task, attempt=5, in_doubt=True, last=None)
    there.end(200)
    there.now += HOLDS_S + 1
    assert there.claim(task) is None, "it was acknowledged before its worker died"


@pytest.mark.parametrize(
    ("ended", "is_over"),
    [
        pytest.param([], False, id="nothing"),
        pytest.param([(200, 0)], True, id="acknowledged before it was replayed"),
        pytest.param([(500, 0)], False, id="parked before it was replayed"),
        pytest.param([(500, 0), (0, 1)], True, id="parked again"),
        pytest.param([(204, 1)], True, id="acknowledged"),
        pytest.param([(500, 2)], False, id="a later replay"),
        pytest.param([(299, 2)], True, id="a later replay that was acknowledged"),
    ],
)
def test_a_replayed_callback_is_over_once_acknowledged_or_ended_since(
    ended: list[tuple[int, int]], is_over: bool
) -> None:
    there = Attempting()
    there.end(200, group=TASK.group + 1)
    for status, replay in ended:
        there.end(status, replay=replay)
    attempts = there.dlr_services().callbacks.attempts
    assert asyncio.run(attempts.is_over(replace(TASK, replay=1))) is is_over


@pytest.mark.parametrize("unprocessed", [(), (("ref4", "1"),)])
def test_an_acknowledgement_ends_it(unprocessed: tuple[tuple[str, str], ...]) -> None:
    there = Attempting()
    taken = replace(TAKEN, unprocessed=unprocessed)
    assert there.record(taken, replace(TASK, replay=1)) == Counter(callbacks=1)
    (ack,) = there.entries("ack#")
    assert (ack.key, ack.task_id) == (("task", ack_kind(2, 1)), "q")
    assert ack.data == {
        "members": MEMBERS,
        "attempt": 3,
        "status": 202,
        "last": Attempt(NOW_MS, 202, "HTTP 202", "thanks", 12),
        **({"unprocessed": unprocessed} if unprocessed else {}),
    }
    assert there.store.expires_at_s[ack.key] == KEPT_UNTIL_S
    about = {"batches": BATCHES, "webhook_id": "task.2", "status": 202}
    # The platform has waited since the last message became final.
    delays_s = {"callback_delay": 7.0}
    event = LogEvent("callback posted", about, {"callbacks": 1}, delays_s)
    assert there.logged("callback posted") == [event]
    assert there.queues.waiting == []


@pytest.mark.parametrize(
    ("result", "task", "delay_s", "changes"),
    [
        pytest.param(FAILED, {}, PAUSE_S, {}, id="failed"),
        pytest.param(
            replace(FAILED, retry_after_s=400), {}, 400, {}, id="it asks for a longer pause"
        ),
        pytest.param(
            replace(FAILED, retry_after_s=300), {}, PAUSE_S, {}, id="it asks for a shorter one"
        ),
        pytest.param(
            replace(FAILED, in_doubt=True), {}, PAUSE_S, {"in_doubt": True}, id="in doubt"
        ),
        pytest.param(FAILED, {"in_doubt": True}, PAUSE_S, {}, id="in doubt no more"),
        pytest.param(
            replace(FAILED, status=400), {"refusals": 1}, PAUSE_S, {"refusals": 2}, id="refused"
        ),
        pytest.param(FAILED, {"refusals": 2}, PAUSE_S, {"refusals": 2}, id="refused before"),
        pytest.param(FAILED, {"began_ms": 0}, PAUSE_S, {"began_ms": NOW_MS}, id="the first"),
        pytest.param(FAILED, {"waits": 5, "turn_ms": 9}, PAUSE_S, {}, id="it waited for its turn"),
        pytest.param(FAILED, {"rounds": 6}, PAUSE_S, {"rounds": 7}, id="rounds go on"),
    ],
)
def test_a_failure_schedules_the_next_attempt_never_before_what_was_asked_for(
    result: PostResult, task: Mapping[str, Any], delay_s: float, changes: Mapping[str, Any]
) -> None:
    there = Attempting()
    assert there.record(result, replace(TASK, **task)) == Counter(callbacks_to_retry=1)
    expected = replace(
        TASK,
        attempt=4,
        failures=3,
        last=ATTEMPT._replace(status=result.status),
        due_ms=NOW_MS + round(delay_s * 1000),
        **{"rounds": 1, **changes},
    )
    assert there.scheduled() == (delay_s, expected)
    about = {"batches": BATCHES, "webhook_id": "task.2", "status": result.status}
    assert there.log_events == [LogEvent("callback posted", about, {"callbacks_to_retry": 1})]
    assert there.store.entries == {}


@pytest.mark.parametrize(
    ("result", "task"),
    [
        pytest.param(FAILED, {"failures": len(RETRY_DELAYS_S)}, id="the last of the schedule"),
        pytest.param(replace(FAILED, status=410), {}, id="gone"),
        pytest.param(REFUSED, {"refusals": REFUSAL_LIMIT - 1}, id="refused thrice"),
        pytest.param(replace(FAILED, retry_after_s=300_000), {}, id="a day beyond the schedule"),
    ],
)
def test_what_nobody_takes_is_parked_whole_with_the_reason_where_a_person_finds_it(
    result: PostResult, task: Mapping[str, Any]
) -> None:
    there = Attempting()
    attempted = replace(TASK, **task)
    weary = replace(attempted, last=BEFORE, turn_ms=5, rounds=4)
    assert there.record(result, weary) == Counter(callbacks_parked=1)
    last = Attempt(NOW_MS, result.status, result.reason, result.answer, result.duration_ms)
    parked, ack = sorted(there.store.entries.values(), key=lambda entry: entry.key)
    assert (dead_letter_of(parked).task, dead_letter_of(parked).last) == (attempted, last)
    assert parked.partition == "dead-letter#acme#main"
    assert ack.key == ("task", ack_kind(2))
    assert ack.data == {
        "members": MEMBERS,
        "attempt": 3,
        "status": result.status,
        "last": last,
        "parked": True,
    }
    assert {there.store.expires_at_s[entry.key] for entry in (parked, ack)} == {KEPT_UNTIL_S}
    about = {"batches": BATCHES, "webhook_id": "task.2", "status": result.status}
    assert there.log_events == [LogEvent("callback posted", about, {"callbacks_parked": 1})]
    assert there.queues.waiting == []


@pytest.mark.parametrize(("more_s", "parks"), [(0, False), (1, True)])
def test_a_day_beyond_the_schedule_is_the_latest_that_anything_waits_for(
    more_s: int, parks: bool
) -> None:
    left_s = int(limit_s(RETRY_DELAYS_S)) - 40 + more_s
    retrying, waiting = Attempting(), Attempting()
    retrying.record(replace(FAILED, retry_after_s=left_s))
    waiting.wait(left_s)
    for each in (retrying, waiting):
        assert (len(each.queues.rows), len(each.entries("ack#"))) == (not parks, parks)


def test_what_nobody_wants_to_hear_is_ended_without_a_post() -> None:
    there = Attempting()
    attempts = there.dlr_services().callbacks.attempts
    ended = asyncio.run(attempts.end_unwanted(TASK, there.lease("q")))
    assert ended == Counter(callbacks_unwanted=1)
    (ack,) = there.entries("ack#")
    last = Attempt(NOW_MS, 0, "")
    payload = {"members": MEMBERS, "attempt": 3, "status": 0, "last": last, "unwanted": True}
    assert ack.data == payload
    about = {"batches": BATCHES, "webhook_id": "task.2"}
    assert there.log_events == [LogEvent("callback unwanted", about, {"callbacks_unwanted": 1})]


def test_an_error_of_ours_is_a_failed_attempt_and_quotes_nothing() -> None:
    there = Attempting()
    result = there.dlr_services().callbacks.attempts.broken(TASK, KeyError("919876543210"))
    assert result == PostResult(0, "an error of ours: KeyError")
    about = {"batches": BATCHES, "webhook_id": "task.2", "account_id": "acme", "error": "KeyError"}
    assert there.log_events == [LogEvent("callback broken", about, {"callbacks_broken": 1})]
