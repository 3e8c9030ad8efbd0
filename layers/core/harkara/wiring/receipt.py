"""Build the service of functions/receipt."""

import time
from collections.abc import Callable

from harkara.aws.carriers import DynamoCarrierStore, ReceiptSecrets
from harkara.aws.clients import secret_keys, session
from harkara.aws.queues import SqsTaskQueues
from harkara.base.ids import ReferenceSigner
from harkara.base.log_events import EventSink
from harkara.base.time import Clock
from harkara.carriers.settings import CarrierSettings
from harkara.model.tasks import QueueName
from harkara.net.sns import confirm as confirm_subscription
from harkara.ports import CarrierStore, TaskQueues
from harkara.receipts.service import ReceiveService
from harkara.receipts.webhook_auth import WebhookAuthenticator
from harkara.runtime import metrics
from harkara.runtime.settings import ReceiptSettings


def wire(
    *,
    accounts: CarrierStore,
    secret: Callable[[CarrierSettings], bytes],
    queues: TaskQueues,
    signer: ReferenceSigner,
    confirm: Callable[[str], None],
    clock: Clock,
    emit: EventSink,
) -> ReceiveService:
    """Build the service from adapters."""
    return ReceiveService(
        WebhookAuthenticator(accounts, secret, emit), queues, signer, clock, confirm
    )


def on_aws() -> ReceiveService:
    """Build the service on AWS."""
    settings = ReceiptSettings.from_environment()
    aws = session()
    return wire(
        accounts=DynamoCarrierStore(aws.client("dynamodb"), settings.accounts_table),
        secret=ReceiptSecrets(aws.client("kms")),
        queues=SqsTaskQueues(aws.client("sqs"), {QueueName.RECEIPT: settings.receipt_queue_url}),
        signer=ReferenceSigner(secret_keys(settings.tag_secret_id)),
        confirm=confirm_subscription,
        clock=time.time,
        emit=metrics.write,
    )
