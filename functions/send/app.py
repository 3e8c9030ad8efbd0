"""POST /datasend: the platform's records in, mids out. The way of a message begins here.

Next: `harkara.services.accept`, which enqueues for functions/submit.
"""

import os
import time
from collections import Counter
from functools import cache
from typing import Any

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.utilities.typing import LambdaContext

from harkara.accounts import Scope
from harkara.api import new_api, ok
from harkara.aws.accounts import DynamoAccountStore
from harkara.aws.clients import client, prepare
from harkara.aws.due import DynamoDueTable
from harkara.aws.messages import DynamoMessageStore
from harkara.aws.queues import SqsTaskQueues
from harkara.aws.secrets import deployment_secret
from harkara.credentials import presented
from harkara.platforms import ics
from harkara.runtime import answer, body_of, logger
from harkara.services.accept import AcceptService
from harkara.services.authenticate import Authenticator
from harkara.services.names import RandomNames
from harkara.settings import SendSettings
from harkara.tasks import QueueName

api = new_api()
prepare("dynamodb", "secretsmanager", "sqs")


@cache
def services() -> tuple[Authenticator, AcceptService]:
    settings = SendSettings.from_environment()
    dynamodb = client("dynamodb")
    queues = {
        QueueName.SUBMIT: settings.submit_queue_url,
        QueueName.SUBMIT_PRIORITY: settings.submit_priority_queue_url,
    }
    due = DynamoDueTable(dynamodb, settings.due_table, time.time, settings.retention_s)
    authenticator = Authenticator(
        accounts=DynamoAccountStore(dynamodb, settings.accounts_table),
        pepper=deployment_secret(settings.pepper_secret_id),
        clock=time.time,
    )
    accept = AcceptService(
        chunks=DynamoMessageStore(
            dynamodb, settings.messages_table, settings.retention_s, time.time
        ),
        queues=SqsTaskQueues(client("sqs"), queues, due),
        names=RandomNames(time.time, os.urandom),
        private_callbacks=settings.allow_private_callbacks,
    )
    return authenticator, accept


@api.post("/datasend")
def datasend() -> "Response[str]":
    credentials, request = ics.parse(body_of(api.current_event))
    event = api.current_event
    authenticator, service = services()
    shown = presented(event.headers, *credentials)
    source_ip = event.request_context.http.source_ip
    caller = authenticator.authenticate(shown, Scope.SEND, source_ip)
    results = service.accept(caller, request)
    logger.info(
        "request accepted",
        account_id=caller.account.id,
        chunks=sorted({result.mid[:-2] for result in results if result.mid}),
        counts=Counter(result.code or "accepted" for result in results),
        warnings=Counter(result.warning for result in results if result.warning),
    )
    return answer(200, ics.answer(request.records, results))


@api.get("/health")
def health() -> "Response[str]":
    return ok({"status": True})


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return api.resolve(event, context)
