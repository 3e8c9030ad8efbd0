"""`harkara queue`: what waits, the dead letters and their redrive."""

import pytest

from harkara.base.time import DAY_S
from harkara.manage.queues import NAMES
from harkara.model.submit_tasks import SubmitTask
from harkara.model.tasks import QueueName
from tests.local.operators import NOW, Operator

BATCH_ID = "101M80PKPVGTZQN98QP2VKS1J18"


@pytest.fixture
def operator() -> Operator:
    operator = Operator()
    for number in range(3):
        body = SubmitTask(BATCH_ID, "acme", indexes=(number,), attempt=2).encode()
        operator.dead_letters.put("SubmitDeadLetters", body, NOW - 3600 + number)
    return operator


def test_queues_are_listed_as_in_the_status(operator: Operator) -> None:
    rows = operator("queue list --json").json()
    assert [row["queue"] for row in rows] == [*NAMES]
    assert rows == operator("status --json").json()["queues"]
    assert [row["dead"] for row in rows] == [3, 0, 0, 0, 0, 0]


def test_dead_letters_are_shown_without_their_content_and_stay(operator: Operator) -> None:
    for looks in (1, 2):
        shown = operator("queue show submit --json").json()
        assert len(shown["dead_letters"]) == shown["dead"] == 3
        assert shown["dead_letters"][0] == {
            "id": "00000000-0000-4000-8000-000000000001",
            "kind": "submit",
            "account": "acme",
            "messages": [f"{BATCH_ID}00"],
            "sent": "2026-01-01T08:00:00.000Z",
            "first_received": "2026-01-01T08:00:00.100Z",
            "receives": 21 + looks,
            "kept_until": "2026-01-15T08:00:00.000Z",
        }
    assert "acme" in operator("queue show submit").out


def test_a_redrive_moves_all_and_one_runs_at_a_time(operator: Operator) -> None:
    moved: list[tuple[str, str]] = []
    operator.dead_letters.deliver = lambda queue, body: moved.append((queue, body))
    redriven = operator("queue redrive submit --rate 2 --yes --json").json()
    assert redriven == {"redriven": "submit"}
    refused = operator("queue redrive submit --yes")
    assert (refused.status, refused.out) == (1, "")
    assert "(a redrive)" in refused.err
    operator.dead_letters.move(2)
    (row,) = operator("queue show submit --json").json()["redrives"]
    assert (row["state"], row["moved"], row["of"]) == ("running", 2, 3)
    operator.dead_letters.move()
    shown = operator("queue show submit --json").json()
    assert (shown["dead"], shown["redrives"][0]["state"]) == (0, "completed")
    assert {queue for queue, _ in moved} == {"SubmitQueue"}
    assert len(moved) == 3
    assert operator("queue redrive submit --yes").status == 0


def test_a_redrive_is_cancelled_once(operator: Operator) -> None:
    operator("queue redrive submit --yes")
    operator.dead_letters.move(1)
    assert operator("queue cancel submit --json").json() == {"cancelled": "submit"}
    operator.dead_letters.move()
    shown = operator("queue show submit --json").json()
    assert (shown["dead"], shown["redrives"][0]["state"]) == (2, "cancelled")
    again = operator("queue cancel submit")
    assert (again.status, "under way" in again.err) == (1, True)


def test_both_acts_are_in_the_log_of_the_operators(operator: Operator) -> None:
    operator("queue redrive callback --yes")
    operator("queue cancel callback")
    rows = operator("user audit * --json").json()
    assert {(row["action"], row["subject"]) for row in rows} == {
        ("queue.redrive", "callback"),
        ("queue.cancel", "callback"),
    }


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("queue redrive submit --rate 0 --yes", "--rate: a whole number from 1 to 500"),
        ("queue redrive submit --rate 501 --yes", "--rate: a whole number from 1 to 500"),
        ("queue redrive activity_failures --yes", "nothing works off what it holds"),
        ("queue cancel activity_failures", "under way"),
        ("queue redrive other --yes", "(queue)"),
        ("queue show other", "(queue)"),
        ("queue cancel other", "(queue)"),
        ("queue redrive submit", "give --yes"),
    ],
)
def test_what_cannot_be_is_refused_and_moves_nothing(
    line: str, told: str, operator: Operator
) -> None:
    refused = operator(line)
    assert (refused.status, refused.out) == (1, "")
    assert told in refused.err
    assert operator.dead_letters.tasks == []
    assert operator("user audit * --json").json() == []


@pytest.mark.parametrize("queue", QueueName)
def test_each_queue_gets_its_own_dead_letters_back(queue: QueueName, operator: Operator) -> None:
    assert operator(f"queue redrive {queue} --yes").status == 0
    (task,) = operator.dead_letters.tasks
    name = queue.title().replace("_", "")
    assert (task.source, task.destination) == (f"{name}DeadLetters", f"{name}Queue")


def test_the_age_of_the_oldest_comes_from_cloudwatch(operator: Operator) -> None:
    operator.ages_s = {"CallbackQueue": 3 * DAY_S}
    rows = {row["queue"]: row for row in operator("queue list --json").json()}
    assert rows["callback"]["oldest_s"] == 3 * DAY_S
    assert rows["submit"]["oldest_s"] is None
