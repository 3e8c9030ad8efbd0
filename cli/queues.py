"""Queues: their tasks and dead letters, which SQS can move back."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from cli.command import noun, verb
from cli.deployment import Deployment
from cli.printing import Answer, Row
from cli.users import by
from harkara.aws.clients import aws_errors
from harkara.aws.redrive import SqsQueues
from harkara.base.time import utc_text
from harkara.manage.queues import ACTIVITY_FAILURES, NAMES, QueueService, QueueUrls
from harkara.model.tasks import QueueName

app = noun()
_AGE = "ApproximateAgeOfOldestMessage"
# CloudWatch has a queue's age of each minute a few minutes later.
_AGE_WITHIN = timedelta(minutes=10)
# The first part of the names of a queue's outputs.
_QUEUES = {
    QueueName.SUBMIT: "Submit",
    QueueName.SUBMIT_PRIORITY: "SubmitPriority",
    QueueName.RECEIPT: "Receipt",
    QueueName.CALLBACK: "Callback",
    QueueName.EXPORT: "Export",
}

Queue = Annotated[str, typer.Argument(metavar="QUEUE", help=f"One of {', '.join(NAMES)}.")]


@verb(app)
def list_(deployment: Deployment) -> Answer:
    """List the queues, with how many tasks wait in each or are dead letters.

    As `harkara status` does, which says what the columns mean.
    """
    return rows_of(deployment)


@verb(app)
def show(deployment: Deployment, queue: Queue) -> Answer:
    """Show up to ten dead letters of a queue, without their content, and its last redrives.

    They stay where they are; only SQS's count of receives grows. SQS deletes them at `kept_until`.
    """
    service = _service(deployment)
    return {
        **service.state(queue)._asdict(),
        "dead_letters": [
            {
                "id": each.id,
                "kind": each.task.kind,
                "account": each.task.account_id,
                "messages": [*each.task.mids, *each.task.batch_ids],
                "sent": utc_text(each.sent_ms),
                "first_received": utc_text(each.first_received_ms),
                "receives": each.receives,
                "kept_until": utc_text(each.kept_until_ms),
            }
            for each in service.dead_letters(queue)
        ],
        "redrives": [
            {
                "started": utc_text(each.started_ms),
                "state": each.status.lower(),
                "moved": each.moved,
                "of": each.total,
                "reason": each.failure,
            }
            for each in service.moves(queue)
        ],
    }


@verb(app, asks="Move all dead letters of the queue {queue} back to be done again?")
def redrive(
    deployment: Deployment,
    queue: Queue,
    rate: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="The most messages a second, 1 to 500; SQS decides, if absent."
        ),
    ] = None,
) -> Answer:
    """Let SQS move a queue's dead letters back; mend first what made them fail.

    Nothing is done twice by it. `show` has the progress.
    """
    _service(deployment).redrive(queue, rate)
    deployment.people.record(by(), "queue.redrive", queue, "")
    return {"redriven": queue}


@verb(app)
def cancel(deployment: Deployment, queue: Queue) -> Answer:
    """Stop the redrive of a queue; moved tasks stay in the queue."""
    _service(deployment).cancel(queue)
    deployment.people.record(by(), "queue.cancel", queue, "")
    return {"cancelled": queue}


def rows_of(deployment: Deployment) -> list[Row]:
    """Return the state of each queue, with the age of its oldest task, which only AWS measures."""
    ages = {} if deployment.is_local else _ages(deployment)
    rows = list[Row]()
    for state in _service(deployment).states():
        row = state._asdict()
        dead = row.pop("dead")
        rows.append({**row, "oldest_s": ages.get(state.queue), "dead": dead})
    return rows


def _service(deployment: Deployment) -> QueueService:
    outputs = deployment.outputs
    urls: dict[str, QueueUrls] = {
        name: QueueUrls(outputs[f"{output}QueueUrl"], outputs[f"{output}DeadLettersUrl"])
        for name, output in _QUEUES.items()
    }
    urls[ACTIVITY_FAILURES] = QueueUrls("", outputs["ActivityFailuresUrl"])
    return QueueService(urls, SqsQueues(deployment.client("sqs")), deployment.messages)


def _ages(deployment: Deployment) -> dict[str, int]:
    """Return the age of the oldest task of each queue that has a recent one, in seconds."""
    now = datetime.fromtimestamp(deployment.clock(), UTC)
    queries = [
        {
            "Id": name.value,
            "Label": name.value,
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/SQS",
                    "MetricName": _AGE,
                    "Dimensions": [
                        {
                            "Name": "QueueName",
                            "Value": deployment.outputs[f"{output}QueueUrl"].rpartition("/")[2],
                        }
                    ],
                },
                "Period": 60,
                "Stat": "Maximum",
            },
        }
        for name, output in _QUEUES.items()
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
