"""Status: the queues, the carriers, and the due tasks."""

from collections.abc import Iterator

from cli import carriers
from cli.command import noun, verb
from cli.deployment import Deployment
from cli.printing import Answer, Row
from cli.queues import rows_of
from harkara.aws.queues import DynamoDueTable
from harkara.ports import SHARDS

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
    return [
        {
            "carrier": each.settings.name,
            "paused": each.settings.paused,
            "breaker": each.breaker.phase(now_ms),
            "opens_again_s": int(each.breaker.open_for_s(now_ms)),
            "doubts": each.doubts,
        }
        for each in carriers.service(deployment).standings()
    ]


def _due(deployment: Deployment, now_ms: int) -> Iterator[int]:
    """Yield when each task was due that `sweep` has not moved yet, in Unix milliseconds."""
    table = DynamoDueTable(
        deployment.client("dynamodb"), deployment.outputs["DueTableName"], deployment.clock
    )
    cursors = table.cursors()
    for shard in range(SHARDS):
        for page in table.due(shard, cursors.get(shard, ""), now_ms):
            yield from (task.due_ms for task in page)
