"""Find an account's messages by filters, newest first, in pages.

Index rows say which messages may fit (`harkara.activity.index`); their batches and final states,
read at once, decide. A page reads a bounded number of items: of a search that finds little it may
hold fewer messages than asked for, or none, and `next` goes on.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, chain, islice
from typing import Annotated, NamedTuple, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from harkara.accept.formats.native import Erased
from harkara.activity.cursors import Cursor, Cursors
from harkara.activity.filters import (
    ACCEPTED,
    PENDING,
    REFUSED,
    ExportFilter,
    MessageFilter,
    number_of,
)
from harkara.activity.happenings import Happenings
from harkara.activity.index import (
    MESSAGES,
    NUMBERS,
    REFS,
    Digests,
    IndexedBatch,
    partition_of,
    sort_key_before,
    unpack_row,
)
from harkara.activity.store import ActivityReader, MessageReader
from harkara.base.codes import Code
from harkara.base.ids import accepted_at_ms
from harkara.base.time import Clock, utc_text
from harkara.model.accounts import Account
from harkara.model.activity import HOUR_MS, facts_of, hour_of, price_text
from harkara.model.ledger import LedgerEntry
from harkara.model.messages import Category, MessageBatch

# Messages that are compared for a page. A batch and a final state are read for each, at most.
COMPARED_LIMIT = 500
READ_TOGETHER = 50
# Of an export: messages that are read together, and rows that are passed where none fits.
WALKED_TOGETHER = 1_000
WALKED_ROWS = 100
# Filters that a message's field of the same name has to equal.
_SAME = ("client_ref", "campaign", "code", "sender", "template", "category", "country")
Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]


class FoundMessage(TypedDict):
    """A message in a list, without its text; an empty field has no value."""

    mid: Annotated[str | None, Field(description="Our id; null for a refused record.")]
    client_ref: str
    to: Annotated[str, Field(description="The number; as it was sent in a refused record.")]
    sender: str
    template: str
    category: Category
    country: str
    campaign: str
    segments: int
    state: Annotated[str, Field(description="pending, refused, or the final state.")]
    code: Annotated[Code | None, Field(description="Why it failed or was refused.")]
    accepted_at: Time
    ended_at: Annotated[Time | None, Field(description="When it got its final state.")]
    channel: Annotated[str, Field(description="`rcs` if it ended by that, empty for SMS.")]
    price: Annotated[
        str | None, Field(description="By the rate card at its acceptance; null for none.")
    ]
    erased: NotRequired[Erased]


class MessagePage(TypedDict):
    """A page of messages."""

    messages: list[FoundMessage]
    next: Annotated[
        str | None, Field(description="The `after` of the next page; null if there is none.")
    ]
    as_of: Annotated[
        Time | None, Field(description="Messages accepted up to then are listed; null: none is.")
    ]


class Candidate(NamedTuple):
    """A message that may fit, with its number in its batch.

    Its place is the sort key of its row and its position there.
    """

    sort_key: str
    position: int
    batch_id: str
    number: int


class Row(NamedTuple):
    """An index row, with the positions in it of messages that may fit."""

    sort_key: str
    batches: Sequence[IndexedBatch]
    positions: Sequence[int]


@dataclass(frozen=True, slots=True)
class SearchService:
    """Lists messages, in the `manage` function."""

    store: ActivityReader
    messages: MessageReader
    digests: Digests
    cursors: Cursors
    clock: Clock

    def page(self, account: Account, query: MessageFilter) -> MessagePage:
        """Return a page of the account's messages. Raises RequestRefused and StoreUnavailable."""
        start = Cursor(*query.bounds(int(self.clock() * 1000)), "", -1)
        if query.after:
            start = self.cursors.read(account.id, query.asked, query.after)
        return _Search(self, account.id, query, start).page(query.limit)

    def walk(
        self, account_id: str, query: ExportFilter, start: Cursor
    ) -> Iterator[tuple[Cursor, Sequence[FoundMessage]]]:
        """Yield all messages after a cursor, with the cursor to go on from after each part.

        A part may be empty. Raises StoreUnavailable.
        """
        return _Search(self, account_id, query, start).walk()


class _Search:
    """A search of one query, from a cursor on."""

    def __init__(
        self, service: SearchService, account_id: str, query: ExportFilter, start: Cursor
    ) -> None:
        self._service = service
        self._account_id = account_id
        self._query = query
        self._number = number_of(query)
        self._happenings = Happenings(service.messages, query.event)
        self._start = start
        self._range = start.from_ms, start.to_ms

    def page(self, limit: int) -> MessagePage:
        # Before the rows: what is counted meanwhile may or may not be among them.
        reached_ms = self._service.store.reached_ms()
        found: list[FoundMessage] = []
        candidates = self._candidates()
        compared, last, more = 0, None, True
        while more and len(found) < limit and compared < COMPARED_LIMIT:
            some = list(islice(candidates, READ_TOGETHER))
            more = len(some) == READ_TOGETHER
            compared += len(some)
            for candidate, message in self._read(some):
                if len(found) == limit:
                    more = True
                    break
                last = candidate
                found += [message] if message else []
        return {
            "messages": found,
            "next": self._cursor(last) if more and last else None,
            "as_of": utc_text(reached_ms) if reached_ms else None,
        }

    def walk(self) -> Iterator[tuple[Cursor, Sequence[FoundMessage]]]:
        some, reached = list[Candidate](), self._start
        for rows, row in enumerate(self._rows(), 1):
            some += self._of_row(row)
            reached = Cursor(*self._range, row.sort_key, row.positions[-1])
            if len(some) >= WALKED_TOGETHER or rows % WALKED_ROWS == 0:
                yield reached, self._messages(some)
                some = []
        if some:
            yield reached, self._messages(some)

    def _messages(self, candidates: Sequence[Candidate]) -> Sequence[FoundMessage]:
        return [message for _, message in self._read(candidates) if message]

    def _cursor(self, last: Candidate) -> str:
        cursor = Cursor(*self._range, last.sort_key, last.position)
        return self._service.cursors.write(self._account_id, self._query.asked, cursor)

    def _candidates(self) -> Iterator[Candidate]:
        """Yield the messages after the cursor that may fit by their rows, newest first."""
        return chain.from_iterable(map(self._of_row, self._rows()))

    def _of_row(self, row: Row) -> Iterator[Candidate]:
        from_ms, to_ms = self._range
        ends = list(accumulate(each.message_count for each in row.batches))
        for position in row.positions:
            if (row.sort_key, position) <= (self._start.sort_key, self._start.position):
                continue
            number = bisect_right(ends, position)
            batch = row.batches[number]
            index = position - (ends[number] - batch.message_count)
            if from_ms <= accepted_at_ms(batch.batch_id) < to_ms and self._may_fit(batch):
                yield Candidate(row.sort_key, position, batch.batch_id, index)

    def _rows(self) -> Iterator[Row]:
        store, account_id = self._service.store, self._account_id
        from_ms, to_ms = self._range
        first = self._start.sort_key or sort_key_before(hour_of(to_ms) + HOUR_MS)
        last = f"{sort_key_before(from_ms)}#~"
        kind, text = (NUMBERS, self._number) if self._number else (REFS, self._query.client_ref)
        if not text:
            for page in store.rows(partition_of(MESSAGES, account_id), first, last):
                for sort_key, content in page:
                    batches = unpack_row(content)
                    count = sum(each.message_count for each in batches)
                    yield Row(sort_key, batches, range(count))
            return
        hits: dict[str, Sequence[int]] = {}
        for page in store.rows(partition_of(kind, account_id), first, last):
            for sort_key, content in page:
                if found := self._service.digests.candidates(kind, account_id, text, content):
                    hits[sort_key] = found
            if sum(map(len, hits.values())) >= READ_TOGETHER:
                yield from self._hit(hits)
                hits = {}
        yield from self._hit(hits)

    def _hit(self, hits: Mapping[str, Sequence[int]]) -> Iterator[Row]:
        rows = self._service.store.row(partition_of(MESSAGES, self._account_id), list(hits))
        for sort_key, positions in hits.items():
            if sort_key in rows:  # else it has expired since
                yield Row(sort_key, unpack_row(rows[sort_key]), positions)

    def _may_fit(self, batch: IndexedBatch) -> bool:
        wanted = {
            name: value
            for name in ("category", "sender", "template", "country", "campaign")
            if (value := getattr(self._query, name))
        }
        return any(wanted.items() <= common.items() for common in batch.commons)

    def _read(
        self, candidates: Sequence[Candidate]
    ) -> Iterator[tuple[Candidate, FoundMessage | None]]:
        """Yield the candidates with their messages, None for those that do not fit."""
        if not candidates:
            return
        places = [(each.batch_id, each.number) for each in candidates]
        batches, finals = self._service.messages.read_messages(places)
        for candidate, final in zip(candidates, finals, strict=True):
            batch = batches.get(candidate.batch_id)
            is_own = batch is not None and batch.account_id == self._account_id
            message = _found(batch, candidate.number, final) if batch and is_own else None
            fits = message and self._fits(message)
            happened = fits and self._happenings.of(candidate.batch_id, candidate.number)
            yield candidate, message if happened else None

    def _fits(self, message: FoundMessage) -> bool:
        query = self._query
        is_any = query.state == ACCEPTED and message["state"] != REFUSED
        wanted: dict[str, object] = {name: getattr(query, name) for name in _SAME}
        wanted |= {"to": self._number, "state": "" if is_any else query.state}
        return all(message.get(name) == value for name, value in wanted.items() if value)


def _found(batch: MessageBatch, index: int, final: LedgerEntry | None) -> FoundMessage:
    message, facts = batch.messages[index], facts_of(batch, index)
    state, code, ended_at, channel = PENDING, "", None, ""
    if message.refusal:
        state, code = REFUSED, message.refusal
    elif final:
        state, code = final.data["state"], final.data["code"]
        ended_at, channel = utc_text(final.data["at"] * 1000), final.data.get("channel", "")
    found: FoundMessage = {
        "mid": None if message.refusal else batch.mid(index),
        "client_ref": message.client_ref,
        "to": message.to,
        "sender": facts.sender_id,
        "template": facts.dlt_template_id,
        "category": batch.category,
        "country": facts.country,
        "campaign": facts.campaign_id,
        "segments": facts.segment_count,
        "state": state,
        "code": Code(code) if code else None,
        "accepted_at": utc_text(batch.accepted_at_ms),
        "ended_at": ended_at,
        "channel": channel,
        "price": None if message.refusal else price_text(batch.price(index, channel)),
    }
    if index in batch.erased_facts():
        found["erased"] = True
    return found
