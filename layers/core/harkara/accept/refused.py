"""Record refused requests of known accounts, so that they are counted and found as records are.

A refusal must stay cheap, or whoever floods an account with bad requests would fill the table. So a
process stores what it refused as a batch of refused records, which is never enqueued, at most once
a second: a refusal at once if none was stored in this second, else with the next request that the
process gets. Counts are exact but for a process that gets none any more: the refusals of its last
second are lost.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from harkara.accept.requests import IdSource, Record, SendRequest
from harkara.accept.service import NothingAccepted
from harkara.accept.validation import known_by
from harkara.base.codes import MEANINGS, Code
from harkara.base.errors import RequestRefused, StoreUnavailable
from harkara.base.time import without_patience
from harkara.model.accounts import Caller
from harkara.model.messages import BLOCK_SIZE, Category, Message, MessageBatch, pack
from harkara.ports import BatchWriter

EVERY_MS = 1000
# So many references of any content fit into one item of DynamoDB.
ITEM_RECORDS = 250
# While the table takes nothing, no more are kept.
WAITING_LIMIT = 4 * ITEM_RECORDS


@dataclass(slots=True)
class RefusedRequests:
    """Keeps the refusals of this process until it stores them."""

    batches: BatchWriter
    names: IdSource
    waiting: list[tuple[str, Category, Message]] = field(default_factory=list, init=False)
    _tried_ms: int = field(default=0, init=False)

    def add(
        self, caller: Caller, refused: RequestRefused, request: SendRequest | None = None
    ) -> None:
        """Record a refusal, unless it is not the caller's fault or the request is being served.

        A request that was refused as a whole counts as one record; if each of its records was
        refused, each counts by its own code.
        """
        is_callers_fault = 400 <= MEANINGS[refused.code].http_status < 500
        if not is_callers_fault or refused.code is Code.REQUEST_IN_PROGRESS:
            return
        default = caller.credential.default_category or caller.account.default_category
        for record, code in _records(refused, request):
            category = record.options.category or default
            self.waiting.append((caller.account.id, category, known_by(record, code)))
        self.store()

    def store(self) -> None:
        """Store what waits, if nothing was stored in the last second or it fills an item."""
        now_ms = self.names.now_ms()
        if len(self.waiting) < ITEM_RECORDS and now_ms - self._tried_ms < EVERY_MS:
            return
        self._tried_ms = now_ms
        waiting, self.waiting = self.waiting, []
        groups: dict[tuple[str, Category], list[Message]] = {}
        for account_id, category, message in waiting:
            groups.setdefault((account_id, category), []).append(message)
        for (account_id, category), messages in groups.items():
            for at in range(0, len(messages), ITEM_RECORDS):
                part = messages[at : at + ITEM_RECORDS]
                if not self._put(account_id, category, part, now_ms):
                    self.waiting += [(account_id, category, each) for each in part]
        del self.waiting[WAITING_LIMIT:]

    def _put(
        self, account_id: str, category: Category, messages: list[Message], now_ms: int
    ) -> bool:
        """Store a batch; return whether the table took it. The caller waits: it is tried once."""
        batch = MessageBatch(
            id=self.names.new(now_ms, "refused"),
            account_id=account_id,
            carrier="",
            category=category,
            accepted_at_ms=now_ms,
            block_size=BLOCK_SIZE,
            endpoints=(),
            messages=messages,
        )
        try:
            with without_patience():
                self.batches.put_batch(batch.id, pack(batch), now_ms)
        except StoreUnavailable:
            return False
        return True


def _records(refused: RequestRefused, request: SendRequest | None) -> Iterator[tuple[Record, Code]]:
    """Yield a request's records with their codes, or one record for a request as a whole."""
    records = request.records if request else []
    if isinstance(refused, NothingAccepted):
        for record, result in zip(records, refused.results, strict=True):
            yield record, result.code or refused.code
    else:
        yield records[0] if len(records) == 1 else Record(), refused.code
