"""Every minute: what is due in the Due table goes into its queue (late retries, checks)."""

import time
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from harkara import metrics
from harkara.aws.clients import PATIENT, client
from harkara.aws.due import DynamoDueTable
from harkara.aws.queues import SqsTaskQueues
from harkara.runtime import deadline_of
from harkara.services.sweep import SweepService
from harkara.settings import SweepSettings
from harkara.tasks import QueueName


@cache
def service() -> SweepService:
    settings = SweepSettings.from_environment()
    queues = {
        QueueName.SUBMIT: settings.submit_queue_url,
        QueueName.SUBMIT_PRIORITY: settings.submit_priority_queue_url,
        QueueName.RECEIPT: settings.receipt_queue_url,
        QueueName.CALLBACK: settings.callback_queue_url,
    }
    due = DynamoDueTable(client("dynamodb", config=PATIENT), settings.due_table, time.time)
    return SweepService(
        due=due,
        queues=SqsTaskQueues(client("sqs", config=PATIENT), queues, due),
        clock=time.time,
        notes=metrics.write,
    )


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    return {"enqueued": service().sweep(deadline_of(context))}
