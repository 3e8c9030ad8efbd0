"""Build the services of functions/send."""

import os
import random
import time
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from harkara.accept.idempotency import Idempotency
from harkara.accept.refused import RefusedRequests
from harkara.accept.service import AcceptService
from harkara.api.authentication import Authenticator
from harkara.aws.accounts import DynamoAccountStore
from harkara.aws.clients import secret_keys, session
from harkara.aws.limits import DynamoLimitStore
from harkara.aws.messages import DynamoMessageStore
from harkara.aws.queues import DynamoDueTable, SqsTaskQueues
from harkara.base.ids import RandomFraction, RandomIds, Randomness
from harkara.base.keys import Keys
from harkara.base.time import Clock
from harkara.links.codec import LinkSigner
from harkara.links.shorten import LinkMaker
from harkara.model.callbacks import UrlRules
from harkara.model.tasks import QueueName
from harkara.ports import AccountStore, BatchStore, TaskQueues
from harkara.runtime.settings import SendSettings
from harkara.state.account_limits import AccountLimits
from harkara.state.otp_guard import OtpGuard
from harkara.state.quotas import Quotas
from harkara.state.spend_caps import SpendCaps
from harkara.state.stores import LineStore


class SendServices(NamedTuple):
    authenticator: Authenticator
    accept: AcceptService
    idempotency: Idempotency
    refused: RefusedRequests


def wire(
    *,
    accounts: AccountStore,
    store: BatchStore,
    queues: TaskQueues,
    counted: LineStore,
    pepper: bytes | Keys,
    link_signer: Callable[[], LinkSigner],
    callback_urls: UrlRules,
    clock: Clock,
    random_fraction: RandomFraction,
    randomness: Randomness,
) -> SendServices:
    """Build the services from adapters."""
    quotas, names = Quotas(counted, clock), RandomIds(clock, randomness)
    return SendServices(
        authenticator=Authenticator(accounts, pepper, clock),
        accept=AcceptService(
            batches=store,
            queues=queues,
            names=names,
            links=LinkMaker(store, link_signer),
            callback_urls=callback_urls,
            limits=AccountLimits(counted, clock, random_fraction),
            otps=OtpGuard(counted, clock, pepper, quotas),
            spending=SpendCaps(quotas),
            accounts=accounts,
        ),
        idempotency=Idempotency(store, clock, randomness),
        refused=RefusedRequests(store, names),
    )


def on_aws() -> SendServices:
    """Build the services on AWS."""
    settings = SendSettings.from_environment()
    aws = session()
    dynamodb = aws.client("dynamodb")
    urls = {
        QueueName.SUBMIT: settings.submit_queue_url,
        QueueName.SUBMIT_PRIORITY: settings.submit_priority_queue_url,
    }
    due = DynamoDueTable(dynamodb, settings.due_table, time.time)

    # Read on first use: few accounts have links, and a cold start would read one more secret.
    @cache
    def link_signer() -> LinkSigner:
        keys = secret_keys(settings.link_secret_id)
        keys.all()  # a signer must not fail once something was stored
        return LinkSigner(keys)

    return wire(
        accounts=DynamoAccountStore(dynamodb, settings.accounts_table),
        store=DynamoMessageStore(
            dynamodb, settings.messages_table, settings.retention_s, time.time
        ),
        queues=SqsTaskQueues(aws.client("sqs"), urls, due),
        counted=DynamoLimitStore(dynamodb, settings.messages_table),
        pepper=secret_keys(settings.pepper_secret_id),
        link_signer=link_signer,
        callback_urls=settings.callback_urls,
        clock=time.time,
        random_fraction=random.SystemRandom().random,
        randomness=os.urandom,
    )
