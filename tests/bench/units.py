"""What a message uses of AWS over its whole life, and what a million of them cost.

The handlers run on the real services, adapters and SDK, from the request to the check 72 hours
after it; AWS is a ledger in memory. Carrier and platform answer at once, and take everything.
"""

import json
import os
import time
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

from harkara import metrics
from harkara.accounts import Account, Credential, Enforcement, Secret, hash_secret
from harkara.aws.accounts import DynamoAccountStore
from harkara.aws.clients import client
from harkara.aws.due import DynamoDueTable
from harkara.aws.last_messages import DynamoLastMessages
from harkara.aws.limits import DynamoLimitStore
from harkara.aws.messages import DynamoMessageStore
from harkara.aws.queues import SqsTaskQueues
from harkara.aws.routing import DynamoRoutingStore
from harkara.aws.suppression import DynamoSuppressionList
from harkara.callback_settings import Destination
from harkara.callback_urls import UrlRules
from harkara.carrier_settings import CarrierSettings, hash_token
from harkara.ids import ReferenceSigner
from harkara.links import LinkSigner
from harkara.messages import Endpoint
from harkara.posting import PostResult
from harkara.services.accept import AcceptService
from harkara.services.attempts import Attempts
from harkara.services.authenticate import Authenticator
from harkara.services.breaker import Breakers
from harkara.services.callbacks import CallbackService
from harkara.services.check import CheckService
from harkara.services.clicks import ClickService
from harkara.services.deliver import DeliverService
from harkara.services.doors import Doors, Entry, Verdict
from harkara.services.handover import HandOver
from harkara.services.idempotency import Idempotency
from harkara.services.ingress import CarrierDoor
from harkara.services.join import JoinService
from harkara.services.links import LinkMaker
from harkara.services.names import RandomNames
from harkara.services.pace import Pace
from harkara.services.receive import ReceiveService
from harkara.services.routing import Router
from harkara.services.submit import SubmitService
from harkara.services.sweep import SHARDS, SweepService
from harkara.submissions import Connected, Outcome, Submission, Taken
from harkara.tasks import CallbackTask, QueueName
from tests.bench.accept import FAKE_AWS
from tests.bench.ledger import Ledger
from tests.bench.logs import caught_log
from tests.bench.report import Row
from tests.fakes import FakeDestinations, calling_back
from tests.functions.invoking import Context, Event, http_event, load, sqs_event

PRICES = Path(__file__).parent / "prices.json"
RECEIPT_WAIT_S = 72 * 3600
RETENTION_S = 30 * 86_400
RETRY_DELAYS_S = (5, 30, 300, 1800, 7200, 18000, 36000, 36000)
# Nothing here can tell how long Lambda would take.
LABELS = {"gb_s": "gb_s (durations assumed)"}
TOKEN, SECRET, PEPPER = "token", "secret", b"pepper"
ARRAY = 100
# A run of sweep reads its cursors and looks into each shard; where something was due it moves each
# cursor. So much a minute is nobody's message: it has a row of its own.
SWEEP_UNITS = {"read_units": 1 + SHARDS, "write_units": SHARDS}
SWEEPS_A_MONTH = 30 * 24 * 60
MEMORY_GB = {"receipt": 0.5, "sweep": 0.5}

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


class Case(NamedTuple):
    """How messages come: `records` a request, `receipts` a POST of the carrier's.

    `apart`: each POST is done with before the next comes, so nothing waits to be joined.
    """

    name: str
    requests: int
    records: int
    receipts: int
    bar: float
    apart: bool = False


CASES = (
    Case("in bulk, receipts in arrays", 2, 1_000, ARRAY, 1.5),
    Case("in bulk, receipts one by one", 2, 1_000, 1, 2.5),
    Case("in bulk, receipts one by one and far apart", 2, 1_000, 1, 2.5, apart=True),
    Case("one-message requests", 200, 1, 1, 6),
    Case("one-message requests, receipts far apart", 200, 1, 1, 6, apart=True),
)


class Used(NamedTuple):
    """What the messages of a case used, each on average."""

    case: Case
    amounts: Mapping[str, float]
    calls: float


def measure() -> list[Row]:
    """Return the rows of this part."""
    os.environ.update(FAKE_AWS)
    used = [_Life(case).run() for case in CASES]
    rows = []
    for case, amounts, calls in used:
        units = amounts["write_units"]
        rows.append(Row(f"DynamoDB write units, {case.name}", units, "a message", case.bar))
        rows.append(Row(f"AWS calls, {case.name}", calls, "a message"))
    prices = json.loads(PRICES.read_text())
    for region, price in prices["regions"].items():
        a_run = sum(number * price[name] for name, number in SWEEP_UNITS.items())
        rows.append(
            Row(
                f"sweep's own reads and cursors in {region}, whatever is sent",
                a_run * SWEEPS_A_MONTH,
                "USD a month, at most",
            )
        )
        for each in used:
            costs = {name: each.amounts[name] * price[name] * 1e6 for name in price}
            rows.append(
                Row(
                    f"a million messages in {region}, {each.case.name}",
                    sum(costs.values()),
                    "USD",
                    note=", ".join(
                        f"{LABELS.get(name, name)} {cost:.2f}" for name, cost in costs.items()
                    ),
                )
            )
    return rows


class _Everything:
    """Carrier and platform: they take all they get, the carrier's references are `taken`."""

    timeout_s = 1.0

    def __init__(self) -> None:
        self.taken: list[str] = []

    async def submit(self, submissions: Sequence[Submission], within_s: float = 0) -> list[Outcome]:
        self.taken += [each.reference for each in submissions]
        return [Taken(str(uuid.uuid4())) for _ in submissions]

    async def post(
        self, callback: CallbackTask, destination: Destination, within_s: float = 0
    ) -> PostResult:
        return PostResult(200, "")


class _Life:
    """The functions on a ledger, warm."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._ledger = Ledger()
        self._outside = _Everything()
        self._offset_s = 0.0
        self._invocations: dict[str, int] = {}
        self._api_requests = 0
        self._wire()

    def run(self) -> Used:
        case, ledger = self._case, self._ledger
        with caught_log() as log:
            self._send("warm", 1)
            self._settle(1, apart=True)
            # Where traffic does not cease, one write in five minutes keeps an endpoint's trust.
            acknowledged = Entry(Verdict.POST), PostResult(200, "")
            self._doors.leave(ACCOUNT.id, ENDPOINT, *acknowledged)
            ledger.billed.clear()
            ledger.calls.clear()
            self._invocations.clear()
            self._api_requests = 0
            log.seek(0)
            log.truncate()
            for number in range(case.requests):
                self._send(str(number), case.records)
            self._settle(case.receipts, apart=case.apart)
            logged_bytes = len(log.getvalue())
        count = case.requests * case.records
        amounts = {name: amount / count for name, amount in ledger.billed.items()}
        amounts["read_units"] = amounts.pop("half_read_units") / 2
        assumed_ms = json.loads(PRICES.read_text())["assumed_ms"]
        amounts |= {
            "api_requests": self._api_requests / count,
            "invocations": sum(self._invocations.values()) / count,
            "gb_s": sum(
                number * assumed_ms[name] / 1000 * MEMORY_GB.get(name, 1.0)
                for name, number in self._invocations.items()
            )
            / count,
            "log_gb": logged_bytes / 1e9 / count,
        }
        return Used(case, amounts, sum(ledger.calls.values()) / count)

    def _send(self, name: str, count: int) -> None:
        records = [
            {
                "to": f"9198{number:08d}",
                "from": "ACMEBK",
                "smstext": f"Dear customer {number}, your order {name}.{number} was shipped.",
                "smsgid": f"{1_700_000_000 + number}.12000.{name}.20260101.0.wzrk_default.-1.",
            }
            for number in range(count)
        ]
        body = json.dumps({"user": "demo", "pass": SECRET, "smstosend": records})
        self._call("send", http_event("POST", "/datasend", body))

    def _settle(self, receipts: int, *, apart: bool) -> None:
        """Do all that waits: submits, receipts, callbacks, and the checks three days later."""
        self._work("submit", QueueName.SUBMIT)
        taken, self._outside.taken = self._outside.taken, []
        for at in range(0, len(taken), receipts):
            entries = [{"smsgid": each, "status": "DELIVRD"} for each in taken[at : at + receipts]]
            body = json.dumps(entries if receipts > 1 else entries[0])
            self._call("receipt", http_event("POST", f"/receipts/sim/{TOKEN}", body))
            if apart:
                self._work("dlr", QueueName.RECEIPT)
        self._work("dlr", QueueName.RECEIPT)
        self._work("dlr", QueueName.CALLBACK)
        self._offset_s += RECEIPT_WAIT_S + 60
        self._sweep()
        self._work("dlr", QueueName.RECEIPT)
        assert not any(self._ledger.queues.values())

    def _sweep(self) -> None:
        """Sweep; what it costs however many tasks are due is taken off."""
        calls, billed = self._ledger.calls, self._ledger.billed
        moved = calls["UpdateItem"]
        self._call("sweep", {})
        moves = min(calls["UpdateItem"] - moved, SHARDS)
        calls.subtract({"GetItem": 1, "Query": SHARDS, "UpdateItem": moves})
        billed.subtract({"half_read_units": 2 * SWEEP_UNITS["read_units"], "write_units": moves})

    def _work(self, function: str, queue: QueueName) -> None:
        while bodies := self._ledger.receive(queue):
            event = sqs_event(*bodies)
            for record in event["Records"]:
                record["messageId"] = str(uuid.uuid4())  # marks carry it: it names their owner
            answer = self._call(function, event)
            assert answer == {"batchItemFailures": []}, answer

    def _call(self, function: str, event: Event) -> Any:
        self._invocations[function] = self._invocations.get(function, 0) + 1
        if "rawPath" in event:
            self._api_requests += 1
        answer = self._modules[function].handler(event, Context())
        assert answer.get("statusCode", 200) == 200, answer
        return answer

    def _clock(self) -> float:
        return time.time() + self._offset_s

    def _wire(self) -> None:
        dynamodb, sqs = client("dynamodb"), client("sqs")
        self._ledger.listen(dynamodb, sqs)
        accounts = DynamoAccountStore(dynamodb, "Accounts")
        accounts.put_account(ACCOUNT)
        accounts.put_carrier(CARRIER)
        hashed = (Secret(hash=hash_secret(PEPPER, SECRET)),)
        accounts.put_credential(Credential(username="demo", account_id="demo", secrets=hashed))
        store = DynamoMessageStore(dynamodb, "Messages", RETENTION_S, self._clock)
        counted = DynamoLimitStore(dynamodb, "Messages")
        due = DynamoDueTable(dynamodb, "Due", self._clock)
        urls = {name: f"https://sqs.ap-south-1.amazonaws.com/1/{name}" for name in QueueName}
        queues = SqsTaskQueues(sqs, urls, due)
        signer = ReferenceSigner(b"tag key")
        breakers = Breakers(counted, self._clock, _half, metrics.write)
        suppressions = DynamoSuppressionList(dynamodb, "Accounts")

        async def carrier(_: str) -> Connected:
            return Connected(CARRIER, self._outside)

        submit = SubmitService(
            store=store,
            queues=queues,
            router=Router(
                DynamoRoutingStore(dynamodb, "Accounts"),
                carrier,
                breakers,
                Pace(counted, self._clock, _half),
                self._clock,
            ),
            hand=HandOver(store, signer, self._clock, breakers, suppressions, metrics.write),
            clock=self._clock,
            luck=_half,
            receipt_wait_s=RECEIPT_WAIT_S,
            notes=metrics.write,
            last=DynamoLastMessages(dynamodb, "Messages", signer, RETENTION_S, self._clock),
        )
        attempts = Attempts(store, queues, self._clock, _half, RETRY_DELAYS_S, metrics.write)
        self._doors = Doors(counted, Pace(counted, self._clock, _half), self._clock)
        callbacks = CallbackService(attempts, self._outside, FakeDestinations(), self._doors)
        names = RandomNames(self._clock, os.urandom)
        wired: dict[str, Any] = {
            "send": SimpleNamespace(
                authenticator=Authenticator(accounts, PEPPER, self._clock),
                accept=AcceptService(
                    chunks=store,
                    queues=queues,
                    names=names,
                    links=LinkMaker(store, lambda: LinkSigner(b"link key")),
                    callback_urls=UrlRules(),
                ),
                idempotency=Idempotency(store, self._clock, os.urandom),
            ),
            "submit": submit,
            "receipt": ReceiveService(
                CarrierDoor(accounts, lambda _: b"", metrics.write),
                queues,
                signer,
                self._clock,
                _never,
            ),
            "dlr": (
                DeliverService(store, queues, callbacks, self._clock, metrics.write),
                callbacks,
                CheckService(store, queues, self._clock, RECEIPT_WAIT_S, RETRY_DELAYS_S),
                ClickService(store, callbacks.destinations, callbacks, self._clock, metrics.write),
                JoinService(queues),
            ),
            "sweep": SweepService(due, queues, self._clock, metrics.write),
        }
        self._modules: dict[str, ModuleType] = {}
        for function, service in wired.items():
            module = load(function)
            name = "services" if hasattr(module, "services") else "service"
            setattr(module, name, lambda service=service: service)
            self._modules[function] = module


def _half() -> float:
    return 0.5


def _never(url: str) -> None:
    raise AssertionError("no subscription is confirmed here")
