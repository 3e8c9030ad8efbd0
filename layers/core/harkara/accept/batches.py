"""Make the message batches of a request, each small enough for one item of DynamoDB."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from harkara.accept.policy import BatchKey
from harkara.accept.requests import IdSource
from harkara.links.codec import Linked
from harkara.links.shorten import LinkMaker
from harkara.model.accounts import Account
from harkara.model.activity import PRICE_SCALE
from harkara.model.messages import BLOCK_SIZE, Category, Endpoint, Message, MessageBatch, pack
from harkara.ports import BatchWriter

# DynamoDB limits an item to 400 KB, keys and attribute names included.
PACKED_LIMIT_BYTES = 390_000
# Every click reads a batch's packed links whole.
PACKED_LINKS_LIMIT = 300_000


class BatchDraft(NamedTuple):
    """A message batch to be made: messages with their request indexes and links, then refusals.

    `name` is the same for the same request, checked against the same version of the account, and
    differs from every other draft's.
    """

    name: str
    key: BatchKey
    indexes: Sequence[int]
    messages: Sequence[Message]
    links: Sequence[Linked | None]
    refusals: Sequence[Message] = ()

    def halves(self) -> list["BatchDraft"]:
        """Split the draft in two: refusals apart from messages, else each of them in half."""
        if self.messages and self.refusals:
            # Refusals are reported at once, and do not wait for the send time.
            at_once = self.key._replace(send_at_ms=0, daytime_only=False)
            refusals = BatchDraft("", at_once, (), (), (), self.refusals)
            halves = [self._replace(refusals=()), refusals]
        else:
            middle = (len(self.messages) + len(self.refusals)) // 2
            halves = [self._part(slice(middle)), self._part(slice(middle, None))]
        return [half._replace(name=f"{self.name}.{at}") for at, half in enumerate(halves)]

    def _part(self, part: slice) -> "BatchDraft":
        return self._replace(
            indexes=self.indexes[part],
            messages=self.messages[part],
            links=self.links[part],
            refusals=self.refusals[part],
        )


class PackedBatch(NamedTuple):
    """A message batch, its packed form, its draft, and its packed link set."""

    batch: MessageBatch
    packed: bytes
    draft: BatchDraft
    packed_links: str


@dataclass(frozen=True, slots=True)
class BatchMaker:
    """Makes the batches of one request, whose callbacks are `endpoints`.

    `answers` is as in `MessageBatch`.
    """

    account: Account
    endpoints: Sequence[Endpoint]
    now_ms: int
    names: IdSource
    links: LinkMaker
    answers: bool = False

    def make(self, draft: BatchDraft) -> Iterator[PackedBatch]:
        """Make one batch of a draft, or as many as needed for each to fit into an item."""
        endpoints, messages = self._with_own_endpoints([*draft.messages, *draft.refusals])
        key, account = draft.key, self.account
        batch = MessageBatch(
            id=self.names.new(self.now_ms, draft.name),
            account_id=account.id,
            carrier=account.carrier,
            category=key.category,
            accepted_at_ms=self.now_ms,
            block_size=BLOCK_SIZE,
            endpoints=endpoints,
            messages=messages,
            daytime_only=key.daytime_only,
            send_at_ms=key.send_at_ms,
            validity_s=key.validity_s,
            duplicate_window_s=account.duplicate_window_s,
            telemarketer_ids=account.telemarketer_ids,
            two_way=account.two_way,
            prices=prices_of(account, key.category, messages),
            answers=self.answers,
        )
        made = self._packed(batch, draft)
        fits = len(made.packed) <= PACKED_LIMIT_BYTES
        if len(messages) == 1 or (fits and len(made.packed_links) <= PACKED_LINKS_LIMIT):
            yield made
            return
        for half in draft.halves():
            yield from self.make(half)

    def store(self, made: PackedBatch, batches: BatchWriter) -> PackedBatch:
        """Store a batch and its links; return it as it is stored. Raises StoreUnavailable."""
        while made.packed_links and not self.links.put(self.account, made.batch, made.packed_links):
            # Another batch has the same set id, so this one needs another id.
            draft = made.draft._replace(name=f"{made.draft.name}~")
            batch = replace(made.batch, id=self.names.new(self.now_ms, draft.name))
            made = self._packed(batch, draft)
        batches.put_batch(made.batch.id, made.packed, made.batch.due_at_ms)
        return made

    def _packed(self, batch: MessageBatch, draft: BatchDraft) -> PackedBatch:
        packed_links = ""
        if any(draft.links):
            batch, packed_links = self.links.make(self.account, batch, draft.links)
        return PackedBatch(batch, pack(batch), draft, packed_links)

    def _with_own_endpoints(
        self, messages: Sequence[Message]
    ) -> tuple[tuple[Endpoint, ...], Sequence[Message]]:
        """Return the endpoints that the messages use, and the messages with their indexes there."""
        if len(self.endpoints) <= 1:
            return tuple(self.endpoints), messages
        used = sorted({message.endpoint for message in messages if message.endpoint is not None})
        own: dict[int | None, int | None] = {old: new for new, old in enumerate(used)}
        return (
            tuple(self.endpoints[old] for old in used),
            [message._replace(endpoint=own.get(message.endpoint)) for message in messages],
        )


def prices_of(account: Account, category: Category, messages: Sequence[Message]) -> tuple[int, ...]:
    """Return the messages' prices in millionths, 0 for those without a rate; () without a card."""
    if not account.rates:
        return ()
    prices = (account.price(each.to, category, each.segment_count) or 0 for each in messages)
    return tuple(int(price * PRICE_SCALE) for price in prices)
