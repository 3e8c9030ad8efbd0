"""GET and POST /receipts/{carrier}/{token}: what became of a message, as its carrier says.

Next: `harkara.services.receive`, which enqueues for functions/dlr.
"""

import time
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from harkara.api import new_api, ok
from harkara.aws.accounts import DynamoAccountStore
from harkara.aws.clients import client, prepare
from harkara.aws.queues import SqsTaskQueues
from harkara.aws.secrets import deployment_secret
from harkara.ids import ReferenceSigner
from harkara.ports import ReceiptRequest
from harkara.router import Response
from harkara.runtime import logger
from harkara.services.receive import ReceiveService
from harkara.settings import ReceiptSettings
from harkara.tasks import QueueName

api = new_api()
prepare("dynamodb", "secretsmanager", "sqs")


@cache
def service() -> ReceiveService:
    settings = ReceiptSettings.from_environment()
    queues = {QueueName.RECEIPT: settings.receipt_queue_url}
    return ReceiveService(
        accounts=DynamoAccountStore(client("dynamodb"), settings.accounts_table),
        queues=SqsTaskQueues(client("sqs"), queues),
        signer=ReferenceSigner(deployment_secret(settings.tag_secret_id)),
        clock=time.time,
    )


@api.route("/receipts/<carrier>/<token>", "GET", "POST")
def receipts(carrier: str, token: str) -> Response:
    request = ReceiptRequest(query=api.request.query, body=api.request.body)
    received = service().receive(carrier, token, request)
    counts = {
        "receipts": len(received.receipts),
        "intermediate": received.intermediate_count,
        "foreign": received.foreign_count,
    }
    logger.info("receipts enqueued", carrier=carrier, counts=counts)
    return ok({"status": True, **counts})


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return api.resolve(event, context)
