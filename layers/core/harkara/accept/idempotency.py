"""Answer a repeated request as the first time, by its `Idempotency-Key`.

A worker that serves a request under a key puts a `run` entry before and an `end` entry after. Their
task id is a hash of the request, so another request finds the key taken. The `end` holds the
answer, if that accepts something; otherwise the next repeat is a run of its own. The same goes for
a run whose process died: the next run uses its batch ids again, so everything that was stored and
enqueued is made again under the same ids, and is done once.

Runs form a chain: the first is `run#`, the next `run#<worker id of the one before>`.
"""

import base64
import hashlib
import hmac
import re
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from harkara.accept.requests import IdSource
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused, StoreUnavailable
from harkara.base.ids import RANDOM_BYTES, Randomness, new_batch_id
from harkara.base.time import Clock
from harkara.model.accounts import Account, Caller
from harkara.model.ledger import Lease, LedgerEntry, Relation, end_kind, run_kind
from harkara.ports import MessageStore


@dataclass(frozen=True, slots=True)
class DeterministicIds:
    """Ids derived from a secret seed and a batch key, for one request first made at `at_ms`.

    The ids do not depend on the outcome of other batches. `outcomes` keeps those of the request,
    None if it keeps none.
    """

    seed: bytes
    at_ms: int
    outcomes: "Outcomes | None" = None

    def now_ms(self) -> int:
        """Return the time at which the request was first made."""
        return self.at_ms

    def new(self, now_ms: int, batch_key: str) -> str:
        """Return the batch id that this key always has."""
        digest = hmac.digest(self.seed, batch_key.encode(), hashlib.sha256)
        return new_batch_id(now_ms, digest[:RANDOM_BYTES])

    def first_outcome(
        self, name: str, produce: Callable[[], Mapping[str, int]]
    ) -> Mapping[str, int]:
        """Return the outcome of `produce`, or the first one that is kept for this seed."""
        if self.outcomes is None:
            return produce()
        return self.outcomes.first(f"{self.seed.hex()[:32]}#{name}", produce)


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The outcomes of one request, which all its runs share; `run` is the entry of this one."""

    store: MessageStore
    lease: Lease
    run: LedgerEntry

    def first(self, name: str, produce: Callable[[], Mapping[str, int]]) -> Mapping[str, int]:
        """Return the outcome under a name, from `produce` if no earlier run left one."""
        kind = f"chosen#{name}"
        if self.run.kind != run_kind(""):
            (kept,) = self.store.get_entries([(self.run.partition, kind)])
            if kept is not None:
                return kept.data
        entry = self.lease.entry(self.run.partition, kind, **produce())
        (kept,) = self.store.put_if_absent([entry], keep_s=KEEP_S)
        return kept.data


KEEP_S = 24 * 3600
# DynamoDB deletes expired items some days late and in any order: an answer must outlast its run.
END_KEEP_S = 5 * KEEP_S
IN_PROGRESS_RETRY_S = 2
# DynamoDB takes 400 KB an item.
ANSWER_LIMIT_BYTES = 350_000

_KEY = re.compile(r"[ -~]{1,255}")
# The next run is another request, with ids and a time of its own: nothing was done.
_ANEW = {"anew": True}
# The next run is the same request: something may have been done.
_AGAIN = {"anew": False}


class Answer(NamedTuple):
    """An HTTP answer: status, body, and the headers other than its type.

    `accepts`: something was accepted. Any other answer may be different at the next repeat.
    """

    status: int
    body: bytes
    headers: Mapping[str, str] = {}
    accepts: bool = True


@dataclass(frozen=True, slots=True)
class Idempotency:
    """Serves a request once, however often it is repeated."""

    store: MessageStore
    clock: Clock
    randomness: Randomness

    def once(
        self,
        caller: Caller,
        key: str,
        request: bytes,
        expires_at_ms: int,
        produce: Callable[[IdSource | None], Answer],
    ) -> Answer:
        """Return the answer of `produce`, or its first one to the same request under the key.

        `request` is everything that tells requests apart: method, path, query, body. This
        invocation ends by `expires_at_ms`.
        Raises any error of `produce`, and then the next repeat is served; RequestRefused for an
        invalid key, IDEMPOTENCY_CONFLICT for a key of another request, REQUEST_IN_PROGRESS while
        the first may still be served.
        """
        if not _KEY.fullmatch(key):
            raise RequestRefused(
                Code.INVALID_REQUEST, "(Idempotency-Key: 1 to 255 printable ASCII characters)"
            )
        task_id = hashlib.sha256(request).hexdigest()
        lease = Lease(task_id, self.randomness(8).hex(), expires_at_ms)
        run = self._begin(lease, _partition(caller.account, key), request)
        if isinstance(run, Answer):
            return run
        try:
            answer = produce(_names(caller, run, Outcomes(self.store, lease, run)))
        except Exception:
            self._end(lease, run.partition, _AGAIN)
            raise
        self._end(lease, run.partition, _end_of(answer, run, request))
        return answer

    def _begin(self, lease: Lease, partition: str, request: bytes) -> LedgerEntry | Answer:
        """Return the entry of this run, or the answer of an earlier one."""
        now_ms = int(self.clock() * 1000)
        anew: Mapping[str, Any] = {"seed": self.randomness(16).hex(), "at_ms": now_ms}
        plan, before = anew, ""
        while True:
            entry = lease.entry(partition, run_kind(before), **plan)
            (run,) = self.store.put_if_absent([entry], keep_s=KEEP_S)
            relation = lease.relation(run, now_ms)
            if relation is Relation.OURS:
                return run
            if relation is Relation.FOREIGN:
                raise RequestRefused(Code.IDEMPOTENCY_CONFLICT)
            (end,) = self.store.get_entries([(partition, end_kind(run.worker_id))])
            if end is None and relation is Relation.BUSY:
                raise RequestRefused(Code.REQUEST_IN_PROGRESS, retry_after_s=IN_PROGRESS_RETRY_S)
            if end is not None and "body" in end.data:
                return _unpack(end.data, run, request)
            is_over = end is not None and end.data["anew"]
            plan = anew if is_over else {**run.data, "repeats": True}
            before = run.worker_id

    def _end(self, lease: Lease, partition: str, data: Mapping[str, Any]) -> None:
        entry = lease.entry(partition, end_kind(lease.worker_id), **data)
        try:
            self.store.put_if_absent([entry], keep_s=END_KEEP_S)
        except StoreUnavailable:
            # The request stays accepted. A repeat gives the same answer once this run is over.
            return


def _partition(account: Account, key: str) -> str:
    return f"idempotency#{account.id}#{hashlib.sha256(key.encode()).hexdigest()}"


def _names(caller: Caller, run: LedgerEntry, outcomes: Outcomes) -> IdSource:
    """Return a run's id source, which differs for callers with different permissions.

    Batches of different content under one id would be one, and messages would be lost. The version
    of the account is part of each batch's name (`harkara.accept.service`).
    """
    judged_by = caller.credential.model_dump_json()
    seed = hashlib.sha256(repr((run.data["seed"], judged_by)).encode()).digest()
    return DeterministicIds(seed, run.data["at_ms"], outcomes)


def _end_of(answer: Answer, run: LedgerEntry, request: bytes) -> Mapping[str, Any]:
    """Return the data of the `end` entry for an answer.

    A run that repeats another may be refused, by a limit, where the other one stored everything.
    """
    repeats = "repeats" in run.data
    if answer.status >= 500:
        return _AGAIN
    if not answer.accepts or answer.status >= 400:
        return _AGAIN if repeats else _ANEW
    body = base64.b64encode(_veil(zlib.compress(answer.body, level=1), run, request)).decode()
    # A longer answer is not stored: a repeat makes it again, with the same ids.
    if len(body) > ANSWER_LIMIT_BYTES:
        return _AGAIN
    return {"status": answer.status, "body": body, "headers": dict(answer.headers)}


def _veil(content: bytes, run: LedgerEntry, request: bytes) -> bytes:
    """Veil an answer, or take the veil off: only who repeats the request can read it.

    Answers hold numbers, and an erasure does not find them (`harkara.manage.erasure`). The stream
    of SHAKE256 is used once, since each run has a seed (NIST FIPS 202, 6.2).
    """
    stream = hashlib.shake_256(run.data["seed"].encode() + request).digest(len(content))
    mixed = int.from_bytes(content, "big") ^ int.from_bytes(stream, "big")
    return mixed.to_bytes(len(content), "big")


def _unpack(data: Mapping[str, Any], run: LedgerEntry, request: bytes) -> Answer:
    body = zlib.decompress(_veil(base64.b64decode(data["body"]), run, request))
    return Answer(data["status"], body, data["headers"])
