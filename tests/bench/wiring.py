"""The handlers on the real services, adapters and SDK; AWS is a ledger in memory."""

import os
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from types import ModuleType
from typing import Any, NamedTuple, Protocol

from harkara.aws.activity import DynamoActivityStore
from harkara.aws.carriers import DynamoCarrierStore, DynamoRoutingStore
from harkara.aws.clients import session
from harkara.aws.limits import DynamoLimitStore
from harkara.aws.messages import DynamoLastMessages, DynamoMessageStore
from harkara.aws.queues import DynamoDueTable, SqsTaskQueues
from harkara.aws.suppressions import DynamoSuppressionList
from harkara.base.ids import ReferenceSigner
from harkara.callbacks.posting import CallbackPoster
from harkara.carriers.contract import Carrier, Connected, Outcome, Revocation, Submission, Taken
from harkara.carriers.settings import CarrierSettings, hash_token
from harkara.links.codec import LinkSigner
from harkara.model.accounts import Account, Credential, Enforcement, Secret, hash_secret
from harkara.model.callbacks import Destination, PostResult, UrlRules
from harkara.model.messages import Endpoint
from harkara.model.tasks import CallbackTask, QueueName
from harkara.runtime import metrics
from harkara.state.endpoint_health import EndpointHealth
from harkara.state.rates import RateLimiter
from harkara.wiring import activity, dlr, receipt, send, submit, sweep
from tests.bench.ledger import Ledger
from tests.functions.invoking import load
from tests.support.fakes import calling_back
from tests.support.peers import FakeDestinations
from tests.support.ports import FakeFailedRecords
from tests.support.virtual import InPlace

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

    async def revoke(self, submission: Submission, within_s: float) -> Revocation:
        return Revocation.KEPT

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
    endpoint_health: EndpointHealth


def wire(ledger: Ledger, outside: Everything, clock: Callable[[], float]) -> Wired:
    """Return the handlers on a ledger, with one account and one carrier."""
    dynamodb, sqs = session().client("dynamodb"), session().client("sqs")
    ledger.listen(dynamodb, sqs)
    seed(dynamodb, [ACCOUNT])
    return connect(dynamodb, sqs, outside, clock)


def seed(dynamodb: Any, accounts: Iterable[Account]) -> None:
    """Put accounts into their table, each with a credential of its name, and the carrier."""
    store = DynamoCarrierStore(dynamodb, "Accounts")
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
    random_fraction: Callable[[], float] = _half,
    settings: CarrierSettings = CARRIER,
    functions: Sequence[str] = FUNCTIONS,
    calls: Executor | None = None,
) -> Wired:
    """Return the handlers of one process, on these clients."""
    accounts = DynamoCarrierStore(dynamodb, "Accounts", clock=clock)
    store = DynamoMessageStore(dynamodb, "Messages", RETENTION_S, clock)
    counted = DynamoLimitStore(dynamodb, "Messages")
    due = DynamoDueTable(dynamodb, "Due", clock)
    urls = {name: f"https://sqs.ap-south-1.amazonaws.com/1/{name}" for name in QueueName}
    queues = SqsTaskQueues(sqs, urls, due)
    signer = ReferenceSigner(b"tag key")
    endpoint_health = EndpointHealth(counted, RateLimiter(counted, clock, random_fraction), clock)

    async def carrier(_: str) -> Connected:
        return Connected(settings, outside)

    wired: dict[str, Any] = {
        "send": send.wire(
            accounts=accounts,
            store=store,
            queues=queues,
            counted=counted,
            pepper=PEPPER,
            link_signer=lambda: LinkSigner(b"link key"),
            callback_urls=UrlRules(),
            clock=clock,
            random_fraction=random_fraction,
            randomness=os.urandom,
        ),
        "submit": submit.wire(
            store=store,
            queues=queues,
            routing=DynamoRoutingStore(dynamodb, "Accounts", clock),
            carrier=carrier,
            counted=counted,
            suppressions=DynamoSuppressionList(dynamodb, "Accounts"),
            last=DynamoLastMessages(dynamodb, "Messages", signer, RETENTION_S, clock),
            signer=signer,
            receipt_wait_s=RECEIPT_WAIT_S,
            clock=clock,
            random_fraction=random_fraction,
            emit=metrics.write,
        ),
        "receipt": receipt.wire(
            accounts=accounts,
            secret=lambda _: b"",
            queues=queues,
            signer=signer,
            confirm=_never,
            clock=clock,
            emit=metrics.write,
        ),
        "dlr": dlr.wire(
            store=store,
            queues=queues,
            poster=outside,
            destinations=FakeDestinations(),
            endpoint_health=endpoint_health,
            suppressions=DynamoSuppressionList(dynamodb, "Accounts"),
            receipt_wait_s=RECEIPT_WAIT_S,
            retry_delays_s=RETRY_DELAYS_S,
            clock=clock,
            random_fraction=random_fraction,
            emit=metrics.write,
        ),
        "activity": activity.wire(
            store=DynamoActivityStore(dynamodb, "Activity", RETENTION_S, clock),
            failed=FakeFailedRecords(),
            pepper=PEPPER,
            clock=clock,
            emit=metrics.write,
        ),
        "sweep": sweep.wire(
            due=due, queues=queues, calls=calls or InPlace(), clock=clock, emit=metrics.write
        ),
    }
    modules: dict[str, ModuleType] = {}
    for function in functions:
        modules[function] = module = load(function)
        module.services = lambda of=function: wired[of]  # type: ignore[attr-defined]
    return Wired(modules, endpoint_health)


def _never(url: str) -> None:
    raise AssertionError("no subscription is confirmed here")
