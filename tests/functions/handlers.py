"""The functions, each wired with fakes."""

import itertools
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from harkara.base.errors import CarrierUnreachable, HttpAnswer, Outside
from harkara.base.ids import ReferenceSigner
from harkara.carriers.contract import Connected
from harkara.carriers.kinds import connect
from harkara.carriers.settings import CarrierSecrets, CarrierSettings, hash_token
from harkara.inbound.service import InboundService
from harkara.links.codec import LinkSigner
from harkara.links.shorten import LinkService
from harkara.manage.links import LinkSettingsService
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
from harkara.receipts.service import ReceiveService
from harkara.runtime import metrics
from harkara.scheduler import SweepService
from harkara.state.endpoint_health import EndpointHealth
from harkara.state.rates import RateLimiter
from harkara.submit.service import SubmitService
from harkara.wiring import dlr, inbound, link, manage, receipt, send, submit, sweep
from harkara.wiring.console import ConsoleServices
from local import samples
from local.settings import HOST, LINK_SECRET, RECEIPT_TOKEN, TAG_SECRET
from tests.fake_people import FakePeople
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
from tests.support.fakes import FakeAccountStore, Faults, calling_back, no_texts, trust
from tests.support.invocations import invoke
from tests.support.peers import FakeDestinations, FakePlatform
from tests.support.ports import new_ports
from tests.support.registry import FakeCipher, FakeRegistry
from tests.support.virtual import InPlace

RECEIPT_WAIT_S = 259_200


class Gateway:
    """All functions on one set of fakes."""

    def __init__(self) -> None:
        self.faults = Faults()
        self.ports = new_ports(self.faults, self.clock)
        self.store, self.queues = self.ports.store, self.ports.queues
        self.limits, self.routing = self.ports.counted, self.ports.routing
        self.suppressions, self.last = self.ports.suppressions, self.ports.last
        self.platform = FakePlatform(self.faults)
        self.signer = ReferenceSigner(TAG_SECRET.encode())
        self.link_signer = LinkSigner(LINK_SECRET.encode())
        self.carrier_answer: HttpAnswer | Exception = HttpAnswer(200, {}, b'[{"mid": "C1"}]')
        self.accounts = FakeAccountStore(
            {
                "sandbox": Account(
                    id="sandbox",
                    name="Sandbox",
                    carrier="sim",
                    **calling_back(CALLBACK_URL),
                    callback_hosts=(*PLATFORM_HOSTS, HOST),
                    dlt=Enforcement.OFF,
                    short_domain="hk.example/ACMEBK",
                )
            },
            {
                "sandbox": Credential(
                    username="sandbox",
                    account_id="sandbox",
                    secrets=(Secret(hash=hash_secret(b"pepper", SECRET)),),
                )
            },
            {
                "sim": CarrierSettings(
                    name="sim",
                    kind="datasend",
                    url="https://carrier.example/datasend",
                    username="harkara",
                    secret=b"",
                    receipt_token_hashes=(hash_token(RECEIPT_TOKEN),),
                    inbound={samples.NUMBER: "sandbox"},
                ),
                samples.AWS_CARRIER.name: samples.AWS_CARRIER,
            },
        )
        self.registry = FakeRegistry(self.accounts)
        self.people = FakePeople()
        trust(self.limits, "sandbox", Endpoint(CALLBACK_URL, "clevertap", "main"), NOW)
        self.confirmed: list[str] = []
        self._random = itertools.count(1)

    def clock(self) -> float:
        return NOW

    def app(self, function: str, service: object = None) -> ModuleType:
        """Load a function and wire it with its service on fakes, or with this one."""
        module = load(function)
        if function == "fallback":  # it has none
            return module
        wired = service or getattr(self, f"_{function}")()
        module.services = lambda: wired  # type: ignore[attr-defined]
        if function == "console":
            module.people = lambda: self.people  # type: ignore[attr-defined]
        return module

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
        self.store.put_batch(BATCH_ID, pack(batch), batch.begins_ms)

    def put_samples(self) -> None:
        """Store the records that the sample events of `manage` need, as on the local stack."""
        self.registry.put_all(samples.ACCOUNT_ID, samples.PARTS)
        for entry in samples.SUPPRESSIONS:
            self.suppressions.put(samples.ACCOUNT_ID, entry)
        batch = samples.BATCH
        self.store.put_batch(batch.id, pack(batch), batch.begins_ms)
        self.store.put_if_absent([samples.PARKED, *samples.LINKS])

    def bodies(self, queue: QueueName) -> list[str]:
        """Return the bodies in a queue."""
        return [message.body for message in self.queues.waiting if message.queue is queue]

    def randomness(self, size: int) -> bytes:
        return next(self._random).to_bytes(size, "big")

    def _console(self) -> ConsoleServices:
        return ConsoleServices(
            self._manage("console"),
            self._send("console"),
            LinkSettingsService(self.accounts.change_account),
        )

    def _send(self, function: str = "send") -> send.SendServices:
        on = self.ports.of(function)
        return send.wire(
            accounts=self.accounts,
            store=on.store,
            queues=on.queues,
            counted=on.counted,
            pepper=b"pepper",
            link_signer=lambda: self.link_signer,
            callback_urls=UrlRules(loopback=True),
            clock=self.clock,
            luck=lambda: 0.5,
            randomness=self.randomness,
        )

    def _manage(self, function: str = "manage") -> manage.ManageServices:
        on = self.ports.of(function)
        return manage.wire(
            accounts=self.accounts,
            registry=self.registry,
            cipher=FakeCipher(),
            store=on.store,
            parked=on.parked,
            counted=on.counted,
            suppressions=on.suppressions,
            queues=on.queues,
            poster=self.platform,
            pepper=b"pepper",
            callback_urls=UrlRules(loopback=True),
            clock=self.clock,
            luck=lambda: 0.5,
            randomness=self.randomness,
        )

    def _submit(self) -> SubmitService:
        async def exchange(
            method: str, url: str, headers: Mapping[str, str], content: bytes, timeout_s: float
        ) -> HttpAnswer:
            if isinstance(self.carrier_answer, Exception):
                raise self.carrier_answer
            return self.carrier_answer

        async def carrier(name: str) -> Connected:
            settings = self.accounts.carriers.get(name)
            if settings is None:
                raise CarrierUnreachable(name)
            secrets = CarrierSecrets(CARRIER_PASSWORD)
            return Connected(settings, connect(settings, secrets, Outside(exchange, no_texts)))

        on = self.ports.of("submit")
        return submit.wire(
            store=on.store,
            queues=on.queues,
            routing=on.routing,
            carrier=carrier,
            counted=on.counted,
            suppressions=on.suppressions,
            last=on.last,
            signer=self.signer,
            receipt_wait_s=RECEIPT_WAIT_S,
            clock=self.clock,
            luck=lambda: 0.5,
            notes=metrics.write,
        )

    def _receipt(self) -> ReceiveService:
        return receipt.wire(
            accounts=self.accounts,
            secret=lambda settings: settings.receipt_secret,
            queues=self.ports.of("receipt").queues,
            signer=self.signer,
            confirm=self.confirmed.append,
            clock=self.clock,
            notes=metrics.write,
        )

    def _link(self) -> LinkService:
        on = self.ports.of("link")
        return link.wire(
            store=on.store, queues=on.queues, signer=self.link_signer, clock=self.clock
        )

    def _inbound(self) -> InboundService:
        on = self.ports.of("inbound")
        return inbound.wire(
            accounts=self.accounts,
            secret=lambda settings: settings.receipt_secret,
            suppressions=on.suppressions,
            store=on.store,
            last=on.last,
            queues=on.queues,
            signer=self.signer,
            confirm=self.confirmed.append,
            clock=self.clock,
            notes=metrics.write,
        )

    def _dlr(self) -> dlr.DlrServices:
        on = self.ports.of("dlr")
        return dlr.wire(
            store=on.store,
            queues=on.queues,
            poster=self.platform,
            destinations=FakeDestinations(),
            doors=EndpointHealth(
                on.counted, RateLimiter(on.counted, self.clock, lambda: 0.5), self.clock
            ),
            receipt_wait_s=RECEIPT_WAIT_S,
            retry_delays_s=(5, 30),
            clock=self.clock,
            luck=lambda: 0.5,
            notes=metrics.write,
        )

    def _sweep(self) -> SweepService:
        queues = self.ports.of("sweep").queues
        return sweep.wire(
            due=queues, queues=queues, calls=InPlace(), clock=self.clock, notes=metrics.write
        )
