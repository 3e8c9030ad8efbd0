"""Build the services of functions/console: its people, and those of two other functions."""

import os
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from harkara.aws.clients import secret_keys, session
from harkara.aws.operator import OperatorStore
from harkara.manage.carriers import CarrierService
from harkara.manage.credentials import CredentialService
from harkara.manage.links import LinkSettingsService
from harkara.manage.people import People
from harkara.manage.settings import SettingsService
from harkara.model.accounts import Account
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
    )
