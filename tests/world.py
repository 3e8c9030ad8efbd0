"""The whole pipeline in one process: real services on in-memory ports, time by hand, kills.

A function's process dies at a call to the outside (`Faults`); its queue message comes back after
the visibility time-out. The world runs until nothing waits any more, however far away.
"""

import asyncio
import itertools
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from pydantic_core import to_json

from harkara.accounts import Account, Enforcement
from harkara.callback_urls import UrlRules
from harkara.carrier_settings import CarrierSettings, hash_token
from harkara.codes import Code
from harkara.deadline import Deadline
from harkara.errors import HarkaraError, RequestRefused
from harkara.events import Click
from harkara.ids import ReferenceSigner, mid_of
from harkara.links import LinkSigner
from harkara.marks import Claimant, index_of
from harkara.messages import Chunk, Endpoint, unpack
from harkara.ports import Note
from harkara.received import ReceiptRequest
from harkara.requests import Record, RecordResult, SendRequest
from harkara.services.accept import AcceptService
from harkara.services.attempts import Attempts
from harkara.services.callbacks import CallbackService
from harkara.services.cancel import CancelService
from harkara.services.check import CheckService
from harkara.services.clicks import ClickService
from harkara.services.deliver import DeliverService
from harkara.services.doors import Doors
from harkara.services.inbound import InboundService
from harkara.services.ingress import CarrierDoor
from harkara.services.links import LinkMaker, LinkService
from harkara.services.names import RandomNames
from harkara.services.pace import Pace
from harkara.services.pointers import deliver_named
from harkara.services.receive import ReceiveService
from harkara.services.replies import ReplyService
from harkara.services.submit import SubmitService
from harkara.services.sweep import SweepService
from harkara.submit_tasks import decode_submit
from harkara.tasks import (
    CallbackTask,
    CarrierReceiptsTask,
    CheckTask,
    ClickTask,
    EventTask,
    QueueName,
    ReceiptsTask,
    RecoverTask,
    decode_dlr,
    owner_of,
)
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
    QueueMessage,
    caller_of,
    calling_back,
    trust,
)
from tests.lists import FakeSuppressionList
from tests.provider import Providers
from tests.submitting import FakeRoutingStore, Submitting

NOW = 1_700_000_000.0  # 03:43 at night in India
RETENTION_S = 7 * 86_400  # the shortest that the template allows
BUDGET_S = 60.0
VISIBILITY_S = 360.0
RECEIPT_WAIT_S = 72 * 3600
RETRY_DELAYS_S = (5, 30, 300, 1800, 7200, 18000, 36000, 36000)
SWEEP_S = 60.0
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


async def _nothing() -> None:
    """Happens while the carrier thinks, unless a test has other plans."""


def _confirm_nothing(url: str) -> None:
    raise AssertionError("the carrier of the world asks for no subscription")


class World:
    """Everything between a platform's request and its callbacks."""

    def __init__(
        self,
        faults: Faults | None = None,
        *,
        now: float = NOW,
        account: Account = ACCOUNT,
        carriers: Sequence[CarrierSettings] = (CARRIER,),
    ) -> None:
        self.faults = faults or Faults()
        self.now = now
        self.account = account
        self.receipts: list[tuple[float, str, str, str]] = []
        self.plans: list[tuple[float, Callable[[], object]]] = []
        self.cancelled: set[str] = set()
        self.killed = 0
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
        self.destinations = FakeDestinations()
        self.counted = FakeLimitStore(self.faults)
        self.doors = self._doors()
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
        self.counts: Counter[str] = Counter()
        self._holders = itertools.count()
        self._random = itertools.count(1)
        self._next_sweep = self.now
        self.meanwhile: Callable[[], Awaitable[None]] = _nothing
        self.remaining_s: Callable[[], float] = lambda: BUDGET_S

    def clock(self) -> float:
        return self.now

    async def _sleep(self, wait_s: float) -> None:
        self.now += wait_s

    def send(self, records: Sequence[Record], **fields: str) -> list[RecordResult] | None:
        """Accept a request as `send` does; None when its process died and the client heard 5xx."""
        request = SendRequest(list(records), fields.get("callback_url", ""))
        try:
            return self.accept_service().accept(caller_of(self.account), request)
        except ProcessKilled:
            self.killed += 1
            return None

    def cancel(self, mid: str) -> Code | None:
        """Cancel a message; return why it was refused. `cancelled` has what was answered so."""
        try:
            CancelService(self.store, self.queues, self.clock).cancel(self.account, mid)
        except RequestRefused as refused:
            return refused.code
        except ProcessKilled:
            self.killed += 1
            return None
        self.cancelled.add(mid)
        return None

    def trust(self) -> None:
        """Let the account's callback have acknowledged something lately."""
        trust(self.counted, self.account.id, Endpoint(URL, "clevertap", "main"), self.now)

    def at(self, delay_s: float, action: Callable[[], object]) -> None:
        """Plan what happens from outside, so many seconds from now."""
        self.plans.append((self.now + delay_s, action))

    def run(self, for_s: float = math.inf) -> None:
        """Run until nothing is waiting in a queue, in the Due table or at the carrier.

        Or for so many seconds: what is to happen later then waits.
        """
        asyncio.run(self._run(self.now + for_s))

    async def _run(self, end_s: float) -> None:
        # A process of `submit` lives on between its invocations, until it is killed.
        self.submit = self.submit_service()
        for _ in range(100_000):
            moments = [
                *(at for at, _ in self.plans),
                *(message.visible_at for message in self.queues.waiting),
                *(at for at, *_ in self.receipts),
                *(max(row.due_ms / 1000, self._next_sweep) for row in self.queues.waiting_rows),
            ]
            if min(moments, default=math.inf) >= end_s:
                return
            self.now = max(self.now, min(moments))
            if due := [plan for plan in self.plans if plan[0] <= self.now]:
                self.plans.remove(due[0])
                due[0][1]()
            elif self.receipts and min(at for at, *_ in self.receipts) <= self.now:
                await self.take_receipts()
            elif ready := [m for m in self.queues.waiting if m.visible_at <= self.now]:
                await self.deliver(min(ready, key=lambda message: message.visible_at))
            else:
                self._sweep()
        raise AssertionError("the world does not come to rest")

    async def deliver(self, message: QueueMessage) -> None:
        """Give a queue message to its function, as SQS and Lambda do."""
        message.receive_count += 1
        assert message.receive_count <= 20, "this message would be in the dead-letter queue"
        message.visible_at = self.now + VISIBILITY_S
        claimant = Claimant(
            owner_of(message.id, message.body),
            f"holder-{next(self._holders)}",
            int((self.now + BUDGET_S) * 1000),
        )
        try:
            self.counts += await self.handle(message, claimant)
        except ProcessKilled:
            self.killed += 1
            self.submit = self.submit_service()
            self.doors = self._doors()
        except HarkaraError as error:
            self.counts[type(error).__name__] += 1
        else:
            if message in self.queues.waiting:
                self.queues.waiting.remove(message)

    async def handle(self, message: QueueMessage, claimant: Claimant) -> Counter[str]:
        deadline = Deadline(self.remaining_s)
        if message.queue in (QueueName.SUBMIT, QueueName.SUBMIT_PRIORITY):
            return await self.submit.submit(decode_submit(message.body), claimant, deadline)
        match decode_dlr(message.body):
            case ReceiptsTask(receipts, carrier):
                return await self.deliver_service().deliver(receipts, claimant, deadline, carrier)
            case CarrierReceiptsTask() as named:
                return await deliver_named(self.deliver_service(), named, claimant, deadline)
            case RecoverTask() as lost:
                return await self.deliver_service().recover(lost, claimant, deadline)
            case CheckTask() as chunk:
                return await self.check_service().check(chunk)
            case CallbackTask() as callback:
                return await self.callback_service().call_back(callback, claimant, deadline)
            case EventTask() as event:
                return await self.callback_service().post_event(event, claimant, deadline)
            case ClickTask() as click:
                return await self.click_service().click(click, claimant, deadline)

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

    def _sweep(self) -> None:
        self._next_sweep = self.now + SWEEP_S
        try:
            self.sweep_service().sweep(Deadline(lambda: 50.0))
        except ProcessKilled:
            self.killed += 1

    # The services, wired as the functions wire them.

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
        return SweepService(self.queues, self.queues, self.clock, self.notes.append)

    def inbound_service(self) -> InboundService:
        door = CarrierDoor(
            self.accounts, lambda settings: settings.receipt_secret, self.notes.append
        )
        replies = ReplyService(self.store, self.last, self.queues, self.signer)
        return InboundService(
            door, self.accounts, self.suppressions, self.clock, _confirm_nothing, replies
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

    def _doors(self) -> Doors:
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

    # What came of it.

    def chunks(self) -> dict[str, Chunk]:
        """Everything that was stored, by id."""
        return {row[0]: unpack(*row) for row in self.store.packed.items()}

    def finals(self) -> dict[str, str]:
        """Final state by mid."""
        chunks = self.chunks()
        return {
            chunks[pk].mid(index_of(kind)): mark.data["state"]
            for (pk, kind), mark in self.store.marks.items()
            if kind.startswith("final#")
        }

    def called_back(self) -> Counter[str]:
        """How often the platform took a callback that tells of a mid's final state."""
        return Counter(dlr.mid for dlr in self.platform.dlrs)

    def told_clicks(self) -> Counter[tuple[str, str]]:
        """How often the platform took a click, by mid and link."""
        return Counter(
            (member.mid, member.short_url)
            for task in self.platform.taken
            for member in task.members
            if isinstance(member, Click)
        )

    def in_doubt(self) -> set[str]:
        """Mids of messages whose submit is in doubt, by their outcomes."""
        return {
            f"{pk}#{index}"
            for (pk, kind), mark in self.store.marks.items()
            if kind.startswith("outcome#")
            for index in mark.data["in_doubt"]
        }

    def callbacks_in_doubt(self) -> set[str]:
        """Mids of which a callback was perhaps posted before it was posted again."""
        owners = {
            (pk, kind.split("#")[1])
            for (pk, kind), mark in self.store.marks.items()
            if kind.startswith("post#") and mark.data["in_doubt"]
        }
        return {
            mid
            for (pk, kind), mark in self.store.marks.items()
            if kind.startswith("ack#") and (pk, kind.split("#")[1]) in owners
            for chunk_id, indexes in mark.data["members"].items()
            for mid in (mid_of(chunk_id, index) for index in indexes)
        }
