"""The functions, each wired with fakes."""

import itertools
from collections.abc import Mapping
from types import ModuleType, SimpleNamespace
from typing import Any

from harkara.accept.id_source import RandomNames
from harkara.accept.idempotency import Idempotency
from harkara.accept.service import AcceptService
from harkara.api.authentication import Authenticator
from harkara.base.errors import CarrierUnreachable
from harkara.base.exchanges import HttpAnswer, Outside
from harkara.base.ids import ReferenceSigner
from harkara.callbacks.dead_letters import ParkedService
from harkara.callbacks.retries import Attempts
from harkara.callbacks.service import CallbackService
from harkara.carriers.contract import Connected
from harkara.carriers.kinds import connect
from harkara.carriers.settings import CarrierSecrets, CarrierSettings, hash_token
from harkara.inbound.replies import ReplyService
from harkara.inbound.service import InboundService
from harkara.links.clicks import ClickService
from harkara.links.codec import LinkSigner
from harkara.links.shorten import LinkMaker, LinkService
from harkara.manage.callbacks import EndpointService
from harkara.manage.cancel import CancelService
from harkara.manage.history import HistoryService
from harkara.manage.registry import RegistryService
from harkara.manage.suppressions import SuppressionService
from harkara.model.accounts import (
    PLATFORM_HOSTS,
    Account,
    Credential,
    Enforcement,
    Secret,
    hash_secret,
)
from harkara.model.callback_urls import UrlRules
from harkara.model.messages import Category, Chunk, Endpoint, Message, pack
from harkara.model.tasks import QueueName
from harkara.receipts.coalesce import JoinService
from harkara.receipts.final_states import DeliverService
from harkara.receipts.reconcile import CheckService
from harkara.receipts.service import ReceiveService
from harkara.receipts.webhook_auth import CarrierDoor
from harkara.runtime import metrics
from harkara.scheduler import SweepService
from harkara.state.account_limits import AccountLimits
from harkara.state.endpoint_health import Doors
from harkara.state.rates import Pace
from harkara.submit.service import SubmitService
from local import samples
from local.settings import HOST, LINK_SECRET, RECEIPT_TOKEN, TAG_SECRET
from tests.fake_registry import FakeRegistry, FakeVault
from tests.fakes import (
    FakeAccountStore,
    FakeDestinations,
    FakePlatform,
    Faults,
    calling_back,
    no_texts,
    trust,
)
from tests.functions.invoking import (
    CALLBACK_URL,
    CARRIER_PASSWORD,
    CHUNK_ID,
    MSISDN,
    NOW,
    SECRET,
    TEXT,
    Context,
    Event,
    load,
)
from tests.invocations import invoke
from tests.ports import new_ports
from tests.submitting import Submitting
from tests.virtual import InPlace


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
        name = "services" if hasattr(module, "services") else "service"
        setattr(module, name, lambda: wired)
        return module

    def call(self, function: str, event: Event, context: Context | None = None) -> Any:
        """Invoke a function; its answer must be JSON, as Lambda requires."""
        return invoke(self.app(function).handler, event, context or Context())

    def put_chunk(self) -> None:
        """Store the message batch of the sample events: two accepted messages."""
        message = Message(MSISDN, "ACMEBK", TEXT, "ref", 0, 1)
        chunk = Chunk(
            id=CHUNK_ID,
            account_id="sandbox",
            carrier="sim",
            category=Category.SERVICE_IMPLICIT,
            accepted_at_ms=int(NOW * 1000),
            block_size=100,
            endpoints=(Endpoint(CALLBACK_URL, "clevertap", "main"),),
            messages=[message, message],
        )
        self.store.put_chunk(CHUNK_ID, pack(chunk), chunk.begins_ms)

    def put_samples(self) -> None:
        """Store the records that the sample events of `manage` need, as on the local stack."""
        self.registry.put_all(samples.ACCOUNT_ID, samples.PARTS)
        for entry in samples.SUPPRESSIONS:
            self.suppressions.put(samples.ACCOUNT_ID, entry)
        chunk = samples.CHUNK
        self.store.put_chunk(chunk.id, pack(chunk), chunk.begins_ms)
        self.store.put_once([samples.PARKED, *samples.LINKS])

    def bodies(self, queue: QueueName) -> list[str]:
        """Return the bodies in a queue."""
        return [message.body for message in self.queues.waiting if message.queue is queue]

    def randomness(self, size: int) -> bytes:
        return next(self._random).to_bytes(size, "big")

    def _send(self) -> SimpleNamespace:
        send = self.ports.of("send")
        accept = AcceptService(
            chunks=send.store,
            queues=send.queues,
            names=RandomNames(self.clock, self.randomness),
            links=LinkMaker(send.store, lambda: self.link_signer),
            callback_urls=UrlRules(loopback=True),
            limits=AccountLimits(send.counted, self.clock, lambda: 0.5),
        )
        return SimpleNamespace(
            authenticator=Authenticator(self.accounts, b"pepper", self.clock),
            accept=accept,
            idempotency=Idempotency(send.store, self.clock, self.randomness),
        )

    def _manage(self) -> SimpleNamespace:
        manage = self.ports.of("manage")
        pace = Pace(manage.counted, self.clock, lambda: 0.5)
        doors = Doors(manage.counted, pace, self.clock)
        parked = ParkedService(manage.parked, manage.queues, doors.open)
        registry = RegistryService(
            self.registry, FakeVault(), doors.open, callback_urls=UrlRules(loopback=True)
        )
        return SimpleNamespace(
            authenticator=Authenticator(self.accounts, b"pepper", self.clock),
            registry=registry,
            endpoints=EndpointService(registry, parked, self.platform, self.clock, self.randomness),
            history=HistoryService(manage.store, self.clock),
            cancel=CancelService(manage.store, manage.queues, self.clock),
            suppressions=SuppressionService(manage.suppressions, self.clock),
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

        submit = self.ports.of("submit")
        return Submitting(
            store=submit.store,
            queues=submit.queues,
            signer=self.signer,
            clock=self.clock,
            routing=submit.routing,
            counted=submit.counted,
            suppressions=submit.suppressions,
            notes=metrics.write,
            last=submit.last,
            carrier=carrier,
        ).service(259_200)

    def _receipt(self) -> ReceiveService:
        door = CarrierDoor(self.accounts, lambda settings: settings.receipt_secret, metrics.write)
        queues = self.ports.of("receipt").queues
        return ReceiveService(door, queues, self.signer, self.clock, self.confirmed.append)

    def _link(self) -> LinkService:
        link = self.ports.of("link")
        return LinkService(link.store, link.queues, self.link_signer, self.clock)

    def _inbound(self) -> InboundService:
        door = CarrierDoor(self.accounts, lambda settings: settings.receipt_secret, metrics.write)
        inbound = self.ports.of("inbound")
        replies = ReplyService(inbound.store, inbound.last, inbound.queues, self.signer)
        return InboundService(
            door,
            self.accounts,
            inbound.suppressions,
            self.clock,
            self.confirmed.append,
            inbound.store,
            replies,
        )

    def _dlr(
        self,
    ) -> tuple[DeliverService, CallbackService, CheckService, ClickService, JoinService]:
        dlr = self.ports.of("dlr")
        callbacks = CallbackService(
            attempts=Attempts(
                store=dlr.store,
                queues=dlr.queues,
                clock=self.clock,
                luck=lambda: 0.5,
                retry_delays_s=(5, 30),
                notes=metrics.write,
            ),
            poster=self.platform,
            destinations=FakeDestinations(),
            doors=Doors(dlr.counted, Pace(dlr.counted, self.clock, lambda: 0.5), self.clock),
        )
        check = CheckService(
            store=dlr.store,
            queues=dlr.queues,
            clock=self.clock,
            receipt_wait_s=259_200,
            retry_delays_s=(5, 30),
        )
        deliver = DeliverService(dlr.store, dlr.queues, callbacks, self.clock, metrics.write)
        clicks = ClickService(
            dlr.store, callbacks.destinations, callbacks, self.clock, metrics.write
        )
        return deliver, callbacks, check, clicks, JoinService(dlr.queues)

    def _sweep(self) -> SweepService:
        queues = self.ports.of("sweep").queues
        return SweepService(queues, queues, self.clock, metrics.write, InPlace())
