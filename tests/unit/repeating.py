"""Requests of two message batches under an Idempotency-Key."""

import itertools
from collections.abc import Callable

import pytest

from harkara.accept.idempotency import Answer, Idempotency
from harkara.accept.requests import IdSource
from harkara.base.errors import RequestRefused
from harkara.base.json import decode, encode
from harkara.model.accounts import Account, Caller, Credential
from harkara.model.tasks import QueueName
from tests.support.fakes import FakeMessageStore, Faults
from tests.support.queues import FakeTaskQueues

TIMEOUT_S = 15
CALLER = Caller(
    Account(id="acme", name="Acme", carrier="sim", version=7),
    Credential(username="acme", account_id="acme", secrets=()),
)
BODY = b"POST /datasend\nbody"
OTHER = b"POST /datasend\nanother body"
KEY = "campaign-1"


class Gateway:
    """Serves requests of two message batches; each answer has the number of runs so far."""

    def __init__(self, faults: Faults | None = None) -> None:
        self.faults = faults or Faults()
        self.now_s = 1_767_258_000.0
        self.store = FakeMessageStore(self.faults)
        self.queues = FakeTaskQueues(self.faults, self.clock)
        self.runs = 0
        numbers = itertools.count(1)
        self.idempotency = Idempotency(
            self.store, self.clock, lambda size: next(numbers).to_bytes(size, "big")
        )
        self.produce: Callable[[IdSource | None], Answer] = self.accept
        self.caller = CALLER

    def clock(self) -> float:
        return self.now_s

    def accept(self, names: IdSource | None) -> Answer:
        self.runs += 1
        assert names is not None
        ids = []
        for index in ("0", "1"):
            ids.append(names.new(names.now_ms(), index))
            self.store.put_batch(ids[-1], b"packed", 0)
            self.queues.send(QueueName.SUBMIT, [ids[-1]])
        return Answer(200, encode({"ids": ids, "runs": self.runs}), {"x-runs": str(self.runs)})

    def once(self, body: bytes = BODY, key: str = KEY) -> Answer:
        expires_at_ms = int((self.now_s + TIMEOUT_S) * 1000)
        return self.idempotency.once(self.caller, key, body, expires_at_ms, self.produce)

    def refusal(self, body: bytes = BODY, key: str = KEY) -> RequestRefused:
        with pytest.raises(RequestRefused) as refused:
            self.once(body, key)
        return refused.value

    def ids(self) -> list[str]:
        """Serve the request; return the ids in the answer."""
        ids: list[str] = decode(self.once().body)["ids"]
        return ids

    def enqueued(self) -> set[str]:
        return {message.body for message in self.queues.waiting}
