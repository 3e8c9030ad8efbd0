"""Status: the queues, the carriers, and the due tasks."""

from collections.abc import Iterator
from random import SystemRandom

from cli.command import noun, verb
from cli.deployment import Deployment
from cli.printing import Answer, Row
from cli.queues import rows_of
from harkara.activity.doubts import CarrierReceipts
from harkara.activity.filters import StatsQuery, query_of
from harkara.aws.limits import DynamoLimitStore
from harkara.aws.queues import DynamoDueTable
from harkara.ports import SHARDS
from harkara.state.circuit_breaker import BreakerState, CircuitBreakers

app = noun()


@verb(app)
def status(deployment: Deployment) -> Answer:
    """Show the queues, the carriers' circuit breakers, and the tasks that are due.

    Of a queue: the tasks that wait, are being worked on, are delayed, or failed for good, and the
    age of the oldest, which only AWS measures. `sweep` enqueues a due task within two minutes.
    Doubts say why a carrier's receipts of the last day may be made up: quick_receipts,
    equal_delays (of OTPs), delivers_to_dead_numbers (of an account of dead numbers).
    """
    now_ms = int(deployment.clock() * 1000)
    due_ms = [*_due(deployment, now_ms)]
    return {
        "due": len(due_ms),
        "due_oldest_s": (now_ms - min(due_ms)) // 1000 if due_ms else 0,
        "queues": rows_of(deployment),
        "carriers": _carriers(deployment, now_ms),
    }


def _carriers(deployment: Deployment, now_ms: int) -> list[Row]:
    limits = DynamoLimitStore(
        deployment.client("dynamodb"), deployment.outputs["MessagesTableName"]
    )
    breakers = CircuitBreakers(limits, deployment.clock, SystemRandom().random, lambda _: None)
    receipts = _receipts(deployment)
    return [
        {
            "carrier": carrier.name,
            "paused": carrier.paused,
            **_breaker(breakers.state(carrier.name), now_ms),
            "doubts": receipts[carrier.name].doubts() if carrier.name in receipts else [],
        }
        for carrier in deployment.operator.carriers()
    ]


def _receipts(deployment: Deployment) -> dict[str, CarrierReceipts]:
    """Return the carriers' receipts for messages of the last day, over all accounts."""
    query, found = query_of(StatsQuery, {"by": "carrier"}), dict[str, CarrierReceipts]()
    for account in deployment.operator.accounts():
        for group in deployment.stats.stats(account, query)["groups"]:
            receipts = found.setdefault(group["key"], CarrierReceipts())
            receipts.add(group, are_dead=account.dead_numbers)
    return found


def _breaker(state: BreakerState, now_ms: int) -> Row:
    name = "closed"
    if state.open_for_s(now_ms):
        name = "open"
    elif state.is_returning(now_ms):
        name = "half-open"
    return {"breaker": name, "opens_again_s": int(state.open_for_s(now_ms))}


def _due(deployment: Deployment, now_ms: int) -> Iterator[int]:
    """Yield when each task was due that `sweep` has not moved yet, in Unix milliseconds."""
    table = DynamoDueTable(
        deployment.client("dynamodb"), deployment.outputs["DueTableName"], deployment.clock
    )
    cursors = table.cursors()
    for shard in range(SHARDS):
        for page in table.due(shard, cursors.get(shard, ""), now_ms):
            yield from (task.due_ms for task in page)
