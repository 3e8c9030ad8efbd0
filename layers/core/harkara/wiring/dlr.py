"""Build the services of functions/dlr, and pass each task to the service that handles it."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from harkara.aws.accounts import DynamoAccountStore
from harkara.aws.clients import PATIENT, session
from harkara.aws.destinations import KmsDestinations
from harkara.aws.limits import DynamoLimitStore
from harkara.aws.messages import DynamoMessageStore
from harkara.aws.queues import DynamoDueTable, SqsTaskQueues
from harkara.aws.suppressions import DynamoSuppressionList
from harkara.base.ids import RandomFraction
from harkara.base.log_events import EventSink
from harkara.base.time import Clock, Deadline
from harkara.callbacks.posting import CallbackPoster, Destinations
from harkara.callbacks.retries import Attempts
from harkara.callbacks.service import CallbackService
from harkara.links.clicks import ClickService
from harkara.model.events import ClickTask, EventTask
from harkara.model.ledger import Lease
from harkara.model.tasks import (
    CallbackTask,
    CarrierReceiptsTask,
    CheckTask,
    QueueName,
    ReceiptsTask,
    RecoverTask,
    decode_dlr,
)
from harkara.net.callback_poster import ANSWER_LIMIT_BYTES, GuardedResolver, HttpCallbackPoster
from harkara.net.client import HttpClient
from harkara.ports import MessageStore, SuppressionList, TaskQueues
from harkara.receipts.carrier_ids import deliver_named
from harkara.receipts.final_states import DeliverService
from harkara.receipts.reconcile import CheckService
from harkara.receipts.service import CoalesceService
from harkara.runtime import metrics
from harkara.runtime.settings import DlrSettings
from harkara.state.endpoint_health import EndpointHealth
from harkara.state.rates import RateLimiter

CONNECTIONS = 100


class DlrServices(NamedTuple):
    deliver: DeliverService
    callbacks: CallbackService
    check: CheckService
    clicks: ClickService
    coalesce: CoalesceService

    async def handle(self, body: str, lease: Lease, deadline: Deadline) -> Counter[str]:
        """Handle the task of a queue message; return counts of what was done."""
        match decode_dlr(body):
            case ReceiptsTask(receipts, carrier):
                return await self.deliver.deliver(receipts, lease, deadline, carrier)
            case CarrierReceiptsTask() as named:
                return await deliver_named(self.deliver, named, lease, deadline)
            case RecoverTask() as lost:
                return await self.deliver.recover(lost, lease, deadline)
            case CheckTask() as batch:
                return await self.check.check(batch)
            case CallbackTask() as callback:
                return await self.callbacks.call_back(callback, lease, deadline)
            case EventTask() as event:
                return await self.callbacks.post_event(event, lease, deadline)
            case ClickTask() as click:
                return await self.clicks.click(click, lease, deadline)


def wire(
    *,
    store: MessageStore,
    queues: TaskQueues,
    poster: CallbackPoster,
    destinations: Destinations,
    endpoint_health: EndpointHealth,
    suppressions: SuppressionList,
    receipt_wait_s: int,
    retry_delays_s: tuple[int, ...],
    clock: Clock,
    random_fraction: RandomFraction,
    emit: EventSink,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> DlrServices:
    """Build the services from adapters."""
    callbacks = CallbackService(
        attempts=Attempts(store, queues, clock, random_fraction, retry_delays_s, emit),
        poster=poster,
        destinations=destinations,
        endpoint_health=endpoint_health,
        sleep=sleep,
    )
    return DlrServices(
        deliver=DeliverService(store, queues, callbacks, clock, emit, suppressions),
        callbacks=callbacks,
        check=CheckService(store, queues, clock, receipt_wait_s, retry_delays_s),
        clicks=ClickService(store, destinations, callbacks, clock, emit),
        coalesce=CoalesceService(queues),
    )


def on_aws() -> DlrServices:
    """Build the services on AWS."""
    settings = DlrSettings.from_environment()
    aws = session()
    dynamodb = aws.client("dynamodb", config=PATIENT)
    due = DynamoDueTable(dynamodb, settings.due_table, time.time)
    urls = {
        QueueName.SUBMIT: settings.submit_queue_url,
        QueueName.SUBMIT_PRIORITY: settings.submit_priority_queue_url,
        QueueName.RECEIPT: settings.receipt_queue_url,
        QueueName.CALLBACK: settings.callback_queue_url,
    }
    rules = settings.callback_urls
    accounts = DynamoAccountStore(dynamodb, settings.accounts_table, templates=False)
    exchange = HttpClient(
        CONNECTIONS,
        GuardedResolver(rules),
        ANSWER_LIMIT_BYTES,
        settings.callback_connect_timeout_s,
    )
    counted = DynamoLimitStore(dynamodb, settings.messages_table)
    return wire(
        store=DynamoMessageStore(
            dynamodb, settings.messages_table, settings.retention_s, time.time
        ),
        queues=SqsTaskQueues(aws.client("sqs", config=PATIENT), urls, due),
        poster=HttpCallbackPoster(exchange, rules, timeout_s=settings.callback_timeout_s),
        destinations=KmsDestinations(accounts, aws.client("kms", config=PATIENT)),
        endpoint_health=EndpointHealth(
            counted,
            RateLimiter(counted, time.time, random.random),
            time.time,
            concurrency=settings.callback_concurrency,
        ),
        suppressions=DynamoSuppressionList(dynamodb, settings.accounts_table),
        receipt_wait_s=settings.receipt_wait_s,
        retry_delays_s=settings.callback_retry_delays_s,
        clock=time.time,
        random_fraction=random.random,
        emit=metrics.write,
    )
