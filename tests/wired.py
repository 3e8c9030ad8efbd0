"""The services on ports in memory, wired as the functions wire them; the test sets the time."""

import itertools
from collections.abc import Awaitable, Callable, Sequence

from pydantic_core import to_json

from harkara.accept.id_source import RandomNames
from harkara.accept.service import AcceptService
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.base.ids import ReferenceSigner
from harkara.base.log_events import Note
from harkara.callbacks.dead_letters import ParkedService
from harkara.callbacks.retries import Attempts
from harkara.callbacks.service import CallbackService
from harkara.carriers.received import ReceiptRequest
from harkara.carriers.settings import CarrierSettings, hash_token
from harkara.inbound.replies import ReplyService
from harkara.inbound.service import InboundService
from harkara.links.clicks import ClickService
from harkara.links.codec import LinkSigner
from harkara.links.shorten import LinkMaker, LinkService
from harkara.manage.cancel import CancelService
from harkara.manage.history import HistoryService
from harkara.model.accounts import Account, Enforcement
from harkara.model.callback_urls import UrlRules
from harkara.receipts.final_states import DeliverService
from harkara.receipts.reconcile import CheckService
from harkara.receipts.service import ReceiveService
from harkara.receipts.webhook_auth import CarrierDoor
from harkara.scheduler import SweepService
from harkara.state.endpoint_health import Doors
from harkara.state.rates import Pace
from harkara.submit.service import SubmitService
from tests.fakes import (
    FakeAccountStore,
    FakeDestinations,
    FakePlatform,
    Faults,
    ProcessKilled,
    calling_back,
)
from tests.ports import new_ports
from tests.provider import Providers
from tests.submitting import Submitting
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
        # Pending receipts of carriers: time, reference, status and code.
        self.receipts: list[tuple[float, str, str, str]] = []
        # Number of processes that died.
        self.killed = 0
        # Called while a carrier handles a request.
        self.meanwhile: Callable[[], Awaitable[None]] = _nothing
        self.ports = new_ports(self.faults, self.clock, RETENTION_S)
        self.store, self.queues = self.ports.store, self.ports.queues
        self.counted, self.routing = self.ports.counted, self.ports.routing
        self.suppressions, self.last = self.ports.suppressions, self.ports.last
        self.platform = FakePlatform(self.faults)
        self.destinations = FakeDestinations()
        self.providers = Providers(self, {each.name: each for each in carriers})
        self.provider = self.providers.by_name["sim"]
        self.accounts = FakeAccountStore({"acme": account}, {}, self.providers.settings)
        self.signer = ReferenceSigner(b"tag key")
        self.link_signer = LinkSigner(b"link key")
        self.notes: list[Note] = []
        self.doors = self.new_doors()
        submit = self.ports.of("submit")
        self.submitting = Submitting(
            store=submit.store,
            queues=submit.queues,
            signer=self.signer,
            clock=self.clock,
            routing=submit.routing,
            counted=submit.counted,
            suppressions=submit.suppressions,
            notes=self.notes.append,
            last=submit.last,
            carrier=self.providers.connect,
            sleep=self._sleep,
        )
        self._random = itertools.count(1)

    def clock(self) -> float:
        return self.now

    async def _sleep(self, wait_s: float) -> None:
        self.now += wait_s

    async def take_receipts(self) -> None:
        """Deliver the carriers' due receipts to `receipt`; failures are repeated 10 s later."""
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
        except RequestRefused as refused:
            if refused.code is not Code.TRY_AGAIN:
                raise
        else:
            return
        self.receipts += [(self.now + 10, *receipt[1:]) for receipt in due]

    def accept_service(self) -> AcceptService:
        send = self.ports.of("send")
        return AcceptService(
            chunks=send.store,
            queues=send.queues,
            names=RandomNames(self.clock, lambda size: next(self._random).to_bytes(size, "big")),
            links=LinkMaker(send.store, lambda: self.link_signer),
            callback_urls=UrlRules(),
        )

    def submit_service(self) -> SubmitService:
        return self.submitting.service(RECEIPT_WAIT_S)

    def receive_service(self) -> ReceiveService:
        door = CarrierDoor(
            self.accounts, lambda settings: settings.receipt_secret, self.notes.append
        )
        queues = self.ports.of("receipt").queues
        return ReceiveService(door, queues, self.signer, self.clock, _confirm_nothing)

    def sweep_service(self) -> SweepService:
        queues = self.ports.of("sweep").queues
        return SweepService(queues, queues, self.clock, self.notes.append, InPlace())

    def inbound_service(self) -> InboundService:
        door = CarrierDoor(
            self.accounts, lambda settings: settings.receipt_secret, self.notes.append
        )
        inbound = self.ports.of("inbound")
        replies = ReplyService(inbound.store, inbound.last, inbound.queues, self.signer)
        return InboundService(
            door,
            self.accounts,
            inbound.suppressions,
            self.clock,
            _confirm_nothing,
            inbound.store,
            replies,
        )

    def deliver_service(self) -> DeliverService:
        dlr = self.ports.of("dlr")
        return DeliverService(
            dlr.store, dlr.queues, self.callback_service(), self.clock, self.notes.append
        )

    def callback_service(self) -> CallbackService:
        dlr = self.ports.of("dlr")
        return CallbackService(
            attempts=Attempts(
                store=dlr.store,
                queues=dlr.queues,
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

    def new_doors(self, function: str = "dlr") -> Doors:
        counted = self.ports.of(function).counted
        return Doors(counted, Pace(counted, self.clock, lambda: 0.5), self.clock)

    def link_service(self) -> LinkService:
        link = self.ports.of("link")
        return LinkService(link.store, link.queues, self.link_signer, self.clock)

    def click_service(self) -> ClickService:
        callbacks = self.callback_service()
        return ClickService(
            self.ports.of("dlr").store,
            callbacks.destinations,
            callbacks,
            self.clock,
            self.notes.append,
        )

    def parked_service(self) -> ParkedService:
        manage = self.ports.of("manage")
        return ParkedService(manage.parked, manage.queues, self.new_doors("manage").open)

    def history_service(self) -> HistoryService:
        return HistoryService(self.ports.of("manage").store, self.clock)

    def cancel_service(self) -> CancelService:
        manage = self.ports.of("manage")
        return CancelService(manage.store, manage.queues, self.clock)

    def check_service(self) -> CheckService:
        dlr = self.ports.of("dlr")
        return CheckService(
            store=dlr.store,
            queues=dlr.queues,
            clock=self.clock,
            receipt_wait_s=RECEIPT_WAIT_S,
            retry_delays_s=RETRY_DELAYS_S,
        )


async def _nothing() -> None:
    """Do nothing, the default of `meanwhile`."""
