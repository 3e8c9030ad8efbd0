"""SubmitQueue: submit the messages of a message batch to their carrier.

Next: `harkara.submit.service`; the carrier's receipts arrive at functions/receipt.
"""

import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from harkara.aws.accounts import DynamoAccountStore
from harkara.aws.carriers import CarrierDirectory
from harkara.aws.clients import PATIENT, client
from harkara.aws.due import DynamoDueTable
from harkara.aws.last_messages import DynamoLastMessages
from harkara.aws.limits import DynamoLimitStore
from harkara.aws.messages import DynamoMessageStore
from harkara.aws.queues import SqsTaskQueues
from harkara.aws.routing import DynamoRoutingStore
from harkara.aws.secrets import secret_keys
from harkara.aws.sms import AwsTextExchange
from harkara.aws.suppressions import DynamoSuppressionList
from harkara.base.deadline import Deadline
from harkara.base.exchanges import Outside
from harkara.base.ids import ReferenceSigner
from harkara.model.ledger import Claimant
from harkara.model.submit_tasks import decode_submit
from harkara.model.tasks import QueueName
from harkara.net.client import HttpClient
from harkara.runtime import metrics
from harkara.runtime.settings import SubmitSettings
from harkara.runtime.sqs_batches import consume
from harkara.state.circuit_breaker import Breakers
from harkara.state.rates import Pace
from harkara.submit.dispatch import HandOver
from harkara.submit.planner import Router
from harkara.submit.service import SubmitService

# For the process, over all its carriers; each carrier has its own limit.
CONNECTIONS = 512


@cache
def service() -> SubmitService:
    settings = SubmitSettings.from_environment()
    dynamodb = client("dynamodb", config=PATIENT)
    queues = {
        QueueName.SUBMIT: settings.submit_queue_url,
        QueueName.SUBMIT_PRIORITY: settings.submit_priority_queue_url,
        QueueName.RECEIPT: settings.receipt_queue_url,
    }
    due = DynamoDueTable(dynamodb, settings.due_table, time.time)
    store = DynamoMessageStore(dynamodb, settings.messages_table, settings.retention_s, time.time)
    counted = DynamoLimitStore(dynamodb, settings.messages_table)
    signer = ReferenceSigner(secret_keys(settings.tag_secret_id))
    breakers = Breakers(counted, time.time, random.random, metrics.write)
    carriers = CarrierDirectory(
        DynamoAccountStore(dynamodb, settings.accounts_table),
        client("kms", config=PATIENT),
        Outside(HttpClient(CONNECTIONS), AwsTextExchange(CONNECTIONS, time.time)),
    )
    return SubmitService(
        store=store,
        queues=SqsTaskQueues(client("sqs", config=PATIENT), queues, due),
        router=Router(
            store=DynamoRoutingStore(dynamodb, settings.accounts_table),
            carrier=carriers,
            breakers=breakers,
            pace=Pace(counted, time.time, random.random),
            clock=time.time,
        ),
        hand=HandOver(
            store=store,
            signer=signer,
            clock=time.time,
            breakers=breakers,
            suppressions=DynamoSuppressionList(dynamodb, settings.accounts_table),
            notes=metrics.write,
        ),
        clock=time.time,
        luck=random.random,
        receipt_wait_s=settings.receipt_wait_s,
        notes=metrics.write,
        last=DynamoLastMessages(
            dynamodb, settings.messages_table, signer, settings.retention_s, time.time
        ),
    )


async def submit(body: str, claimant: Claimant, deadline: Deadline) -> Counter[str]:
    return await service().submit(decode_submit(body), claimant, deadline)


def set_checks(bodies: Mapping[str, str]) -> Mapping[str, str]:
    return service().checks.set_together(bodies)


def put_back(queue_arn: str, delays_s: Sequence[tuple[str, int]]) -> None:
    service().queues.put_back(queue_arn, delays_s)


def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    return consume(event, context, submit, prepare=set_checks, put_back=put_back)
