"""The services on ports in memory, wired as the functions wire them; the test sets the time."""

import itertools
from collections.abc import Awaitable, Callable, Sequence

from pydantic_core import to_json

from harkara.accept.service import AcceptService
from harkara.activity.service import ActivityService
from harkara.aws.operator import OperatorStore
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.base.ids import ReferenceSigner
from harkara.base.log_events import LogEvent
from harkara.callbacks.posting import CallbackPoster
from harkara.carriers.contract import Connected
from harkara.carriers.receipts import ReceiptRequest
from harkara.carriers.settings import CarrierSettings, hash_token
from harkara.inbound.service import InboundService
from harkara.links.codec import LinkSigner
from harkara.links.shorten import LinkService
from harkara.model.accounts import Account, Enforcement
from harkara.model.callbacks import UrlRules
from harkara.model.people import AuditEntry
from harkara.receipts.service import ReceiveService
from harkara.scheduler import SweepService
from harkara.state.endpoint_health import EndpointHealth
from harkara.state.rates import RateLimiter
from harkara.submit.service import SubmitService
from harkara.wiring import activity, dlr, files, inbound, link, manage, receipt, send, submit, sweep
from tests.support.bucket import Bucket
from tests.support.dynamo import ACCOUNTS
from tests.support.fakes import FakeAccountStore, Faults, ProcessKilled, calling_back
from tests.support.peers import FakeDestinations, FakePlatform, Providers
from tests.support.policies import as_function
from tests.support.ports import FakeFailedRecords, new_ports
from tests.support.registry import FakeCipher, FakeRegistry
from tests.support.virtual import InPlace, nothing

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


class Wired:
    """Stores, queues, carriers and a platform in memory, and the services between them."""

    retry_delays_s: tuple[int, ...] = RETRY_DELAYS_S

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
        self.meanwhile: Callable[[], Awaitable[None]] = nothing
        self.bucket = Bucket()
        self.ports = new_ports(self.faults, self.clock, RETENTION_S, self.bucket)
        self.store, self.queues = self.ports.store, self.ports.queues
        self.counted, self.routing = self.ports.counted, self.ports.routing
        self.suppressions, self.last = self.ports.suppressions, self.ports.last
        self.audited: list[AuditEntry] = []
        self.platform = FakePlatform(self.faults)
        self.destinations = FakeDestinations()
        self.providers = Providers(self, {each.name: each for each in carriers})
        self.provider = self.providers.by_name["sim"]
        self.accounts = FakeAccountStore({account.id: account}, {}, self.providers.settings)
        self.registry = FakeRegistry(self.accounts)
        self.signer = ReferenceSigner(b"tag key")
        self.link_signer = LinkSigner(b"link key")
        self.log_events: list[LogEvent] = []
        self.failed = FakeFailedRecords()
        self.endpoint_health = self.new_endpoint_health()
        self.carrier: Callable[[str], Awaitable[Connected]] = self.providers.connect
        self.poster: CallbackPoster = self.platform
        self.callback_urls = UrlRules()
        # Waits within an invocation of `submit`.
        self.submit_sleep: Callable[[float], Awaitable[None]] = self.sleep
        self._random = itertools.count(1)

    def clock(self) -> float:
        return self.now

    async def sleep(self, wait_s: float) -> None:
        self.now += wait_s

    def note(self, event: LogEvent) -> None:
        self.log_events.append(event)

    def confirm(self, url: str) -> None:
        raise AssertionError("the carrier of the world asks for no subscription")

    def randomness(self, size: int) -> bytes:
        return next(self._random).to_bytes(size, "big")

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
        return self.send_services().accept

    def send_services(self, function: str = "send") -> send.SendServices:
        on = self.ports.of(function)
        return send.wire(
            accounts=self.accounts,
            store=on.store,
            queues=on.queues,
            counted=on.counted,
            pepper=b"pepper",
            link_signer=lambda: self.link_signer,
            callback_urls=self.callback_urls,
            clock=self.clock,
            random_fraction=_half,
            randomness=self.randomness,
        )

    def submit_service(self) -> SubmitService:
        """Return the service of a process that just started."""
        on = self.ports.of("submit")
        return submit.wire(
            store=on.store,
            queues=on.queues,
            routing=on.routing,
            carrier=self.carrier,
            counted=on.counted,
            suppressions=on.suppressions,
            last=on.last,
            signer=self.signer,
            receipt_wait_s=RECEIPT_WAIT_S,
            clock=self.clock,
            random_fraction=_half,
            emit=self.note,
            sleep=self.submit_sleep,
        )

    def receive_service(self) -> ReceiveService:
        return receipt.wire(
            accounts=self.accounts,
            secret=lambda settings: settings.receipt_secret,
            queues=self.ports.of("receipt").queues,
            signer=self.signer,
            confirm=self.confirm,
            clock=self.clock,
            emit=self.note,
        )

    def sweep_service(self) -> SweepService:
        queues = self.ports.of("sweep").queues
        return sweep.wire(
            due=queues,
            queues=queues,
            calls=InPlace(),
            clock=self.clock,
            emit=self.note,
        )

    def inbound_service(self) -> InboundService:
        on = self.ports.of("inbound")
        return inbound.wire(
            accounts=self.accounts,
            secret=lambda settings: settings.receipt_secret,
            suppressions=on.suppressions,
            registry=self.registry,
            store=on.store,
            last=on.last,
            queues=on.queues,
            signer=self.signer,
            confirm=self.confirm,
            clock=self.clock,
            randomness=self.randomness,
            emit=self.note,
        )

    def link_service(self) -> LinkService:
        on = self.ports.of("link")
        return link.wire(
            store=on.store, queues=on.queues, signer=self.link_signer, clock=self.clock
        )

    def dlr_services(self) -> dlr.DlrServices:
        on = self.ports.of("dlr")
        return dlr.wire(
            store=on.store,
            queues=on.queues,
            poster=self.poster,
            destinations=self.destinations,
            endpoint_health=self.endpoint_health,
            suppressions=on.suppressions,
            receipt_wait_s=RECEIPT_WAIT_S,
            retry_delays_s=self.retry_delays_s,
            clock=self.clock,
            random_fraction=_half,
            emit=self.note,
            sleep=self.sleep,
        )

    def new_endpoint_health(self) -> EndpointHealth:
        counted = self.ports.of("dlr").counted
        return EndpointHealth(counted, RateLimiter(counted, self.clock, _half), self.clock)

    def activity_service(self) -> ActivityService:
        return activity.wire(
            store=self.ports.of("activity").activity,
            failed=self.failed,
            pepper=b"pepper",
            clock=self.clock,
            emit=self.note,
        )

    def files_services(self) -> files.FilesServices:
        on = self.ports.of("files")
        return files.wire(
            jobs=on.jobs,
            files=on.files,
            activity=on.activity,
            messages=on.store,
            queues=on.queues,
            pepper=b"pepper",
            clock=self.clock,
            emit=self.note,
        )

    def manage_services(self, function: str = "manage") -> manage.ManageServices:
        on = self.ports.of(function)
        operator = OperatorStore(as_function(function, self.routing.dynamo), ACCOUNTS)
        return manage.wire(
            accounts=self.accounts,
            registry=self.registry,
            cipher=FakeCipher(),
            store=on.store,
            dead_letters=on.dead_letters,
            counted=on.counted,
            suppressions=on.suppressions,
            record=self.audited.append,
            routing=operator.routing,
            change_routing=operator.change_routing,
            activity=on.activity,
            jobs=on.jobs,
            files=on.files,
            queues=on.queues,
            poster=self.poster,
            pepper=b"pepper",
            callback_urls=self.callback_urls,
            clock=self.clock,
            random_fraction=_half,
            randomness=self.randomness,
        )


def _half() -> float:
    return 0.5
