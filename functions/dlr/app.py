"""ReceiptQueue, CallbackQueue: write final states and post callbacks. A message's path ends here.

Next: `harkara.receipts.final_states` for receipts (before it `harkara.receipts.coalesce`, for
receipts that came one by one), `harkara.callbacks.service` for callbacks that wait or are retried,
`harkara.receipts.reconcile` for message batches that wait for receipts.
"""

import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from aws_lambda_powertools.utilities.typing import LambdaContext

from harkara.aws.accounts import DynamoAccountStore
from harkara.aws.clients import PATIENT, client
from harkara.aws.destinations import KmsDestinations
from harkara.aws.due import DynamoDueTable
from harkara.aws.limits import DynamoLimitStore
from harkara.aws.messages import DynamoMessageStore
from harkara.aws.queues import SqsTaskQueues
from harkara.base.deadline import Deadline
from harkara.callbacks.retries import Attempts
from harkara.callbacks.service import CallbackService
from harkara.links.clicks import ClickService
from harkara.model.ledger import Claimant
from harkara.model.tasks import (
    CallbackTask,
    CarrierReceiptsTask,
    CheckTask,
    ClickTask,
    EventTask,
    QueueName,
    ReceiptsTask,
    RecoverTask,
    decode_dlr,
)
from harkara.net.callback_poster import ANSWER_LIMIT_BYTES, GuardedResolver, HttpCallbackPoster
from harkara.net.client import HttpClient
from harkara.receipts.carrier_ids import deliver_named
from harkara.receipts.coalesce import JoinService
from harkara.receipts.final_states import DeliverService
from harkara.receipts.reconcile import CheckService
from harkara.runtime import metrics
from harkara.runtime.settings import DlrSettings
from harkara.runtime.sqs_batches import consume
from harkara.state.endpoint_health import Doors
from harkara.state.rates import Pace

CONNECTIONS = 100


class Services(NamedTuple):
    deliver: DeliverService
    callbacks: CallbackService
    check: CheckService
    clicks: ClickService
    joins: JoinService


@cache
def services() -> Services:
    settings = DlrSettings.from_environment()
    dynamodb = client("dynamodb", config=PATIENT)
    store = DynamoMessageStore(dynamodb, settings.messages_table, settings.retention_s, time.time)
    due = DynamoDueTable(dynamodb, settings.due_table, time.time)
    urls = {
        QueueName.RECEIPT: settings.receipt_queue_url,
        QueueName.CALLBACK: settings.callback_queue_url,
    }
    queues = SqsTaskQueues(client("sqs", config=PATIENT), urls, due)
    rules = settings.callback_urls
    accounts = DynamoAccountStore(dynamodb, settings.accounts_table, templates=False)
    exchange = HttpClient(
        CONNECTIONS,
        GuardedResolver(rules),
        ANSWER_LIMIT_BYTES,
        settings.callback_connect_timeout_s,
    )
    counted = DynamoLimitStore(dynamodb, settings.messages_table)
    callbacks = CallbackService(
        attempts=Attempts(
            store=store,
            queues=queues,
            clock=time.time,
            luck=random.random,
            retry_delays_s=settings.callback_retry_delays_s,
            notes=metrics.write,
        ),
        poster=HttpCallbackPoster(exchange, rules, timeout_s=settings.callback_timeout_s),
        destinations=KmsDestinations(accounts, client("kms", config=PATIENT)),
        doors=Doors(
            counted,
            Pace(counted, time.time, random.random),
            time.time,
            concurrency=settings.callback_concurrency,
        ),
    )
    return Services(
        deliver=DeliverService(store, queues, callbacks, time.time, metrics.write),
        callbacks=callbacks,
        check=CheckService(
            store=store,
            queues=queues,
            clock=time.time,
            receipt_wait_s=settings.receipt_wait_s,
            retry_delays_s=settings.callback_retry_delays_s,
        ),
        clicks=ClickService(store, callbacks.destinations, callbacks, time.time, metrics.write),
        joins=JoinService(queues),
    )


async def dlr(body: str, claimant: Claimant, deadline: Deadline) -> Counter[str]:
    deliver, callbacks, check, clicks, _ = services()
    match decode_dlr(body):
        case ReceiptsTask(receipts, carrier):
            return await deliver.deliver(receipts, claimant, deadline, carrier)
        case CarrierReceiptsTask() as named:
            return await deliver_named(deliver, named, claimant, deadline)
        case RecoverTask() as lost:
            return await deliver.recover(lost, claimant, deadline)
        case CheckTask() as chunk:
            return await check.check(chunk)
        case CallbackTask() as callback:
            return await callbacks.call_back(callback, claimant, deadline)
        case EventTask() as event:
            return await callbacks.post_event(event, claimant, deadline)
        case ClickTask() as click:
            return await clicks.click(click, claimant, deadline)


def join(bodies: Mapping[str, str]) -> set[str]:
    *_, joins = services()
    return joins.join(bodies)


def put_back(queue_arn: str, delays_s: Sequence[tuple[str, int]]) -> None:
    deliver, *_ = services()
    deliver.queues.put_back(queue_arn, delays_s)


def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    return consume(event, context, dlr, join=join, put_back=put_back)
