"""Every minute: move due tasks from the Due table to their queues (late retries, checks).

Next: `harkara.scheduler`. Several invocations share the shards of the table: the event of each
names its shards.
"""

import asyncio
import time
from contextlib import closing
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from harkara.aws.clients import PATIENT, client
from harkara.aws.due import DynamoDueTable
from harkara.aws.queues import SqsTaskQueues
from harkara.base.deadline import Threads, invocation
from harkara.model.tasks import QueueName
from harkara.ports import SHARDS
from harkara.runtime import metrics
from harkara.runtime.settings import SweepSettings
from harkara.scheduler import CALLS, SweepService


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
        calls=Threads(CALLS, "sweep"),
    )


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    shards = set(event.get("shards", range(SHARDS)))
    if not shards or not shards <= set(range(SHARDS)):
        raise ValueError(f"`shards` is a list of numbers below {SHARDS}; leave it out for all")
    with closing(asyncio.new_event_loop()) as loop, invocation(context) as deadline:
        sweep = service().sweep(deadline, sorted(shards))
        return {"enqueued": loop.run_until_complete(sweep)}
