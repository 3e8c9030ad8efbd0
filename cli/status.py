"""Status: the queues, the carriers, and the due tasks."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from cli import carriers
from cli.command import noun, verb
from cli.deployment import Deployment
from cli.printing import Answer, Row
from harkara.aws.clients import aws_errors
from harkara.aws.queues import DynamoDueTable
from harkara.ports import SHARDS

app = noun()
QUEUES = ("Submit", "SubmitPriority", "Receipt", "Callback", "Export")
_COUNTS = ("", "NotVisible", "Delayed")
_AGE = "ApproximateAgeOfOldestMessage"
# CloudWatch has a queue's age of each minute a few minutes later.
_AGE_WITHIN = timedelta(minutes=10)


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
        "queues": _queues(deployment),
        "carriers": _carriers(deployment, now_ms),
    }


def _queues(deployment: Deployment) -> list[Row]:
    ages, rows = {} if deployment.is_local else _ages(deployment), list[Row]()
    for name in QUEUES:
        waiting, taken, delayed = _counts(deployment, f"{name}QueueUrl")
        dead = sum(_counts(deployment, f"{name}DeadLettersUrl"))
        rows.append(
            {
                "queue": name,
                "waiting": waiting,
                "taken": taken,
                "delayed": delayed,
                "oldest_s": ages.get(name),
                "dead": dead,
            }
        )
    return rows


def _counts(deployment: Deployment, output: str) -> list[int]:
    """Return how many tasks of a queue wait, are being worked on, and are delayed."""
    names = [f"ApproximateNumberOfMessages{each}" for each in _COUNTS]
    with aws_errors():
        answer = deployment.client("sqs").get_queue_attributes(
            QueueUrl=deployment.outputs[output], AttributeNames=names
        )
    return [int(answer["Attributes"][name]) for name in names]


def _ages(deployment: Deployment) -> dict[str, int]:
    """Return the age of the oldest task of each queue that has a recent one, in seconds."""
    now = datetime.fromtimestamp(deployment.clock(), UTC)
    queries = [
        {
            "Id": name.lower(),
            "Label": name,
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/SQS",
                    "MetricName": _AGE,
                    "Dimensions": [
                        {
                            "Name": "QueueName",
                            "Value": deployment.outputs[f"{name}QueueUrl"].rpartition("/")[2],
                        }
                    ],
                },
                "Period": 60,
                "Stat": "Maximum",
            },
        }
        for name in QUEUES
    ]
    with aws_errors():
        answer = deployment.client("cloudwatch").get_metric_data(
            MetricDataQueries=queries, StartTime=now - _AGE_WITHIN, EndTime=now
        )
    # The newest value is the first.
    return {
        each["Label"]: int(each["Values"][0])
        for each in answer["MetricDataResults"]
        if each["Values"]
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
