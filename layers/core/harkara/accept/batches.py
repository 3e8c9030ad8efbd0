"""Make and store the message batches of a request, each small enough for one item of DynamoDB."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from harkara.accept.requests import BatchKey, IdSource
from harkara.links.codec import Linked
from harkara.links.shorten import LinkMaker
from harkara.model.accounts import Account
from harkara.model.activity import PRICE_SCALE
from harkara.model.messages import BLOCK_SIZE, Category, Endpoint, Message, MessageBatch, pack
from harkara.model.rcs import Channel
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
    """A message batch, its packed form, its draft, its mids, and its packed link set."""

    batch: MessageBatch
    packed: bytes
    draft: BatchDraft
    mids: Sequence[str]
    packed_links: str


@dataclass(frozen=True, slots=True)
class BatchMaker:
    """Makes and stores the batches of one request, whose callbacks are `endpoints`.

    `answers` is as in `MessageBatch`.
    """

    account: Account
    endpoints: Sequence[Endpoint]
    now_ms: int
    names: IdSource
    links: LinkMaker
    batches: BatchWriter
    answers: bool = False

    def store(self, draft: BatchDraft) -> list[PackedBatch]:
        """Store a draft as one batch, or as many as needed for each to fit into an item.

        Their links are stored before. Raises StoreUnavailable.
        """
        made = self._make(draft)
        fits = len(made.packed) <= PACKED_LIMIT_BYTES
        if len(made.mids) > 1 and not (fits and len(made.packed_links) <= PACKED_LINKS_LIMIT):
            return [stored for half in draft.halves() for stored in self.store(half)]
        while made.packed_links and not self.links.put(self.account, made.batch, made.packed_links):
            # Another batch has the same set id, so this one needs another id.
            made = self._make(made.draft._replace(name=f"{made.draft.name}~"))
        self.batches.put_batch(made.batch.id, made.packed, made.batch.due_at_ms)
        return [made]

    def _make(self, draft: BatchDraft) -> PackedBatch:
        endpoints, messages = self._with_own_endpoints([*draft.messages, *draft.refusals])
        key, account, packed_links = draft.key, self.account, ""
        prices = prices_of(account, key.category, messages)
        rcs_prices = rcs_prices_of(account, key.category, messages)
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
            prices=prices,
            rcs_prices=rcs_prices,
            answers=self.answers,
        )
        if any(draft.links):
            batch, packed_links = self.links.make(account, batch, draft.links)
        return PackedBatch(batch, pack(batch), draft, batch.mids(), packed_links)

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


def rcs_prices_of(
    account: Account, category: Category, messages: Sequence[Message]
) -> tuple[int, ...]:
    """Return the messages' prices in millionths if RCS delivers them; () if they do not differ."""
    if not any(rate.channel is Channel.RCS for rate in account.rates):
        return ()
    if not any(each.rcs for each in messages):
        return ()
    channels = (Channel.RCS if each.rcs else Channel.SMS for each in messages)
    prices = (
        account.price(each.to, category, each.segment_count, channel) or 0
        for each, channel in zip(messages, channels, strict=True)
    )
    return tuple(int(price * PRICE_SCALE) for price in prices)


def cost_of(account: Account, category: Category, messages: Sequence[Message]) -> int:
    """Return what messages cost at the most, by whichever channel, in millionths."""
    prices = prices_of(account, category, messages)
    return sum(map(max, prices, rcs_prices_of(account, category, messages) or prices))
