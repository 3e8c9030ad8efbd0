"""Accept a request: check each record, store the chunks, enqueue them.

The enqueue is the commit. What is stored and not enqueued is inert and expires; the client then
hears that it was not accepted. A chunk whose time has not come waits in the Due table instead. One
request makes one chunk for each category and time, in two AWS calls each; a third, before them,
stores what short links lead to.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice, repeat
from typing import NamedTuple

from harkara.accounts import Account
from harkara.callback_urls import UrlRules
from harkara.codes import Code
from harkara.errors import RequestRefused, StoreUnavailable
from harkara.hours import ready_s
from harkara.links import Linked
from harkara.messages import Chunk, Endpoint, Message, pack
from harkara.ports import AccountStore, ChunkNames, ChunkWriter, RateLimits, TaskQueues
from harkara.requests import RecordResult, SendRequest
from harkara.services.authenticate import Caller
from harkara.services.judgement import Slot
from harkara.services.links import LinkMaker
from harkara.services.records import CheckedRecords, RecordChecker
from harkara.submit_tasks import SubmitTask, queue_of

# DynamoDB takes 400 KB an item, keys and attribute names included.
PACKED_LIMIT_BYTES = 390_000
# A click reads them whole.
PACKED_LINKS_LIMIT = 300_000
# A block is what one crash of `submit` can leave in doubt.
BLOCK_SIZE = 100

_LOST = RecordResult("", Code.TRY_AGAIN)


class NothingAccepted(RequestRefused):
    """No record of a request was accepted, each for its own reason, which `results` tells."""

    def __init__(self, code: Code, detail: str, results: Sequence[RecordResult]) -> None:
        super().__init__(code, detail)
        self.results = results


class _Made(NamedTuple):
    """A chunk, packed; of how many accepted messages; what their links lead to, packed."""

    chunk: Chunk
    packed: bytes
    size: int
    links: Sequence[Linked | None]
    packed_links: str


@dataclass(frozen=True, slots=True)
class AcceptService:
    """What `send` does with a request."""

    chunks: ChunkWriter
    queues: TaskQueues
    names: ChunkNames
    links: LinkMaker
    callback_urls: UrlRules
    limits: RateLimits | None = None
    accounts: AccountStore | None = None
    """Where a caller's account is read anew before records are refused by what was known of it."""

    def accept(
        self, caller: Caller, request: SendRequest, names: ChunkNames | None = None
    ) -> list[RecordResult]:
        """Accept what can be accepted; return for each record its mid, or its refusal.

        A refused record of an accepted request is stored in the chunk too: its `failed` callback
        comes from there, since a platform need not read the answer. The same `names` for the same
        request make the same chunks: to accept it again is harmless. Raises NothingAccepted, and
        RequestRefused for what concerns the request as a whole.
        """
        if caller.account.draining:
            raise RequestRefused(Code.ACCOUNT_PAUSED)
        names = names or self.names
        now_ms = names.now_ms()
        checker, (accepted, refused) = self._check(caller, request, now_ms)
        account = checker.judge.account
        results = _refusals(checker, refused, request)
        if accepted and self.limits:
            segments = sum(row.segment_count for rows in accepted for row in rows.messages)
            self.limits.take(account, segments)
        if checker.links:
            self.links.signer()  # if there is none now, nothing has been committed yet
        # They go behind the messages of the first chunk that is committed.
        refusals = [message for _, message in refused]
        for slot, places, messages in accepted:
            unanswered = iter(places)
            links = [checker.links.get(place) for place in places] if checker.links else []
            for made in self._chunks(
                account,
                slot,
                checker.judge.endpoints,
                messages,
                links,
                refusals,
                names,
                now_ms,
            ):
                answered = list(islice(unanswered, made.size))
                if chunk := self._commit(account, made, names):
                    refusals.clear()
                    _answer(results, checker, slot, answered, chunk.messages, chunk.mids())
        if not any(result.mid for result in results):
            raise _nothing_accepted(results)
        return results

    def dry_run(self, caller: Caller, request: SendRequest) -> list[RecordResult]:
        """Return what `accept` would make of each record, without a mid. Nothing is stored."""
        checker, (accepted, refused) = self._check(caller, request, self.names.now_ms())
        results = _refusals(checker, refused, request)
        for slot, places, messages in accepted:
            _answer(results, checker, slot, places, messages, repeat(""))
        return results

    def _check(
        self, caller: Caller, request: SendRequest, now_ms: int
    ) -> tuple[RecordChecker, CheckedRecords]:
        """Check the records, again where the account has changed by what they are refused."""
        try:
            checker, checked = self._checked(caller, request, now_ms)
        except RequestRefused:
            if (renewed := self._renewed(caller)) is None:
                raise
        else:
            renewed = self._renewed(caller) if checked.refused or checker.warnings else None
            if renewed is None:
                return checker, checked
        return self._checked(renewed, request, now_ms)

    def _checked(
        self, caller: Caller, request: SendRequest, now_ms: int
    ) -> tuple[RecordChecker, CheckedRecords]:
        checker = RecordChecker(caller, request.callback_url, now_ms, self.callback_urls)
        return checker, checker.check(request.records)

    def _renewed(self, caller: Caller) -> Caller | None:
        """Return a caller with the account as it now is, None where that is the same."""
        account = caller.account
        if self.accounts is None:
            return None
        now = self.accounts.account(account.id, lambda known: known is not account)
        return None if now is None or now is account else caller._replace(account=now)

    def _chunks(
        self,
        account: Account,
        slot: Slot,
        endpoints: Sequence[Endpoint],
        messages: Sequence[Message],
        links: Sequence[Linked | None],
        refusals: Sequence[Message],
        names: ChunkNames,
        now_ms: int,
    ) -> Iterator[_Made]:
        """Make the messages one chunk, or as many as it takes for each to fit in an item.

        `refusals` is read anew for each chunk.
        """
        own_endpoints, rows = _with_own_endpoints(endpoints, [*messages, *refusals])
        chunk = Chunk(
            id=names.new(now_ms),
            account_id=account.id,
            carrier=account.carrier,
            category=slot.category,
            accepted_at_ms=now_ms,
            block_size=BLOCK_SIZE,
            endpoints=own_endpoints,
            messages=rows,
            daytime_only=slot.daytime_only,
            send_at_ms=slot.send_at_ms,
            validity_s=slot.validity_s,
            duplicate_window_s=account.duplicate_window_s,
            telemarketer_ids=account.telemarketer_ids,
            two_way=account.two_way,
        )
        made = self._made(account, chunk, len(messages), links)
        fits = len(made.packed) <= PACKED_LIMIT_BYTES
        if len(messages) == 1 or (fits and len(made.packed_links) <= PACKED_LINKS_LIMIT):
            yield made
            return
        middle = len(messages) // 2
        for half in (slice(middle), slice(middle, None)):
            yield from self._chunks(
                account, slot, endpoints, messages[half], links[half], refusals, names, now_ms
            )

    def _made(
        self, account: Account, chunk: Chunk, size: int, links: Sequence[Linked | None]
    ) -> _Made:
        packed_links = ""
        if any(links):
            chunk, packed_links = self.links.make(account, chunk, links)
        return _Made(chunk, pack(chunk), size, links, packed_links)

    def _commit(self, account: Account, made: _Made, names: ChunkNames) -> Chunk | None:
        """Commit a chunk; return it as it is committed, None where it is not."""
        try:
            while made.packed_links and not self.links.put(account, made.chunk, made.packed_links):
                # Its links would be called as those of another chunk: it needs another name.
                chunk = replace(made.chunk, id=names.new(made.chunk.accepted_at_ms))
                made = self._made(account, chunk, made.size, made.links)
            return made.chunk if self._commit_chunk(made.chunk, made.packed) else None
        except StoreUnavailable:
            return None

    def _commit_chunk(self, chunk: Chunk, packed: bytes) -> bool:
        body = SubmitTask(chunk_id=chunk.id, account_id=chunk.account_id).encode()
        queue = queue_of(chunk.lane)
        # A request that is repeated was accepted at the time of the first: the wait is from now.
        wait_s = ready_s(chunk, chunk.accepted_at_ms / 1000) - self.names.now_ms() / 1000
        self.chunks.put_chunk(chunk.id, packed, chunk.begins_ms)
        # `submit` reports what was refused and defers the rest: nobody waits for that.
        if wait_s > 0 and not chunk.refused():
            self.queues.schedule(queue, body, wait_s, chunk.account_id)
            return True
        (enqueued,) = self.queues.send(queue, [body], chunk.account_id)
        return enqueued


def _refusals(
    checker: RecordChecker, refused: Sequence[tuple[int, Message]], request: SendRequest
) -> list[RecordResult]:
    """Return the results of the refused records in their places, `_LOST` in all others."""
    results = [_LOST] * len(request.records)
    for place, message in refused:
        detail = checker.details.get(place) or request.details.get(place, "")
        results[place] = RecordResult("", Code(message.refusal), detail)
    return results


def _answer(
    results: list[RecordResult],
    checker: RecordChecker,
    slot: Slot,
    places: Sequence[int],
    messages: Sequence[Message],
    mids: Iterable[str],
) -> None:
    for place, message, mid in zip(places, messages, mids, strict=False):
        warning = checker.warnings.get(place)
        results[place] = RecordResult(mid, None, "", warning, message, slot.category)


def _with_own_endpoints(
    endpoints: Sequence[Endpoint], messages: Sequence[Message]
) -> tuple[tuple[Endpoint, ...], Sequence[Message]]:
    """Return the endpoints that the messages name, and the messages with their places in them."""
    if len(endpoints) <= 1:
        return tuple(endpoints), messages
    used = sorted({message.endpoint for message in messages if message.endpoint is not None})
    places = {old: new for new, old in enumerate(used)}
    rows = [
        message if message.endpoint is None else message._replace(endpoint=places[message.endpoint])
        for message in messages
    ]
    return tuple(endpoints[old] for old in used), rows


def _nothing_accepted(results: Sequence[RecordResult]) -> NothingAccepted:
    """Return why nothing of a request was accepted: a retry helps before all."""
    refusals = [(result.code, result.detail) for result in results if result.code]
    again = (Code.TRY_AGAIN, "")
    return NothingAccepted(*(again if again in refusals else refusals[0]), results)
