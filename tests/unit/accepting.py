"""AcceptService on stores and queues with scripted failures."""

import itertools
from collections.abc import Sequence
from typing import Any

import pytest

from harkara.accept.requests import Record, RecordResult, SendRequest
from harkara.accept.service import AcceptService
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused, StoreUnavailable
from harkara.base.ids import RandomIds
from harkara.links.codec import LinkSigner
from harkara.links.shorten import LinkMaker
from harkara.model.accounts import Account, Enforcement, Sender
from harkara.model.callbacks import UrlRules
from harkara.model.messages import Category, MessageBatch, unpack
from harkara.model.tasks import QueueName
from tests.support.fakes import FakeMessageStore, Faults, caller_of, calling_back

NOW = 1_767_258_000.25
PEPPER = b"pepper"
URL = "https://api.clevertap.com/dlr"
ACCOUNT = Account(
    id="acme",
    name="Acme",
    carrier="sim",
    **calling_back(URL),
    dlt=Enforcement.OFF,
    senders={"ACMOTP": Sender(header="ACMOTP", categories=(Category.OTP,))},
)
BULK = Record(to="9876543210", sender_id="ACMEBK", text="Hello", client_ref="ref")
OTP = BULK._replace(sender_id="ACMOTP")
WRONG = BULK._replace(text="")


class Batches:
    """Accepts message batches, but fails at the given calls (0 is the first)."""

    def __init__(self, fail_at: set[int]) -> None:
        self.fail_at = fail_at
        self.calls = 0
        self.packed: dict[str, bytes] = {}

    def put_batch(self, batch_id: str, packed: bytes, due_at_ms: int) -> None:
        self.calls += 1
        if self.calls - 1 in self.fail_at:
            raise StoreUnavailable("ProvisionedThroughputExceededException")
        self.packed[batch_id] = packed
        self.due_at_ms = due_at_ms

    def all(self) -> list[MessageBatch]:
        return [unpack(batch_id, packed) for batch_id, packed in self.packed.items()]


class Queues:
    """Accepts tasks, refuses them or fails, as scripted by call."""

    def __init__(self, script: Sequence[bool | Exception]) -> None:
        self.script = list(script)
        self.sent: list[tuple[QueueName, str, str]] = []
        self.scheduled: list[tuple[QueueName, float]] = []

    def send(
        self,
        queue: QueueName,
        bodies: Sequence[str],
        group: str = "",
        delays_s: Sequence[int] = (),
    ) -> list[bool]:
        (body,) = bodies
        result = self.script.pop(0) if self.script else True
        if isinstance(result, Exception):
            raise result
        if result:
            self.sent.append((queue, body, group))
        return [result]

    def schedule(self, queue: QueueName, body: str, delay_s: float, group: str = "") -> None:
        self.scheduled.append((queue, delay_s))
        self.send(queue, [body], group)

    def put_back(self, queue_arn: str, delays_s: Sequence[tuple[str, int]]) -> None:
        raise AssertionError("`send` receives nothing")


class Accept:
    """The service on fakes."""

    def __init__(
        self, fail_at: Sequence[int] = (), queues: Sequence[bool | Exception] = (), **fields: Any
    ) -> None:
        self.account = ACCOUNT.model_copy(update=fields)
        self.batches = Batches(set(fail_at))
        self.queues = Queues(queues)
        self.ledger = FakeMessageStore(Faults())
        numbers = itertools.count(1)
        self.service = AcceptService(
            batches=self.batches,
            queues=self.queues,
            names=RandomIds(lambda: NOW, lambda size: next(numbers).to_bytes(size, "big")),
            links=LinkMaker(self.ledger, lambda: LinkSigner(b"link key")),
            callback_urls=UrlRules(),
        )

    def accept(self, *records: Record, url: str = "") -> list[RecordResult]:
        return self.service.accept(caller_of(self.account), SendRequest(list(records), url))

    def refusal(self, *records: Record, url: str = "") -> Code:
        with pytest.raises(RequestRefused) as refused:
            self.accept(*records, url=url)
        return refused.value.code
