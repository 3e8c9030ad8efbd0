"""The outcome of a callback attempt, by its time, its endpoint and the endpoint's health."""

import asyncio
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from harkara.base.errors import OutOfTime, StoreUnavailable
from harkara.base.retries import JITTER, WAIT_DELAYS_S
from harkara.model.callbacks import PostResult
from harkara.model.events import Click, EventTask
from harkara.model.ledger import post_kind
from harkara.model.messages import State
from harkara.model.tasks import CallbackTask
from harkara.state.endpoint_health import RATE_WAIT_S, Admission, Verdict
from tests.support.wired import NOW
from tests.unit.attempting import MEMBERS, TASK
from tests.unit.deliveries import BATCH, HOLDS_S, MAIN, NOW_MS, deadline
from tests.unit.posting import POST, RECORD_S, WAIT, Posting

JITTERED = 1 + JITTER / 2
TURN = Admission(WAIT, 100, turn_s=NOW + 100)
TIRED = 20
"""The most waits in a row of a callback at an endpoint that acknowledges nothing."""


def test_an_attempt_is_claimed_posted_and_recorded_and_reported_to_the_endpoint_health() -> None:
    there = Posting(Admission(POST, lease="a"))
    taken = PostResult(202, "HTTP 202")
    there.platform.script = [taken]
    assert there.call_back() == Counter(callbacks=1)
    assert there.platform.taken == [TASK]
    assert [entry.kind for entry in there.entries("post#")] == [post_kind(2, 3)]
    assert [entry.data["status"] for entry in there.entries("ack#")] == [202]
    lease_s = there.platform.timeout_s + RATE_WAIT_S + RECORD_S
    settings = there.destinations.find("acme", MAIN)
    assert settings
    request = ("acme", MAIN, settings.settings, "worker0.2", lease_s, False, 0)
    assert there.porter.request == [request]
    assert there.destined == [settings]
    post = ("acme", MAIN, Admission(POST, lease="a"), taken)
    assert (there.porter.payload, there.porter.left) == ([post], [post])


def test_a_result_that_changes_nothing_is_not_reported() -> None:
    there = Posting(writes=False)
    there.call_back()
    assert len(there.platform.taken) == 1
    assert there.porter.left == []


@pytest.mark.parametrize(
    ("entry", "task", "wait_s", "turn_ms"),
    [
        pytest.param(Admission(WAIT), {}, WAIT_DELAYS_S[0] * JITTERED, 0, id="the first time"),
        pytest.param(Admission(WAIT), {"waits": 2}, WAIT_DELAYS_S[2] * JITTERED, 0, id="the third"),
        pytest.param(Admission(WAIT, 30), {}, 30 * JITTERED, 0, id="a pause that it asked for"),
        pytest.param(Admission(WAIT, 1), {}, WAIT_DELAYS_S[0] * JITTERED, 0, id="a short pause"),
        pytest.param(TURN, {"waits": TIRED - 1}, 100, NOW_MS + 100_000, id="it stands in line"),
        pytest.param(
            Admission(WAIT, 5000, turn_s=NOW + 5000), {}, 4880, NOW_MS + 5_000_000, id="a long line"
        ),
        pytest.param(Admission(WAIT), {"turn_ms": 7}, WAIT_DELAYS_S[0] * JITTERED, 0, id="no turn"),
        pytest.param(
            Admission(WAIT), {"waits": TIRED - 1}, WAIT_DELAYS_S[-1] * JITTERED, 0, id="untrusted"
        ),
        pytest.param(
            Admission(WAIT, trusted=True),
            {"waits": TIRED},
            WAIT_DELAYS_S[-1] * JITTERED,
            0,
            id="busy",
        ),
    ],
)
def test_what_waits_for_its_turn_loses_no_attempt(
    entry: Admission, task: Mapping[str, Any], wait_s: float, turn_ms: int
) -> None:
    there = Posting(entry)
    waiting = replace(TASK, **task)
    assert there.call_back(waiting) == Counter(callbacks_waiting=1)
    assert there.scheduled() == (
        math.ceil(wait_s),  # SQS counts whole seconds
        replace(
            waiting,
            waits=waiting.waits + 1,
            turn_ms=turn_ms,
            rounds=1 if wait_s < 960 else 0,
            due_ms=NOW_MS + int(wait_s * 1000),
        ),
    )
    assert there.store.entries == {}
    assert there.platform.posts == []


def test_what_a_dead_worker_may_have_posted_waits_as_the_next_attempt_in_doubt() -> None:
    there = Posting(Admission(WAIT))
    there.claim()
    there.now += HOLDS_S + 1
    assert there.call_back() == Counter(callbacks_waiting=1)
    _, task = there.scheduled()
    assert (task.attempt, task.in_doubt) == (4, True)


def test_who_stands_in_line_at_an_endpoints_rate_keeps_the_turn() -> None:
    there = Posting()
    there.call_back(replace(TASK, turn_ms=NOW_MS + 1500))
    assert there.porter.request[0][-1] == NOW + 1.5


@pytest.mark.parametrize(
    ("entry", "waits"),
    [
        pytest.param(Admission(Verdict.FAILING), 0, id="shut"),
        pytest.param(Admission(WAIT), TIRED, id="waited often, and nothing is acknowledged"),
    ],
)
def test_an_attempt_at_an_endpoint_that_fails_fails_without_a_post(
    entry: Admission, waits: int
) -> None:
    there = Posting(entry)
    assert there.call_back(replace(TASK, waits=waits)) == Counter(callbacks_to_retry=1)
    _, task = there.scheduled()
    assert (task.attempt, task.failures, task.waits) == (4, 3, 0)
    assert task.last
    assert (task.last.status, task.last.reason) == (0, "not posted: the endpoint was failing")
    assert [entry.kind for entry in there.entries("post#")] == [post_kind(2, 3)]
    assert there.platform.posts == []


def test_a_callback_to_an_endpoint_that_is_gone_is_parked_without_a_post() -> None:
    there = Posting(Admission(Verdict.GONE))
    assert there.call_back() == Counter(callbacks_parked=1)
    (ack,) = there.entries("ack#")
    assert ack.data["last"][1:3] == (410, "not posted: the endpoint is gone")
    assert there.platform.posts == []


def test_a_callback_to_an_endpoint_that_was_removed_is_parked() -> None:
    there = Posting()
    there.destinations.by_id["main"] = None
    assert there.call_back() == Counter(callbacks_parked=1)
    (ack,) = there.entries("ack#")
    assert ack.data["last"][1:3] == (0, "the callback was removed")
    assert [entry.kind for entry in there.entries("post#")] == [post_kind(2, 3)]
    assert there.porter.request == []


def test_where_an_attempt_is_anothers_it_is_neither_posted_nor_failed() -> None:
    for entry in (Admission(POST, lease="a"), Admission(Verdict.FAILING), Admission(Verdict.GONE)):
        there = Posting(entry)
        there.claim(task_id="another")
        assert there.call_back() == Counter(posted_by_another=1)
        assert there.porter.released == [entry] * (entry.verdict is POST)
        assert (there.platform.posts, there.queues.waiting, there.entries("ack#")) == ([], [], [])


def test_an_attempt_after_a_death_is_counted_in_doubt() -> None:
    there = Posting()
    there.claim()
    there.now += HOLDS_S + 1
    assert there.call_back() == Counter(callbacks=1, callbacks_in_doubt=1)
    assert [task.attempt for task in there.platform.taken] == [4]


@pytest.mark.parametrize(("early_ms", "comes_again"), [(1000, False), (1001, True)])
def test_what_comes_to_tell_how_late_it_is_goes_on_waiting(
    early_ms: int, comes_again: bool
) -> None:
    there = Posting()
    late = replace(TASK, began_ms=NOW_MS - 60_000_000, due_ms=NOW_MS + early_ms)
    counts = there.call_back(late)
    assert [event.counts for event in there.logged("callback is late")] == [
        {"callbacks_at_50_percent": 1}
    ]
    if comes_again:
        assert counts == Counter(callbacks_early=1)
        delay_s, task = there.scheduled()
        assert (delay_s, task.alerted_percent, task.attempt) == (2, 50, 3)
    else:
        assert counts == Counter(callbacks=1)


def test_an_endpoint_hears_of_what_it_wants_and_the_rest_is_ended_with_it() -> None:
    there = Posting()
    there.want(states=[State.DELIVERED])
    assert there.call_back() == Counter(callbacks=1)
    assert there.reported() == [["ref4", "ref1"]]
    assert there.entries("ack#")[0].data["members"] == MEMBERS


def test_an_unwanted_callback_ends_without_a_check_of_the_endpoint() -> None:
    there = Posting()
    there.want(states=[State.CANCELLED])
    assert there.call_back() == Counter(callbacks_unwanted=1)
    assert there.porter.request == []
    assert there.entries("ack#")[0].data["unwanted"]


@pytest.mark.parametrize(("failures", "anew"), [(0, False), (1, True)])
def test_what_failed_may_have_failed_by_settings_that_were_changed_since(
    failures: int, anew: bool
) -> None:
    there = Posting()
    there.call_back(replace(TASK, failures=failures))
    assert there.looked == [("acme", MAIN, anew)]


@pytest.mark.parametrize(
    ("entry", "left_s", "within_s"),
    [
        pytest.param(Admission(POST), HOLDS_S, HOLDS_S - RECORD_S, id="what is left"),
        pytest.param(Admission(POST, within_s=2), HOLDS_S, 2, id="a quick endpoint"),
    ],
)
def test_a_post_leaves_time_to_put_down_what_came_of_it(
    entry: Admission, left_s: float, within_s: float
) -> None:
    there = Posting(entry)
    there.call_back(left_s=left_s)
    assert there.platform.within_s == [within_s]


def test_a_place_at_an_endpoints_rate_is_waited_for_before_the_post() -> None:
    there = Posting(Admission(POST, 0.75))
    there.call_back()
    assert there.entries("ack#")[0].data["last"][0] == NOW_MS + 750


@pytest.mark.parametrize(("left_s", "begins"), [(13, True), (12.9, False)])
def test_nothing_is_begun_that_may_not_be_finished(left_s: float, begins: bool) -> None:
    there = Posting()
    if begins:
        assert there.call_back(left_s=left_s) == Counter(callbacks=1)
    else:
        with pytest.raises(OutOfTime, match="^too little time is left$"):
            there.call_back(left_s=left_s)
        assert there.log_events == []


def test_an_error_of_ours_in_a_post_is_a_failure_that_may_have_left() -> None:
    there = Posting()

    async def fail(*post: Any) -> PostResult:
        raise KeyError("919876543210")

    there.platform.post = fail  # type: ignore[method-assign, assignment]
    assert there.call_back() == Counter(callbacks_to_retry=1)
    _, task = there.scheduled()
    assert task.in_doubt
    assert task.last
    assert task.last.reason == "an error of ours: KeyError"
    assert len(there.porter.left) == 1


def test_an_error_of_ours_before_a_post_is_a_failure_that_is_claimed() -> None:
    there = Posting()
    there.errors["main"] = KeyError("919876543210")
    assert there.call_back() == Counter(callbacks_to_retry=1)
    _, task = there.scheduled()
    assert not task.in_doubt
    assert [entry.kind for entry in there.entries("post#")] == [post_kind(2, 3)]


def test_a_store_that_is_busy_brings_the_queue_message_back() -> None:
    there = Posting()
    there.errors["main"] = StoreUnavailable("busy")
    with pytest.raises(StoreUnavailable):
        there.call_back()
    assert there.store.entries == {}


def test_an_event_is_a_callback_of_its_own_that_a_redelivery_may_have_made_before() -> None:
    there = Posting()
    click = Click(BATCH.mid(0), "ref0", int(NOW), "919876543210", "https://a.example", "s/x")
    event = EventTask("acme", MAIN, click, due_at_ms=77)
    service, lease = there.service(), there.lease("click")
    counts = asyncio.run(service.post_event(event, lease, deadline()))
    assert counts == Counter(callbacks=1)
    assert there.platform.taken == [
        CallbackTask("click", 0, 0, "acme", MAIN, (click,), due_at_ms=77)
    ]
    assert [entry.key for entry in there.entries("post#")] == [("click", post_kind(0, 0))]
    there.now += HOLDS_S + 1
    again = service.post_event(event, there.lease("click"), deadline())
    assert asyncio.run(again) == Counter(posted_by_another=1)
