"""The handlers on the real services, adapters and SDK; AWS is a ledger in memory."""

import os
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple, Protocol

from harkara.accept.id_source import RandomNames
from harkara.accept.idempotency import Idempotency
from harkara.accept.service import AcceptService
from harkara.api.authentication import Authenticator
from harkara.aws.accounts import DynamoAccountStore
from harkara.aws.clients import client
from harkara.aws.due import DynamoDueTable
from harkara.aws.last_messages import DynamoLastMessages
from harkara.aws.limits import DynamoLimitStore
from harkara.aws.messages import DynamoMessageStore
from harkara.aws.queues import SqsTaskQueues
from harkara.aws.routing import DynamoRoutingStore
from harkara.aws.suppressions import DynamoSuppressionList
from harkara.base.ids import ReferenceSigner
from harkara.callbacks.posting import CallbackPoster
from harkara.callbacks.retries import Attempts
from harkara.callbacks.service import CallbackService
from harkara.carriers.contract import Carrier, Connected, Outcome, Submission, Taken
from harkara.carriers.settings import CarrierSettings, hash_token
from harkara.links.clicks import ClickService
from harkara.links.codec import LinkSigner
from harkara.links.shorten import LinkMaker
from harkara.model.accounts import Account, Credential, Enforcement, Secret, hash_secret
from harkara.model.callback_urls import UrlRules
from harkara.model.callbacks import Destination, PostResult
from harkara.model.messages import Endpoint
from harkara.model.tasks import CallbackTask, QueueName
from harkara.receipts.coalesce import JoinService
from harkara.receipts.final_states import DeliverService
from harkara.receipts.reconcile import CheckService
from harkara.receipts.service import ReceiveService
from harkara.receipts.webhook_auth import CarrierDoor
from harkara.runtime import metrics
from harkara.scheduler import SweepService
from harkara.state.circuit_breaker import Breakers
from harkara.state.endpoint_health import Doors
from harkara.state.rates import Pace
from harkara.submit.dispatch import HandOver
from harkara.submit.planner import Router
from harkara.submit.service import SubmitService
from tests.bench.ledger import Ledger
from tests.fakes import FakeDestinations, calling_back
from tests.functions.invoking import load
from tests.virtual import InPlace

RECEIPT_WAIT_S = 72 * 3600
RETENTION_S = 30 * 86_400
RETRY_DELAYS_S = (5, 30, 300, 1800, 7200, 18000, 36000, 36000)
FUNCTIONS = ("send", "submit", "receipt", "dlr", "sweep")
TOKEN, SECRET, PEPPER = "token", "secret", b"pepper"

ENDPOINT = Endpoint("https://eu1.api.clevertap.com/demo", "clevertap", "main")
ACCOUNT = Account(
    id="demo",
    name="Demo",
    carrier="sim",
    **calling_back(ENDPOINT.url),
    dlt=Enforcement.OFF,
)
CARRIER = CarrierSettings(
    name="sim",
    kind="datasend",
    url="https://carrier.example/datasend",
    username="harkara",
    secret=b"-",
    receipt_token_hashes=(hash_token(TOKEN),),
)


class Outside(Carrier, CallbackPoster, Protocol):
    """A carrier and a platform."""


class Everything:
    """A carrier and a platform that accept everything; `taken` has the carrier's references."""

    timeout_s = 1.0

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.calls: Counter[str] = Counter()

    async def submit(self, submissions: Sequence[Submission], within_s: float = 0) -> list[Outcome]:
        self.calls["carrier"] += 1
        self.taken += [each.reference for each in submissions]
        return [Taken(str(uuid.uuid4())) for _ in submissions]

    async def post(
        self, callback: CallbackTask, destination: Destination, within_s: float = 0
    ) -> PostResult:
        self.calls["platform"] += 1
        return PostResult(200, "")


def _half() -> float:
    return 0.5


class Wired(NamedTuple):
    """Handlers by function, and the endpoint health that `dlr` uses."""

    modules: Mapping[str, ModuleType]
    doors: Doors


def wire(ledger: Ledger, outside: Everything, clock: Callable[[], float]) -> Wired:
    """Return the handlers on a ledger, with one account and one carrier."""
    dynamodb, sqs = client("dynamodb"), client("sqs")
    ledger.listen(dynamodb, sqs)
    seed(dynamodb, [ACCOUNT])
    return connect(dynamodb, sqs, outside, clock)


def seed(dynamodb: Any, accounts: Iterable[Account]) -> None:
    """Put accounts into their table, each with a credential of its name, and the carrier."""
    store = DynamoAccountStore(dynamodb, "Accounts")
    store.put_carrier(CARRIER)
    hashed = (Secret(hash=hash_secret(PEPPER, SECRET)),)
    for account in accounts:
        store.put_account(account)
        store.put_credential(Credential(username=account.id, account_id=account.id, secrets=hashed))


def connect(
    dynamodb: Any,
    sqs: Any,
    outside: Outside,
    clock: Callable[[], float],
    luck: Callable[[], float] = _half,
    settings: CarrierSettings = CARRIER,
    functions: Sequence[str] = FUNCTIONS,
    calls: Executor | None = None,
) -> Wired:
    """Return the handlers of one process, on these clients."""
    accounts = DynamoAccountStore(dynamodb, "Accounts", clock=clock)
    store = DynamoMessageStore(dynamodb, "Messages", RETENTION_S, clock)
    counted = DynamoLimitStore(dynamodb, "Messages")
    due = DynamoDueTable(dynamodb, "Due", clock)
    urls = {name: f"https://sqs.ap-south-1.amazonaws.com/1/{name}" for name in QueueName}
    queues = SqsTaskQueues(sqs, urls, due)
    signer = ReferenceSigner(b"tag key")
    breakers = Breakers(counted, clock, luck, metrics.write)
    suppressions = DynamoSuppressionList(dynamodb, "Accounts")

    async def carrier(_: str) -> Connected:
        return Connected(settings, outside)

    submit = SubmitService(
        store=store,
        queues=queues,
        router=Router(
            DynamoRoutingStore(dynamodb, "Accounts", clock),
            carrier,
            breakers,
            Pace(counted, clock, luck),
            clock,
        ),
        hand=HandOver(store, signer, clock, breakers, suppressions, metrics.write),
        clock=clock,
        luck=luck,
        receipt_wait_s=RECEIPT_WAIT_S,
        notes=metrics.write,
        last=DynamoLastMessages(dynamodb, "Messages", signer, RETENTION_S, clock),
    )
    attempts = Attempts(store, queues, clock, luck, RETRY_DELAYS_S, metrics.write)
    doors = Doors(counted, Pace(counted, clock, luck), clock)
    callbacks = CallbackService(attempts, outside, FakeDestinations(), doors)
    names = RandomNames(clock, os.urandom)
    wired: dict[str, Any] = {
        "send": SimpleNamespace(
            authenticator=Authenticator(accounts, PEPPER, clock),
            accept=AcceptService(
                chunks=store,
                queues=queues,
                names=names,
                links=LinkMaker(store, lambda: LinkSigner(b"link key")),
                callback_urls=UrlRules(),
            ),
            idempotency=Idempotency(store, clock, os.urandom),
        ),
        "submit": submit,
        "receipt": ReceiveService(
            CarrierDoor(accounts, lambda _: b"", metrics.write),
            queues,
            signer,
            clock,
            _never,
        ),
        "dlr": (
            DeliverService(store, queues, callbacks, clock, metrics.write),
            callbacks,
            CheckService(store, queues, clock, RECEIPT_WAIT_S, RETRY_DELAYS_S),
            ClickService(store, callbacks.destinations, callbacks, clock, metrics.write),
            JoinService(queues),
        ),
        "sweep": SweepService(due, queues, clock, metrics.write, calls or InPlace()),
    }
    modules: dict[str, ModuleType] = {}
    for function in functions:
        service = wired[function]
        module = load(function)
        name = "services" if hasattr(module, "services") else "service"
        setattr(module, name, lambda service=service: service)
        modules[function] = module
    return Wired(modules, doors)


def _never(url: str) -> None:
    raise AssertionError("no subscription is confirmed here")
