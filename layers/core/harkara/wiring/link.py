"""Build the service of functions/link."""

import time

from harkara.aws.clients import secret_keys, session
from harkara.aws.messages import DynamoMessageStore
from harkara.aws.queues import SqsTaskQueues
from harkara.base.time import Clock
from harkara.links.codec import LinkSigner
from harkara.links.shorten import LinkService
from harkara.model.tasks import QueueName
from harkara.ports import MessageStore, TaskQueues
from harkara.runtime.settings import LinkSettings


def wire(
    *, store: MessageStore, queues: TaskQueues, signer: LinkSigner, clock: Clock
) -> LinkService:
    """Build the service from adapters."""
    return LinkService(store, queues, signer, clock)


def on_aws() -> LinkService:
    """Build the service on AWS."""
    settings = LinkSettings.from_environment()
    aws = session()
    return wire(
        # This store only reads, so its retention (0) does not matter.
        store=DynamoMessageStore(aws.client("dynamodb"), settings.messages_table, 0, time.time),
        queues=SqsTaskQueues(aws.client("sqs"), {QueueName.CALLBACK: settings.callback_queue_url}),
        signer=LinkSigner(secret_keys(settings.link_secret_id)),
        clock=time.time,
    )
