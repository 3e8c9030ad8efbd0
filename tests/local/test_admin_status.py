"""`harkara status`: queues, circuit breakers, and what is due."""

import pytest

from harkara.aws.limits import DynamoLimitStore
from harkara.aws.queues import DynamoDueTable
from harkara.model.tasks import QueueName
from harkara.state.circuit_breaker import CircuitBreakers
from tests.local.operators import CARRIER, NOW, Operator


def breaker_opens(operator: Operator, carrier: str) -> None:
    limits = DynamoLimitStore(operator.client("dynamodb"), "Messages")
    breakers = CircuitBreakers(limits, operator.clock, lambda: 0.5, lambda _: None)
    assert breakers.open(carrier)


def test_nothing_waits_in_a_new_deployment() -> None:
    status = Operator().with_carrier()("status --json").json()
    assert (status["due"], status["due_oldest_s"]) == (0, 0)
    queue = {"waiting": 0, "taken": 0, "delayed": 0, "oldest_s": None, "dead": 0}
    *rows, failures = status["queues"]
    assert rows == [{"queue": name, **queue} for name in QueueName]
    nothing = dict.fromkeys(("waiting", "taken", "delayed", "oldest_s"))
    assert failures == {"queue": "activity_failures", **nothing, "dead": 0}
    assert status["carriers"] == [
        {"carrier": "sim", "paused": False, "breaker": "closed", "opens_again_s": 0, "doubts": []}
    ]


def test_queues_are_counted_with_their_ages_and_dead_letters() -> None:
    operator = Operator()
    operator.dead_letters.depths = {"SubmitQueue": (7, 2, 1), "SubmitDeadLetters": (3, 0, 0)}
    operator.ages_s = {"SubmitQueue": 180}
    first, *_ = operator("status --json").json()["queues"]
    assert first == {
        "queue": "submit",
        "waiting": 7,
        "taken": 2,
        "delayed": 1,
        "oldest_s": 180,
        "dead": 3,
    }
    lines = operator("status").out.splitlines()
    assert lines[4] == "queue              waiting  taken  delayed  oldest_s  dead"
    assert max(map(len, lines)) <= 80


@pytest.mark.parametrize(
    ("after_s", "breaker", "opens_again_s"),
    [(0, "open", 15), (20, "half-open", 0), (90, "closed", 0)],
)
def test_a_carrier_that_is_left_alone_is_shown(
    after_s: int, breaker: str, opens_again_s: int
) -> None:
    operator = Operator().with_carrier()
    operator.store.put_carrier(CARRIER.model_copy(update={"name": "failing", "paused": True}))
    breaker_opens(operator, "failing")
    operator.clock.now_s = NOW + after_s
    failing, good = operator("status --json").json()["carriers"]
    assert failing == {
        "carrier": "failing",
        "paused": True,
        "breaker": breaker,
        "opens_again_s": opens_again_s,
        "doubts": [],
    }
    assert good["breaker"] == "closed"


def test_tasks_that_sweep_has_not_moved_are_counted() -> None:
    operator = Operator()
    due = DynamoDueTable(operator.client("dynamodb"), "Due", operator.clock)
    for number in range(5):
        due.put(QueueName.SUBMIT, f"body {number}", 60 * number)
    operator.clock.now_s = NOW + 130
    status = operator("status --json").json()
    assert (status["due"], status["due_oldest_s"]) == (3, 130)
