"""The functions, each wired with fakes."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

from harkara.activity.stats import StatsService
from harkara.aws.redrive import SqsQueues
from harkara.base.errors import CarrierUnreachable, HttpAnswer, Outside
from harkara.base.ids import ReferenceSigner
from harkara.base.log_events import LogEvent
from harkara.carriers.contract import Connected
from harkara.carriers.kinds import connect
from harkara.carriers.settings import CarrierSecrets, CarrierSettings, hash_token
from harkara.links.codec import LinkSigner
from harkara.manage.carriers import CarrierService
from harkara.manage.credentials import CredentialService
from harkara.manage.links import LinkSettingsService
from harkara.manage.queues import QueueService
from harkara.manage.settings import SettingsService
from harkara.model.accounts import (
    PLATFORM_HOSTS,
    Account,
    Credential,
    Enforcement,
    Secret,
    hash_secret,
)
from harkara.model.callbacks import UrlRules
from harkara.model.messages import Category, Endpoint, Message, MessageBatch, pack
from harkara.model.tasks import QueueName
from harkara.runtime import metrics
from harkara.state.circuit_breaker import CircuitBreakers
from harkara.wiring.console import ConsoleServices
from local import samples
from local.settings import HOST, LINK_SECRET, RECEIPT_TOKEN, TAG_SECRET
from tests.functions.deployment import Kms
from tests.functions.invoking import (
    BATCH_ID,
    CALLBACK_URL,
    CARRIER_PASSWORD,
    MSISDN,
    NOW,
    SECRET,
    TEXT,
    Context,
    Event,
    load,
)
from tests.support.dead_letters import QUEUE_URLS, DeadLetters, SqsWithDeadLetters
from tests.support.dynamo import Dynamo
from tests.support.fakes import calling_back, no_texts, trust
from tests.support.invocations import invoke
from tests.support.people import new_people
from tests.support.policies import as_function
from tests.support.ports import FakeSetup
from tests.support.queues import QUEUES_BY_ID
from tests.support.wired import RETENTION_S, Wired

SANDBOX = Account(
    id="sandbox",
    name="Sandbox",
    carrier="sim",
    **calling_back(CALLBACK_URL),
    callback_hosts=(*PLATFORM_HOSTS, HOST),
    dlt=Enforcement.OFF,
    short_domain="hk.example/ACMEBK",
)
CREDENTIAL = Credential(
    username="sandbox",
    account_id="sandbox",
    secrets=(Secret(hash=hash_secret(b"pepper", SECRET)),),
)
SIM = CarrierSettings(
    name="sim",
    kind="datasend",
    url="https://carrier.example/datasend",
    username="harkara",
    secret=b"",
    receipt_token_hashes=(hash_token(RECEIPT_TOKEN),),
    inbound={samples.NUMBER: "sandbox"},
)


class Gateway(Wired):
    """All functions on one set of fakes, at one moment, with a carrier of any kind."""

    retry_delays_s = (5, 30)

    def __init__(self) -> None:
        super().__init__(None, NOW, SANDBOX, [SIM, samples.AWS_CARRIER])
        self.accounts.credentials[CREDENTIAL.username] = CREDENTIAL
        self.signer = ReferenceSigner(TAG_SECRET.encode())
        self.link_signer = LinkSigner(LINK_SECRET.encode())
        self.callback_urls = UrlRules(loopback=True)
        self.carrier = self.connect
        self.carrier_answer: HttpAnswer | Exception = HttpAnswer(200, {}, b'[{"mid": "C1"}]')
        self.people = new_people(
            as_function("console", Dynamo(self.clock)),
            as_function("console", Kms()),
            lambda account_id: account_id in self.accounts.accounts,
            self.clock,
        )
        self.confirmed: list[str] = []
        self.dead_letters = DeadLetters(
            self.clock, lambda queue, body: self.queues.add(QUEUES_BY_ID[queue], body, self.now)
        )
        self.sqs = as_function("console", SqsWithDeadLetters(print, self.dead_letters))
        trust(self.counted, "sandbox", Endpoint(CALLBACK_URL, "clevertap", "main"), NOW)

    async def sleep(self, wait_s: float) -> None:
        await asyncio.sleep(wait_s)

    def note(self, event: LogEvent) -> None:
        metrics.write(event)

    def confirm(self, url: str) -> None:
        self.confirmed.append(url)

    async def connect(self, name: str) -> Connected:
        """Return a carrier whose provider answers `carrier_answer`."""

        async def exchange(
            method: str, url: str, headers: Mapping[str, str], content: bytes, timeout_s: float
        ) -> HttpAnswer:
            if isinstance(self.carrier_answer, Exception):
                raise self.carrier_answer
            return self.carrier_answer

        settings = self.accounts.carriers.get(name)
        if settings is None:
            raise CarrierUnreachable(name)
        secrets = CarrierSecrets(CARRIER_PASSWORD)
        return Connected(settings, connect(settings, secrets, Outside(exchange, no_texts)))

    def app(self, function: str, service: object = None) -> ModuleType:
        """Load a function and wire it with its service on fakes, or with this one."""
        module = load(function)
        if function == "fallback":  # it has none
            return module
        wired = service or self.services(function)
        module.services = lambda: wired  # type: ignore[attr-defined]
        return module

    def services(self, function: str) -> object:
        """Return the services of a process of a function that just started."""
        self.endpoint_health = self.new_endpoint_health()
        return {
            "activity": self.activity_service,
            "console": self.console_services,
            "dlr": self.dlr_services,
            "files": self.files_services,
            "inbound": self.inbound_service,
            "link": self.link_service,
            "manage": self.manage_services,
            "receipt": self.receive_service,
            "send": self.send_services,
            "submit": self.submit_service,
            "sweep": self.sweep_service,
        }[function]()

    def console_services(self) -> ConsoleServices:
        managing = self.manage_services("console")
        # As on AWS, where all write into one table.
        consents = replace(managing.consents, record=self.people.store.record)
        campaigns = replace(managing.campaigns, record=self.people.store.record)
        change = self.accounts.change_account
        return ConsoleServices(
            manage=managing._replace(consents=consents, campaigns=campaigns),
            send=self.send_services("console"),
            links=LinkSettingsService(change),
            credentials=CredentialService(
                self.registry, self.accounts, b"pepper", self.clock, os.urandom
            ),
            settings=SettingsService(change, self.accounts.carrier, self.registry),
            people=self.people,
            accounts=lambda: [*self.accounts.accounts.values()],
            retention_s=RETENTION_S,
            carriers=self.carrier_service(managing.stats),
            queues=QueueService(QUEUE_URLS, SqsQueues(self.sqs), self.ports.of("console").store),
        )

    def carrier_service(self, stats: StatsService) -> CarrierService:
        """Return the service of carriers, on the fakes that other services write."""
        counted = self.ports.of("console").counted
        breakers = CircuitBreakers(counted, self.clock, lambda: 0.5, lambda _: None)
        return CarrierService(
            FakeSetup(self.accounts, self.routing), stats, breakers, counted.timelines
        )

    def call(self, function: str, event: Event, context: Context | None = None) -> Any:
        """Invoke a function; its answer must be JSON, as Lambda requires."""
        return invoke(self.app(function).handler, event, context or Context())

    def put_batch(self) -> None:
        """Store the message batch of the sample events: two accepted messages."""
        message = Message(MSISDN, "ACMEBK", TEXT, "ref", 0, 1)
        batch = MessageBatch(
            id=BATCH_ID,
            account_id="sandbox",
            carrier="sim",
            category=Category.SERVICE_IMPLICIT,
            accepted_at_ms=int(NOW * 1000),
            block_size=100,
            endpoints=(Endpoint(CALLBACK_URL, "clevertap", "main"),),
            messages=[message, message],
        )
        self.store.put_batch(BATCH_ID, pack(batch), batch.due_at_ms)

    def put_samples(self) -> None:
        """Store the records that the sample events of `manage` need, as on the local stack."""
        self.registry.put_all(samples.ACCOUNT_ID, samples.PARTS)
        for entry in samples.LISTED:
            self.suppressions.put(samples.ACCOUNT_ID, entry)
        for batch in (samples.BATCH, samples.OTP_BATCH):
            self.store.put_batch(batch.id, pack(batch), batch.due_at_ms)
        self.store.put_if_absent([samples.DEAD_LETTER, *samples.LINKS])

    def bodies(self, queue: QueueName) -> list[str]:
        """Return the bodies in a queue."""
        return [message.body for message in self.queues.waiting if message.queue is queue]
