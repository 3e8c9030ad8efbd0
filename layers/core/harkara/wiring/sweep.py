"""Build the service of functions/sweep."""

import time
from concurrent.futures import Executor

from harkara.aws.clients import PATIENT, session
from harkara.aws.queues import DynamoDueTable, SqsTaskQueues
from harkara.base.log_events import EventSink
from harkara.base.time import Clock, Threads
from harkara.model.tasks import QueueName
from harkara.ports import DueTable, TaskQueues
from harkara.runtime import metrics
from harkara.runtime.settings import SweepSettings
from harkara.scheduler import CALLS, SweepService


def wire(
    *, due: DueTable, queues: TaskQueues, calls: Executor, clock: Clock, emit: EventSink
) -> SweepService:
    """Build the service from adapters."""
    return SweepService(due, queues, clock, emit, calls)


def on_aws() -> SweepService:
    """Build the service on AWS."""
    settings = SweepSettings.from_environment()
    aws = session()
    urls = {
        QueueName.SUBMIT: settings.submit_queue_url,
        QueueName.SUBMIT_PRIORITY: settings.submit_priority_queue_url,
        QueueName.RECEIPT: settings.receipt_queue_url,
        QueueName.CALLBACK: settings.callback_queue_url,
    }
    due = DynamoDueTable(aws.client("dynamodb", config=PATIENT), settings.due_table, time.time)
    return wire(
        due=due,
        queues=SqsTaskQueues(aws.client("sqs", config=PATIENT), urls, due),
        calls=Threads(CALLS, "sweep"),
        clock=time.time,
        emit=metrics.write,
    )
