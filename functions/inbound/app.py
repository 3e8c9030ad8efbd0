"""GET and POST /inbound/{carrier}/{token}: take messages from phones to our numbers.

Next: `harkara.inbound.service`. An opt-out counts in functions/submit at once; functions/dlr posts
replies.
"""

import time
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from harkara.api.responses import carrier_request
from harkara.api.router import Response
from harkara.aws.accounts import DynamoAccountStore, ReceiptSecrets
from harkara.aws.clients import client, prepare
from harkara.aws.last_messages import DynamoLastMessages
from harkara.aws.messages import DynamoMessageStore
from harkara.aws.queues import SqsTaskQueues
from harkara.aws.secrets import secret_keys
from harkara.aws.suppressions import DynamoSuppressionList
from harkara.base.ids import ReferenceSigner
from harkara.base.log_events import Note
from harkara.inbound.replies import ReplyService
from harkara.inbound.service import InboundService
from harkara.model.tasks import QueueName
from harkara.net.sns import confirm
from harkara.receipts.webhook_auth import CarrierDoor
from harkara.runtime import metrics
from harkara.runtime.settings import InboundSettings
from harkara.wiring import new_api

api = new_api()
prepare("dynamodb", "kms", "secretsmanager", "sqs")


@cache
def service() -> InboundService:
    settings = InboundSettings.from_environment()
    dynamodb = client("dynamodb")
    accounts = DynamoAccountStore(dynamodb, settings.accounts_table, templates=False)
    signer = ReferenceSigner(secret_keys(settings.tag_secret_id))
    messages = (dynamodb, settings.messages_table)
    store = DynamoMessageStore(*messages, settings.retention_s, time.time)
    return InboundService(
        door=CarrierDoor(accounts, ReceiptSecrets(client("kms")), metrics.write),
        accounts=accounts,
        lists=DynamoSuppressionList(dynamodb, settings.accounts_table),
        clock=time.time,
        confirm=confirm,
        store=store,
        replies=ReplyService(
            chunks=store,
            last=DynamoLastMessages(*messages, signer, settings.retention_s, time.time),
            queues=SqsTaskQueues(client("sqs"), {QueueName.CALLBACK: settings.callback_queue_url}),
            signer=signer,
        ),
    )


@api.route("/inbound/<carrier>/<token>", "GET", "HEAD", "POST")
def inbound(carrier: str, token: str) -> Response:
    # Kannel escapes a text in the bytes of its own charset.
    request = carrier_request(api.request, errors="surrogateescape")
    counts = service().receive(carrier, token, request)
    metrics.write(Note("inbound messages taken", {}, counts, carrier=carrier))
    # The body stays empty, since a carrier may send it to the phone.
    return Response(200, "text/plain")


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return api.resolve(event, context)
