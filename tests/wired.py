"""The services on ports in memory, wired as the functions wire them; time by hand."""

import itertools
from collections.abc import Awaitable, Callable, Sequence

from pydantic_core import to_json

from harkara.accounts import Account, Enforcement
from harkara.callback_urls import UrlRules
from harkara.carrier_settings import CarrierSettings, hash_token
from harkara.ids import ReferenceSigner
from harkara.links import LinkSigner
from harkara.ports import Note
from harkara.received import ReceiptRequest
from harkara.services.accept import AcceptService
from harkara.services.attempts import Attempts
from harkara.services.callbacks import CallbackService
from harkara.services.check import CheckService
from harkara.services.clicks import ClickService
from harkara.services.deliver import DeliverService
from harkara.services.doors import Doors
from harkara.services.inbound import InboundService
from harkara.services.ingress import CarrierDoor
from harkara.services.links import LinkMaker, LinkService
from harkara.services.names import RandomNames
from harkara.services.pace import Pace
from harkara.services.receive import ReceiveService
from harkara.services.replies import ReplyService
from harkara.services.submit import SubmitService
from harkara.services.sweep import SweepService
from tests.fakes import (
    FakeAccountStore,
    FakeDestinations,
    FakeLastMessages,
    FakeLimitStore,
    FakeMessageStore,
    FakePlatform,
    FakeTaskQueues,
    Faults,
    ProcessKilled,
    calling_back,
)
from tests.lists import FakeSuppressionList
from tests.provider import Providers
from tests.submitting import FakeRoutingStore, Submitting
from tests.virtual import InPlace

NOW = 1_700_000_000.0  # 03:43 at night in India
RETENTION_S = 7 * 86_400  # the shortest that the template allows
RECEIPT_WAIT_S = 72 * 3600
RETRY_DELAYS_S = (5, 30, 300, 1800, 7200, 18000, 36000, 36000)
TOKEN = "receipt-token"
URL = "https://eu1.api.clevertap.com/sms/account"

ACCOUNT = Account(
    id="acme",
    name="Acme",
    carrier="sim",
    **calling_back(URL),
    dlt=Enforcement.OFF,
    countries=("*",),
)
CARRIER = CarrierSettings(
    name="sim",
    kind="datasend",
    url="https://carrier.example/datasend",
    username="harkara",
    secret=b"",
    receipt_token_hashes=(hash_token(TOKEN),),
    chain_hash_field="chainhash",
)


def _confirm_nothing(url: str) -> None:
    raise AssertionError("the carrier of the world asks for no subscription")


class Wired:
    """Stores, queues, carriers and a platform in memory, and the services between them."""

    def __init__(
        self,
        faults: Faults | None,
        now: float,
        account: Account,
        carriers: Sequence[CarrierSettings],
    ) -> None:
        self.faults = faults or Faults()
        self.now = now
        self.account = account
        # What carriers have to say: when, of which reference, status and code.
        self.receipts: list[tuple[float, str, str, str]] = []
        # How many processes died.
        self.killed = 0
        # Happens while a carrier thinks.
        self.meanwhile: Callable[[], Awaitable[None]] = _nothing
        self.store = FakeMessageStore(self.faults, self.clock, RETENTION_S)
        self.queues = FakeTaskQueues(self.faults, self.clock)
        self.platform = FakePlatform(self.faults)
        self.destinations = FakeDestinations()
        self.providers = Providers(self, {each.name: each for each in carriers})
        self.provider = self.providers.by_name["sim"]
        self.accounts = FakeAccountStore({"acme": account}, {}, self.providers.settings)
        self.signer = ReferenceSigner(b"tag key")
        self.link_signer = LinkSigner(b"link key")
        self.routing = FakeRoutingStore(self.faults)
        self.suppressions = FakeSuppressionList(self.faults)
        self.last = FakeLastMessages(self.faults)
        self.notes: list[Note] = []
        self.counted = FakeLimitStore(self.faults)
        self.doors = self.new_doors()
        self.submitting = Submitting(
            store=self.store,
            queues=self.queues,
            signer=self.signer,
            clock=self.clock,
            routing=self.routing,
            counted=self.counted,
            suppressions=self.suppressions,
            notes=self.notes.append,
            last=self.last,
            carrier=self.providers.connect,
            sleep=self._sleep,
        )
        self._random = itertools.count(1)

    def clock(self) -> float:
        return self.now

    async def _sleep(self, wait_s: float) -> None:
        self.now += wait_s

    async def take_receipts(self) -> None:
        """Hand `receipt` what the carrier has to say by now; a carrier repeats what failed."""
        due = [receipt for receipt in self.receipts if receipt[0] <= self.now]
        self.receipts = [receipt for receipt in self.receipts if receipt[0] > self.now]
        body = to_json(
            [
                {"smsgid": reference, "status": status, "code": code, "ts": int(at)}
                for at, reference, status, code in due
            ]
        )
        try:
            self.receive_service().receive("sim", TOKEN, ReceiptRequest("POST", {}, {}, body))
        except ProcessKilled:
            self.killed += 1
            self.receipts += [(self.now + 10, *receipt[1:]) for receipt in due]

    def accept_service(self) -> AcceptService:
        return AcceptService(
            chunks=self.store,
            queues=self.queues,
            names=RandomNames(self.clock, lambda size: next(self._random).to_bytes(size, "big")),
            links=LinkMaker(self.store, lambda: self.link_signer),
            callback_urls=UrlRules(),
        )

    def submit_service(self) -> SubmitService:
        return self.submitting.service(RECEIPT_WAIT_S)

    def receive_service(self) -> ReceiveService:
        door = CarrierDoor(
            self.accounts, lambda settings: settings.receipt_secret, self.notes.append
        )
        return ReceiveService(door, self.queues, self.signer, self.clock, _confirm_nothing)

    def sweep_service(self) -> SweepService:
        return SweepService(self.queues, self.queues, self.clock, self.notes.append, InPlace())

    def inbound_service(self) -> InboundService:
        door = CarrierDoor(
            self.accounts, lambda settings: settings.receipt_secret, self.notes.append
        )
        replies = ReplyService(self.store, self.last, self.queues, self.signer)
        return InboundService(
            door,
            self.accounts,
            self.suppressions,
            self.clock,
            _confirm_nothing,
            self.store,
            replies,
        )

    def deliver_service(self) -> DeliverService:
        return DeliverService(
            self.store, self.queues, self.callback_service(), self.clock, self.notes.append
        )

    def callback_service(self) -> CallbackService:
        return CallbackService(
            attempts=Attempts(
                store=self.store,
                queues=self.queues,
                clock=self.clock,
                luck=lambda: 0.5,
                retry_delays_s=RETRY_DELAYS_S,
                notes=self.notes.append,
            ),
            poster=self.platform,
            destinations=self.destinations,
            doors=self.doors,
            sleep=self._sleep,
        )

    def new_doors(self) -> Doors:
        return Doors(self.counted, Pace(self.counted, self.clock, lambda: 0.5), self.clock)

    def link_service(self) -> LinkService:
        return LinkService(self.store, self.queues, self.link_signer, self.clock)

    def click_service(self) -> ClickService:
        callbacks = self.callback_service()
        return ClickService(
            self.store, callbacks.destinations, callbacks, self.clock, self.notes.append
        )

    def check_service(self) -> CheckService:
        return CheckService(
            store=self.store,
            queues=self.queues,
            clock=self.clock,
            receipt_wait_s=RECEIPT_WAIT_S,
            retry_delays_s=RETRY_DELAYS_S,
        )


async def _nothing() -> None:
    """Happens unless a test has other plans."""
