"""GET and POST /receipts/{carrier}/{token}: take a carrier's reports on messages.

Next: `harkara.receipts.service`, which enqueues for functions/dlr.
"""

import time
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from harkara.api.responses import carrier_request
from harkara.api.router import Response
from harkara.aws.accounts import DynamoAccountStore, ReceiptSecrets
from harkara.aws.clients import client, prepare
from harkara.aws.queues import SqsTaskQueues
from harkara.aws.secrets import secret_keys
from harkara.base.ids import ReferenceSigner, split_mid
from harkara.base.log_events import Note
from harkara.model.tasks import QueueName
from harkara.net.sns import confirm
from harkara.receipts.service import ReceiveService
from harkara.receipts.webhook_auth import CarrierDoor
from harkara.runtime import metrics
from harkara.runtime.settings import ReceiptSettings
from harkara.wiring import new_api

api = new_api()
prepare("dynamodb", "kms", "secretsmanager", "sqs")


@cache
def service() -> ReceiveService:
    settings = ReceiptSettings.from_environment()
    queues = {QueueName.RECEIPT: settings.receipt_queue_url}
    return ReceiveService(
        door=CarrierDoor(
            DynamoAccountStore(client("dynamodb"), settings.accounts_table),
            ReceiptSecrets(client("kms")),
            metrics.write,
        ),
        queues=SqsTaskQueues(client("sqs"), queues),
        signer=ReferenceSigner(secret_keys(settings.tag_secret_id)),
        clock=time.time,
        confirm=confirm,
    )


@api.route("/receipts/<carrier>/<token>", "GET", "HEAD", "POST")
def receipts(carrier: str, token: str) -> Response:
    received, heard = service().receive(carrier, token, carrier_request(api.request))
    counts = {
        "receipts": len(received.receipts) + len(received.by_carrier_id),
        "by_carrier_id": len(received.by_carrier_id),
        "intermediate": received.intermediate_count,
        "foreign": received.foreign_count,
        "unknown_states": received.unknown_count,
        "replaced_times": received.replaced_time_count,
    }
    done = "subscription confirmed" if received.confirm_url else "receipts enqueued"
    chunks = sorted({split_mid(receipt.mid)[0] for receipt in received.receipts})
    metrics.write(Note(done, {"chunks": chunks}, counts, carrier=carrier))
    return Response(heard.status, heard.headers["content-type"], heard.body.decode())


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return api.resolve(event, context)
