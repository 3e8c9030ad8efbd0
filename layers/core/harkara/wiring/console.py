"""Build the services of functions/console: its people, and those of two other functions."""

import os
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from harkara.aws.clients import secret_keys, session
from harkara.aws.messages import DynamoMessageStore
from harkara.aws.operator import OperatorStore
from harkara.aws.redrive import SqsQueues
from harkara.manage.carriers import CarrierService
from harkara.manage.credentials import CredentialService
from harkara.manage.links import LinkSettingsService
from harkara.manage.people import People
from harkara.manage.queues import ACTIVITY_FAILURES, QueueService, QueueUrls
from harkara.manage.settings import SettingsService
from harkara.model.accounts import Account
from harkara.model.tasks import QueueName
from harkara.runtime.settings import ConsoleSettings
from harkara.wiring import manage, send
from harkara.wiring.carriers import wire_carriers
from harkara.wiring.people import wire_people


class ConsoleServices(NamedTuple):
    manage: manage.ManageServices
    send: send.SendServices
    links: LinkSettingsService
    credentials: CredentialService
    settings: SettingsService
    people: People
    accounts: Callable[[], Sequence[Account]]
    retention_s: int
    carriers: CarrierService
    queues: QueueService


def on_aws() -> ConsoleServices:
    """Build the services on AWS."""
    settings = ConsoleSettings.from_environment()
    aws = session()
    dynamodb = aws.client("dynamodb")
    pepper = secret_keys(settings.pepper_secret_id)
    people = wire_people(
        dynamodb=dynamodb,
        kms=aws.client("kms"),
        accounts_table=settings.accounts_table,
        messages_table=settings.messages_table,
        secrets_key_id=settings.secrets_key_id,
        pepper=pepper,
        clock=time.time,
        randomness=os.urandom,
        local=settings.is_local,
    )
    operator = OperatorStore(dynamodb, settings.accounts_table)
    managing = manage.on_aws()
    registry = managing.registry.registry
    carriers = wire_carriers(
        dynamodb, settings.accounts_table, settings.messages_table, managing.stats
    )
    messages = DynamoMessageStore(
        dynamodb, settings.messages_table, settings.retention_s, time.time
    )
    return ConsoleServices(
        manage=managing,
        send=send.on_aws(),
        links=LinkSettingsService(operator.change_account),
        credentials=CredentialService(registry, operator, pepper, time.time, os.urandom),
        settings=SettingsService(operator.change_account, operator.carrier, registry),
        people=people,
        accounts=operator.accounts,
        retention_s=settings.retention_s,
        carriers=carriers,
        queues=QueueService(_urls(settings), SqsQueues(aws.client("sqs")), messages),
    )


def _urls(of: ConsoleSettings) -> dict[str, QueueUrls]:
    return {
        QueueName.SUBMIT: QueueUrls(of.submit_queue_url, of.submit_dead_letters_url),
        QueueName.SUBMIT_PRIORITY: QueueUrls(
            of.submit_priority_queue_url, of.submit_priority_dead_letters_url
        ),
        QueueName.RECEIPT: QueueUrls(of.receipt_queue_url, of.receipt_dead_letters_url),
        QueueName.CALLBACK: QueueUrls(of.callback_queue_url, of.callback_dead_letters_url),
        QueueName.EXPORT: QueueUrls(of.export_queue_url, of.export_dead_letters_url),
        ACTIVITY_FAILURES: QueueUrls("", of.activity_failures_url),
    }
