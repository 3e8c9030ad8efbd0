"""Build the service of functions/inbound."""

import time
from collections.abc import Callable

from harkara.aws.carriers import DynamoCarrierStore, ReceiptSecrets
from harkara.aws.clients import secret_keys, session
from harkara.aws.messages import DynamoLastMessages, DynamoMessageStore
from harkara.aws.queues import SqsTaskQueues
from harkara.aws.suppressions import DynamoSuppressionList
from harkara.base.ids import ReferenceSigner
from harkara.base.log_events import EventSink
from harkara.base.time import Clock
from harkara.carriers.settings import CarrierSettings
from harkara.inbound.replies import ReplyService
from harkara.inbound.service import InboundService
from harkara.model.tasks import QueueName
from harkara.net.sns import confirm as confirm_subscription
from harkara.ports import CarrierStore, LastMessages, MessageStore, SuppressionList, TaskQueues
from harkara.receipts.webhook_auth import WebhookAuthenticator
from harkara.runtime import metrics
from harkara.runtime.settings import InboundSettings


def wire(
    *,
    accounts: CarrierStore,
    secret: Callable[[CarrierSettings], bytes],
    suppressions: SuppressionList,
    store: MessageStore,
    last: LastMessages,
    queues: TaskQueues,
    signer: ReferenceSigner,
    confirm: Callable[[str], None],
    clock: Clock,
    emit: EventSink,
) -> InboundService:
    """Build the service from adapters."""
    return InboundService(
        authenticator=WebhookAuthenticator(accounts, secret, emit),
        accounts=accounts,
        lists=suppressions,
        clock=clock,
        confirm=confirm,
        store=store,
        replies=ReplyService(store, last, queues, signer),
    )


def on_aws() -> InboundService:
    """Build the service on AWS."""
    settings = InboundSettings.from_environment()
    aws = session()
    dynamodb = aws.client("dynamodb")
    messages = (dynamodb, settings.messages_table)
    signer = ReferenceSigner(secret_keys(settings.tag_secret_id))
    return wire(
        accounts=DynamoCarrierStore(dynamodb, settings.accounts_table, templates=False),
        secret=ReceiptSecrets(aws.client("kms")),
        suppressions=DynamoSuppressionList(dynamodb, settings.accounts_table),
        store=DynamoMessageStore(*messages, settings.retention_s, time.time),
        last=DynamoLastMessages(*messages, signer, settings.retention_s, time.time),
        queues=SqsTaskQueues(aws.client("sqs"), {QueueName.CALLBACK: settings.callback_queue_url}),
        signer=signer,
        confirm=confirm_subscription,
        clock=time.time,
        emit=metrics.write,
    )
