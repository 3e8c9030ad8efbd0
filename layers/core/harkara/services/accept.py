"""Accept a request: authenticate, check each record, store the chunk, enqueue it.

The enqueue is the commit. What is stored and not enqueued is inert and expires; the client then
hears that it was not accepted. One request makes one chunk a lane, in two AWS calls each.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from harkara import ids
from harkara.accounts import Account, secret_matches
from harkara.codes import Code
from harkara.errors import RequestRefused, StoreUnavailable
from harkara.messages import Category, Chunk, Endpoint, Message, pack
from harkara.ports import AccountStore, ChunkWriter, Clock, Randomness, TaskQueues
from harkara.requests import RecordResult, SendRequest
from harkara.services.records import RecordChecker
from harkara.tasks import SubmitTask, queue_of

# DynamoDB takes 400 KB an item, keys and attribute names included.
PACKED_LIMIT_BYTES = 390_000
# A block is what one crash of `submit` can leave in doubt.
BLOCK_SIZE = 100

_LOST = RecordResult("", Code.TRY_AGAIN)


@dataclass(frozen=True, slots=True)
class AcceptService:
    """What `send` does with a request."""

    accounts: AccountStore
    chunks: ChunkWriter
    queues: TaskQueues
    pepper: bytes
    clock: Clock
    randomness: Randomness
    private_callbacks: bool

    def authenticate(self, username: str, secret: str) -> Account:
        """Return the account. Raises RequestRefused(UNAUTHORIZED), in the same time for all."""
        credential = self.accounts.credential(username)
        if not secret_matches(self.pepper, secret, credential, self.clock()) or credential is None:
            raise RequestRefused(Code.UNAUTHORIZED)
        account = self.accounts.account(credential.account_id)
        if account is None:
            raise RequestRefused(Code.UNAUTHORIZED)
        return account

    def accept(self, account: Account, request: SendRequest) -> list[RecordResult]:
        """Accept what can be accepted; return for each record its mid, or its refusal.

        A refused record of an accepted request is stored in the chunk too: its `failed` callback
        comes from there, since a platform need not read the answer.
        """
        checker = RecordChecker(account, request.callback_url, private=self.private_callbacks)
        accepted, refused = checker.check(request.records)
        results = [_LOST] * len(request.records)
        for place, message in refused:
            detail = checker.details.get(place, "")
            results[place] = RecordResult("", Code(message.refusal), detail)
        # They go behind the messages of the first chunk that is committed.
        refusals = [message for _, message in refused]
        for category, (places, messages) in accepted.items():
            unanswered = iter(places)
            for chunk, packed, count in self._chunks(
                account, category, checker.endpoints, messages, refusals
            ):
                answered = list(islice(unanswered, count))
                if self._commit(chunk, packed):
                    refusals.clear()
                    for mid, place in zip(chunk.mids(), answered, strict=False):
                        results[place] = RecordResult(mid)
        for place, code in checker.warnings.items():
            if results[place].mid:
                results[place] = results[place]._replace(warning=code)
        if not any(result.mid for result in results):
            raise _refusal(results)
        return results

    def _chunks(
        self,
        account: Account,
        category: Category,
        endpoints: Sequence[Endpoint],
        messages: Sequence[Message],
        refusals: Sequence[Message],
    ) -> Iterator[tuple[Chunk, bytes, int]]:
        """Make the messages one chunk, or as many as it takes for each to fit in an item.

        Yields chunk, packed chunk and how many of `messages` it holds. `refusals` is read anew
        for each chunk.
        """
        own_endpoints, rows = _with_own_endpoints(endpoints, [*messages, *refusals])
        now_ms = int(self.clock() * 1000)
        chunk = Chunk(
            id=ids.new_chunk_id(now_ms, self.randomness(ids.RANDOM_BYTES)),
            account_id=account.id,
            carrier=account.carrier,
            category=category,
            accepted_at_ms=now_ms,
            block_size=BLOCK_SIZE,
            endpoints=own_endpoints,
            messages=rows,
        )
        packed = pack(chunk)
        if len(packed) <= PACKED_LIMIT_BYTES or len(messages) == 1:
            yield chunk, packed, len(messages)
            return
        middle = len(messages) // 2
        for half in (messages[:middle], messages[middle:]):
            yield from self._chunks(account, category, endpoints, half, refusals)

    def _commit(self, chunk: Chunk, packed: bytes) -> bool:
        task = SubmitTask(chunk_id=chunk.id, account_id=chunk.account_id)
        try:
            self.chunks.put_chunk(chunk.id, packed, chunk.begins_ms)
            (enqueued,) = self.queues.send(queue_of(chunk.lane), [task.encode()], chunk.account_id)
        except StoreUnavailable:
            return False
        return enqueued


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


def _refusal(results: Sequence[RecordResult]) -> RequestRefused:
    """Return why nothing of a request was accepted: a retry helps before all."""
    refusals = [(result.code, result.detail) for result in results if result.code]
    again = (Code.TRY_AGAIN, "")
    return RequestRefused(*(again if again in refusals else refusals[0]))
