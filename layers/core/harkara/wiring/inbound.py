"""Build the service of functions/inbound."""

import os
import time
from collections.abc import Callable
from typing import NoReturn

from harkara.accept.service import AcceptService
from harkara.aws.carriers import DynamoCarrierStore, ReceiptSecrets
from harkara.aws.clients import secret_keys, session
from harkara.aws.messages import DynamoLastMessages, DynamoMessageStore
from harkara.aws.queues import SqsTaskQueues
from harkara.aws.registry import DynamoRegistry
from harkara.aws.suppressions import DynamoSuppressionList
from harkara.base.ids import RandomIds, Randomness, ReferenceSigner
from harkara.base.log_events import EventSink
from harkara.base.time import Clock
from harkara.carriers.settings import CarrierSettings
from harkara.inbound.answers import AnswerService
from harkara.inbound.replies import ReplyService
from harkara.inbound.service import InboundService
from harkara.links.shorten import LinkMaker
from harkara.model.callbacks import UrlRules
from harkara.model.tasks import QueueName
from harkara.net.sns import confirm as confirm_subscription
from harkara.ports import (
    BatchStore,
    CarrierStore,
    LastMessages,
    Registry,
    SuppressionList,
    TaskQueues,
)
from harkara.receipts.webhook_auth import WebhookAuthenticator
from harkara.runtime import metrics
from harkara.runtime.settings import InboundSettings


def wire(
    *,
    accounts: CarrierStore,
    secret: Callable[[CarrierSettings], bytes],
    suppressions: SuppressionList,
    registry: Registry,
    store: BatchStore,
    last: LastMessages,
    queues: TaskQueues,
    signer: ReferenceSigner,
    confirm: Callable[[str], None],
    clock: Clock,
    randomness: Randomness,
    emit: EventSink,
) -> InboundService:
    """Build the service from adapters."""
    acceptance = AcceptService(
        batches=store,
        queues=queues,
        names=RandomIds(clock, randomness),
        links=LinkMaker(store, _no_links),
        callback_urls=UrlRules(),
    )
    return InboundService(
        authenticator=WebhookAuthenticator(accounts, secret, emit),
        accounts=accounts,
        lists=suppressions,
        clock=clock,
        confirm=confirm,
        store=store,
        replies=ReplyService(store, last, queues, signer),
        answers=AnswerService(
            acceptance=acceptance,
            registry=registry,
            store=store,
            lists=suppressions,
            signer=signer,
            clock=clock,
            randomness=randomness,
            emit=emit,
        ),
    )


def _no_links() -> NoReturn:
    raise AssertionError("answers have no short links")


def on_aws() -> InboundService:
    """Build the service on AWS."""
    settings = InboundSettings.from_environment()
    aws = session()
    dynamodb = aws.client("dynamodb")
    messages = (dynamodb, settings.messages_table)
    signer = ReferenceSigner(secret_keys(settings.tag_secret_id))
    urls = {
        QueueName.CALLBACK: settings.callback_queue_url,
        QueueName.SUBMIT: settings.submit_queue_url,
        QueueName.SUBMIT_PRIORITY: settings.submit_priority_queue_url,
    }
    return wire(
        accounts=DynamoCarrierStore(dynamodb, settings.accounts_table, templates=False),
        secret=ReceiptSecrets(aws.client("kms")),
        suppressions=DynamoSuppressionList(dynamodb, settings.accounts_table),
        registry=DynamoRegistry(dynamodb, settings.accounts_table),
        store=DynamoMessageStore(*messages, settings.retention_s, time.time),
        last=DynamoLastMessages(*messages, signer, settings.retention_s, time.time),
        queues=SqsTaskQueues(aws.client("sqs"), urls),
        signer=signer,
        confirm=confirm_subscription,
        clock=time.time,
        randomness=os.urandom,
        emit=metrics.write,
    )
