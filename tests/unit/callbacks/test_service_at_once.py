"""Callbacks of a delivery's final states: posted at once, or left to the callback queue."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from harkara.base.errors import LeaseHeld, StoreUnavailable
from harkara.model.callbacks import PostResult
from harkara.model.ledger import post_kind
from harkara.model.messages import State
from harkara.model.tasks import Attempt
from harkara.state.endpoint_health import Admission, Verdict
from tests.support.fakes import ProcessKilled
from tests.unit.attempting import TASK
from tests.unit.deliveries import OTHER
from tests.unit.posting import POST, WAIT, Posting

GROUP = replace(TASK, attempt=0, failures=0, began_ms=0)
ELSEWHERE = replace(GROUP, group=3, endpoint=OTHER)
LATER = replace(GROUP, attempt=1, rounds=1)


def test_a_group_whose_endpoint_is_quick_is_posted_at_once_and_not_claimed() -> None:
    there = Posting(Admission(POST, lease="a", within_s=2))
    assert there.post_all(GROUP, ELSEWHERE) == Counter(callbacks=2)
    assert sorted(task.webhook_id for task in there.platform.taken) == ["task.2", "task.3"]
    assert there.platform.within_s == [2, 2]
    assert there.entries("post#") == []
    assert len(there.porter.left) == 2
    (at_once,) = {request[-2] for request in there.porter.request}
    assert at_once


@pytest.mark.parametrize("verdict", [WAIT, Verdict.FAILING, Verdict.GONE])
def test_any_other_is_left_to_the_callback_queue(verdict: Verdict) -> None:
    there = Posting(Admission(verdict, 60))
    assert there.post_all(GROUP) == Counter(callbacks_left=1)
    assert there.scheduled() == (0, LATER)
    assert there.platform.posts == []


def test_so_is_one_that_no_time_is_left_for() -> None:
    there = Posting()
    assert there.post_all(GROUP, left_s=11) == Counter(callbacks_handed_on=1)
    assert there.scheduled() == (0, LATER)
    assert there.porter.request == []


def test_one_whose_callback_was_removed_is_parked_and_one_that_nobody_wants_is_ended() -> None:
    there = Posting()
    there.destinations.by_id["other"] = None
    there.want(states=[State.CANCELLED])
    assert there.post_all(GROUP, ELSEWHERE) == Counter(callbacks_parked=1, callbacks_unwanted=1)
    unwanted, parked = there.entries("ack#")
    assert unwanted.data["unwanted"]
    assert Attempt(*parked.data["last"]).reason == "the callback was removed"
    assert there.entries("post#") == []


def test_an_error_of_ours_fails_its_group_alone() -> None:
    there = Posting()
    there.errors["main"] = KeyError("919876543210")
    assert there.post_all(GROUP, ELSEWHERE) == Counter(callbacks=1, callbacks_to_retry=1)
    _, task = there.scheduled()
    assert (task.webhook_id, task.attempt, task.failures) == ("task.2", 1, 1)
    assert task.last
    assert task.last.reason == "an error of ours: KeyError"


@pytest.mark.parametrize("error", [StoreUnavailable("busy"), LeaseHeld("held")])
def test_what_brings_the_queue_message_back_does_so_when_the_others_are_done_with(
    error: Exception,
) -> None:
    there = Posting()
    there.errors["main"] = error
    with pytest.raises(type(error)):
        there.post_all(GROUP, ELSEWHERE)
    assert [task.webhook_id for task in there.platform.taken] == ["task.3"]
    assert there.log_events[0].counts == {"callbacks": 1}


def test_death_is_of_all_groups() -> None:
    there = Posting()

    async def die(*post: Any) -> PostResult:
        raise ProcessKilled

    there.platform.post = die  # type: ignore[method-assign, assignment]
    with pytest.raises(ProcessKilled):
        there.post_all(GROUP)
    assert there.store.entries == {}


def test_what_an_earlier_delivery_may_have_posted_is_claimed_as_the_next_attempt_in_doubt() -> None:
    there = Posting()
    counts = there.post_all(GROUP, in_doubt=True)
    assert counts == Counter(callbacks=1, callbacks_in_doubt=1)
    assert there.platform.taken == [replace(GROUP, attempt=1, in_doubt=True)]
    (post,) = there.entries("post#")
    assert (post.kind, post.data["in_doubt"]) == (post_kind(2, 1), True)
    assert there.porter.request[0][-2], "an execution that writes final states waits for no other"
    assert there.post_all(GROUP, in_doubt=True) == Counter(acknowledged_before=1)
    assert len(there.platform.posts) == 1


def test_what_may_have_been_posted_to_an_endpoint_that_is_not_quick_waits() -> None:
    there = Posting(Admission(WAIT))
    assert there.post_all(GROUP, in_doubt=True) == Counter(callbacks_waiting=1)
    _, task = there.scheduled()
    assert (task.attempt, task.in_doubt) == (1, True)
