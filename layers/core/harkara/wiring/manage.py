"""Build the services of functions/manage, and those that the command `harkara` shares with it."""

import os
import random
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from harkara.activity.cursors import Cursors
from harkara.activity.exports import ExportService, ExportStore, FileStore
from harkara.activity.index import Digests
from harkara.activity.search import SearchService
from harkara.activity.stats import StatsService
from harkara.activity.store import ActivityReader, MessageReader
from harkara.activity.usage import UsageService
from harkara.api.authentication import Authenticator
from harkara.aws.accounts import DynamoAccountStore
from harkara.aws.activity import DynamoActivityStore
from harkara.aws.clients import secret_keys, session
from harkara.aws.destinations import KmsCipher
from harkara.aws.exports import DynamoExportStore, S3Files, s3_client
from harkara.aws.limits import DynamoLimitStore
from harkara.aws.messages import DynamoDeadLetterStore, DynamoMessageStore
from harkara.aws.operator import OperatorStore
from harkara.aws.people import DynamoUserStore
from harkara.aws.queues import SqsTaskQueues
from harkara.aws.registry import DynamoRegistry
from harkara.aws.suppressions import DynamoSuppressionList
from harkara.base.ids import RandomFraction, Randomness
from harkara.base.keys import Keys
from harkara.base.time import Clock
from harkara.callbacks.dead_letters import DeadLetterService, DeadLetterStore
from harkara.callbacks.posting import CallbackPoster, SecretCipher
from harkara.manage.callbacks import EndpointService
from harkara.manage.campaigns import CampaignService, ChangeRouting
from harkara.manage.cancels import CancelService
from harkara.manage.feedback import FeedbackService
from harkara.manage.messages import HistoryService
from harkara.manage.number_lists import ConsentService, SuppressionService
from harkara.manage.registry import RegistryService
from harkara.manage.template_audit import AuditService
from harkara.model.callbacks import UrlRules
from harkara.model.people import AuditEntry
from harkara.model.routing import Routing
from harkara.model.tasks import QueueName
from harkara.net.callback_poster import SinglePoster
from harkara.ports import AccountStore, MessageStore, Registry, SuppressionList, TaskQueues
from harkara.runtime.settings import ManageSettings
from harkara.state.endpoint_health import EndpointHealth
from harkara.state.rates import RateLimiter
from harkara.state.stores import CountedStore


class ManageServices(NamedTuple):
    authenticator: Authenticator
    registry: RegistryService
    endpoints: EndpointService
    history: HistoryService
    cancel: CancelService
    feedback: FeedbackService
    suppressions: SuppressionService
    audit: AuditService
    consents: ConsentService
    search: SearchService
    stats: StatsService
    campaigns: CampaignService
    exports: ExportService


class _Messages(MessageStore, MessageReader, Protocol):
    """Message batches and ledger entries, one by one and for lists."""


def wire_resources(
    *,
    registry: Registry,
    cipher: SecretCipher,
    dead_letters: DeadLetterStore,
    counted: CountedStore,
    queues: TaskQueues,
    poster: CallbackPoster,
    callback_urls: UrlRules,
    clock: Clock,
    random_fraction: RandomFraction,
    randomness: Randomness,
) -> EndpointService:
    """Build the service of callbacks from adapters; its `registry` serves all resources."""
    endpoint_health = EndpointHealth(counted, RateLimiter(counted, clock, random_fraction), clock)
    return EndpointService(
        RegistryService(registry, cipher, endpoint_health.reset, callback_urls),
        DeadLetterService(dead_letters, queues, endpoint_health.reset),
        poster,
        clock,
        randomness,
        endpoint_health.record,
    )


def wire(
    *,
    accounts: AccountStore,
    registry: Registry,
    cipher: SecretCipher,
    store: _Messages,
    dead_letters: DeadLetterStore,
    counted: CountedStore,
    suppressions: SuppressionList,
    record: Callable[[AuditEntry], None],
    routing: Callable[[str], Routing],
    change_routing: ChangeRouting,
    activity: ActivityReader,
    jobs: ExportStore,
    files: FileStore,
    queues: TaskQueues,
    poster: CallbackPoster,
    pepper: bytes | Keys,
    callback_urls: UrlRules,
    clock: Clock,
    random_fraction: RandomFraction,
    randomness: Randomness,
) -> ManageServices:
    """Build the services from adapters."""
    resources = wire_resources(
        registry=registry,
        cipher=cipher,
        dead_letters=dead_letters,
        counted=counted,
        queues=queues,
        poster=poster,
        callback_urls=callback_urls,
        clock=clock,
        random_fraction=random_fraction,
        randomness=randomness,
    )
    stats = StatsService(activity, clock)
    return ManageServices(
        authenticator=Authenticator(accounts, pepper, clock),
        registry=resources.registry,
        endpoints=resources,
        history=HistoryService(store, clock),
        cancel=CancelService(store, queues, clock),
        feedback=FeedbackService(store, clock),
        suppressions=SuppressionService(suppressions, clock),
        audit=AuditService(registry, UsageService(activity, store, clock)),
        consents=ConsentService(suppressions, clock, record),
        search=SearchService(activity, store, Digests(pepper), Cursors(pepper), clock),
        stats=stats,
        campaigns=CampaignService(stats, routing, change_routing, record, clock),
        exports=ExportService(jobs, files, queues, clock, randomness),
    )


def on_aws() -> ManageServices:
    """Build the services on AWS."""
    settings = ManageSettings.from_environment()
    aws = session()
    dynamodb = aws.client("dynamodb")
    urls = {
        QueueName.RECEIPT: settings.receipt_queue_url,
        QueueName.CALLBACK: settings.callback_queue_url,
        QueueName.EXPORT: settings.export_queue_url,
    }
    store = DynamoMessageStore(dynamodb, settings.messages_table, settings.retention_s, time.time)
    operator = OperatorStore(dynamodb, settings.accounts_table)
    return wire(
        accounts=DynamoAccountStore(dynamodb, settings.accounts_table, templates=False),
        registry=DynamoRegistry(dynamodb, settings.accounts_table),
        cipher=KmsCipher(aws.client("kms"), settings.secrets_key_id),
        store=store,
        dead_letters=DynamoDeadLetterStore(dynamodb, settings.messages_table, store, time.time),
        counted=DynamoLimitStore(dynamodb, settings.messages_table),
        suppressions=DynamoSuppressionList(dynamodb, settings.accounts_table),
        record=DynamoUserStore(dynamodb, settings.accounts_table).record,
        routing=operator.routing,
        change_routing=operator.change_routing,
        activity=DynamoActivityStore(
            dynamodb, settings.activity_table, settings.retention_s, time.time
        ),
        jobs=DynamoExportStore(dynamodb, settings.activity_table, time.time),
        files=S3Files(s3_client(), settings.files_bucket),
        queues=SqsTaskQueues(aws.client("sqs"), urls),
        poster=SinglePoster(
            settings.callback_urls,
            settings.callback_timeout_s,
            settings.callback_connect_timeout_s,
        ),
        pepper=secret_keys(settings.pepper_secret_id),
        callback_urls=settings.callback_urls,
        clock=time.time,
        random_fraction=random.SystemRandom().random,
        randomness=os.urandom,
    )
