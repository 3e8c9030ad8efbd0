"""Build the service of functions/submit."""

import asyncio
import os
import random
import time
from collections.abc import Awaitable, Callable

from harkara.aws.carriers import (
    CarrierDirectory,
    DynamoCarrierStore,
    DynamoRoutingStore,
    KmsTokenCipher,
)
from harkara.aws.clients import PATIENT, secret_keys, session
from harkara.aws.limits import DynamoLimitStore
from harkara.aws.messages import DynamoLastMessages, DynamoMessageStore
from harkara.aws.queues import DynamoDueTable, SqsTaskQueues
from harkara.aws.sms import AwsTextExchange
from harkara.aws.suppressions import DynamoSuppressionList
from harkara.base.errors import Outside
from harkara.base.ids import RandomFraction, ReferenceSigner
from harkara.base.log_events import EventSink
from harkara.base.time import Clock
from harkara.carriers.contract import Connected
from harkara.model.tasks import QueueName
from harkara.net.client import HttpClient
from harkara.ports import LastMessages, MessageStore, RoutingStore, SuppressionList, TaskQueues
from harkara.runtime import metrics
from harkara.runtime.settings import SubmitSettings
from harkara.state.circuit_breaker import CircuitBreakers
from harkara.state.rates import RateLimiter
from harkara.state.rcs_months import RcsMonths
from harkara.state.stores import CountedStore
from harkara.state.tokens import CarrierTokens
from harkara.submit.dispatch import Dispatch
from harkara.submit.fallbacks import Fallbacks
from harkara.submit.follow_up import FollowUp
from harkara.submit.outcomes import BlockAttempts
from harkara.submit.planner import Planner
from harkara.submit.service import SubmitService

# For the process, over all its carriers; each carrier has its own limit.
CONNECTIONS = 512


def wire(
    *,
    store: MessageStore,
    queues: TaskQueues,
    routing: RoutingStore,
    carrier: Callable[[str], Awaitable[Connected]],
    counted: CountedStore,
    suppressions: SuppressionList,
    last: LastMessages,
    signer: ReferenceSigner,
    receipt_wait_s: int,
    clock: Clock,
    random_fraction: RandomFraction,
    emit: EventSink,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> SubmitService:
    """Build the service from adapters. Dispatch and planner share the circuit breakers."""
    circuit_breakers = CircuitBreakers(counted, clock, random_fraction, emit)
    rate_limiter = RateLimiter(counted, clock, random_fraction)
    planner = Planner(routing, carrier, circuit_breakers, rate_limiter, clock)
    months = RcsMonths(
        counted, clock, lambda account_id, number: signer.pseudonyms("rcs", account_id, number)[-1]
    )
    dispatch = Dispatch(store, signer, clock, circuit_breakers, suppressions, emit, months)
    fallbacks = Fallbacks(store, queues, carrier, signer, clock, emit)
    return SubmitService(
        store=store,
        queues=queues,
        planner=planner,
        attempts=BlockAttempts(store, planner, dispatch, clock),
        follow_up=FollowUp(queues, last, clock, random_fraction, emit, fallbacks),
        clock=clock,
        receipt_wait_s=receipt_wait_s,
        sleep=sleep,
    )


def on_aws() -> SubmitService:
    """Build the service on AWS. Raises StoreUnavailable if a secret cannot be read."""
    settings = SubmitSettings.from_environment()
    aws = session()
    dynamodb = aws.client("dynamodb", config=PATIENT)
    urls = {
        QueueName.SUBMIT: settings.submit_queue_url,
        QueueName.SUBMIT_PRIORITY: settings.submit_priority_queue_url,
        QueueName.RECEIPT: settings.receipt_queue_url,
        QueueName.CALLBACK: settings.callback_queue_url,
    }
    due = DynamoDueTable(dynamodb, settings.due_table, time.time)
    messages = (dynamodb, settings.messages_table)
    tags = secret_keys(settings.tag_secret_id)
    tags.all()  # signing must not fail once a block is claimed
    signer = ReferenceSigner(tags)
    counted = DynamoLimitStore(*messages)
    kms = aws.client("kms", config=PATIENT)
    cipher = KmsTokenCipher(kms, settings.secrets_key_id)
    tokens = CarrierTokens(counted, cipher, time.time, os.urandom, metrics.write)
    return wire(
        store=DynamoMessageStore(*messages, settings.retention_s, time.time),
        queues=SqsTaskQueues(aws.client("sqs", config=PATIENT), urls, due),
        routing=DynamoRoutingStore(dynamodb, settings.accounts_table),
        carrier=CarrierDirectory(
            DynamoCarrierStore(dynamodb, settings.accounts_table),
            kms,
            Outside(HttpClient(CONNECTIONS), AwsTextExchange(CONNECTIONS, time.time), tokens),
        ),
        counted=counted,
        suppressions=DynamoSuppressionList(dynamodb, settings.accounts_table),
        last=DynamoLastMessages(*messages, signer, settings.retention_s, time.time),
        signer=signer,
        receipt_wait_s=settings.receipt_wait_s,
        clock=time.time,
        random_fraction=random.random,
        emit=metrics.write,
    )
