"""Plan an erasure: all changes of what an account keeps of a person.

Messages are found by the index, which is changed last: an erasure that died is finished by the next
one. Before, messages that no carrier has are cancelled; what a carrier has already ends as usual,
without its number.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from harkara.activity.exports import ExportJob
from harkara.activity.filters import ExportFilter, number_of, query_of
from harkara.activity.index import (
    DIGEST_BYTES,
    MESSAGES,
    NUMBERS,
    REFS,
    IndexedBatch,
    partition_of,
    unpack_row,
)
from harkara.base.errors import RequestRefused
from harkara.base.ids import accepted_at_ms, set_id_of
from harkara.base.json import decode, encode
from harkara.callbacks import dead_letters
from harkara.links.codec import pack_links, unpack_links
from harkara.manage.erased import Person, mids_of, out_of_links
from harkara.manage.erasure import Change, ErasureService
from harkara.manage.messages import EVENTS, LATE
from harkara.model import ledger
from harkara.model.accounts import Account
from harkara.model.messages import MessageBatch, pack, unpack
from harkara.receipts.corrections import late_task_id
from harkara.submit.dispatch import duplicate_partition
from harkara.submit.follow_up import submitted_task_id

BATCH_KIND = "batch"


def plan(stores: ErasureService, account: Account, person: Person) -> list[Change]:
    """Return the changes that erase a person from an account. Raises StoreUnavailable."""
    return [*_Plan(stores, account, person).changes()]


class _Plan:
    """The changes that erase a person from an account."""

    def __init__(self, stores: ErasureService, account: Account, person: Person) -> None:
        self._stores = stores
        self._account = account
        self._person = person
        self._batches: dict[str, tuple[bytes, MessageBatch]] = {}
        # The indexes of the person's messages by batch.
        self._own: dict[str, list[int]] = {}

    def changes(self) -> Iterator[Change]:
        index = [*self._index()]
        yield from self._callbacks()
        yield from self._tasks()
        yield from self._lists()
        yield from self._exports()
        for batch_id, indexes in self._own.items():
            yield from self._batch(batch_id, indexes)
        yield from index

    def _index(self) -> Iterator[Change]:
        """Find the person's messages; yield the changes of the rows that have them."""
        stores, account_id, person = self._stores, self._account.id, self._person
        numbers, messages, refs = (
            partition_of(kind, account_id) for kind in (NUMBERS, MESSAGES, REFS)
        )
        nobody = stores.digests.of(NUMBERS, account_id, [""])
        no_ref = stores.digests.of(REFS, account_id, [""])
        for sort_key, packed in stores.rows.find(numbers, "", bytes):
            positions = stores.digests.candidates(NUMBERS, account_id, person.number, packed)
            row = stores.rows.get(messages, sort_key, bytes) if positions else None
            if row is None:
                continue
            own = dict(self._own_of(unpack_row(row), positions))
            if own:
                hidden = _with(packed, own, nobody)
                replace = partial(stores.rows.replace, numbers, sort_key)
                yield Change("index_entries", len(own), partial(replace, packed, hidden))
            nameless = [position for position, has_ref in own.items() if not has_ref]
            known = stores.rows.get(refs, sort_key, bytes) if nameless else None
            if known is not None:
                replace = partial(stores.rows.replace, refs, sort_key)
                yield Change("", 0, partial(replace, known, _with(known, nameless, no_ref)))

    def _own_of(
        self, indexed: Sequence[IndexedBatch], positions: Sequence[int]
    ) -> Iterator[tuple[int, bool]]:
        """Yield the positions that are the person's, and whether their client_ref stays.

        So are those of messages that an earlier erasure, which died, has erased.
        """
        begin = 0
        for each in indexed:
            for position in positions:
                if not begin <= position < begin + each.message_count:
                    continue
                batch, index = self._read(each.batch_id), position - begin
                if batch is None:
                    continue
                message, was_erased = batch.messages[index], index in batch.erased_facts()
                if was_erased or message.to == self._person.number:
                    after = message
                    if not was_erased:
                        self._own.setdefault(batch.id, []).append(index)
                        after = self._person.out_of_batch(batch, [index]).messages[index]
                    yield position, bool(after.client_ref)
            begin += each.message_count

    def _read(self, batch_id: str) -> MessageBatch | None:
        if batch_id not in self._batches:
            packed = self._stores.batches.get(batch_id, BATCH_KIND, bytes)
            if packed is None:
                return None
            self._batches[batch_id] = packed, unpack(batch_id, packed)
        return self._batches[batch_id][1]

    def _batch(self, batch_id: str, indexes: Sequence[int]) -> Iterator[Change]:
        """Yield the changes of a batch and of what belongs to it; the batch's own is the last."""
        stores, (packed, batch) = self._stores, self._batches[batch_id]
        for index in indexes:
            yield from self._message(batch, index)
        partition, kind = ledger.links_key(set_id_of(batch_id))
        yield from self._entry(
            partition, kind, "link_sets", partial(_without_links, batch_id, indexes)
        )
        for sort_key, _ in stores.entries.find(batch_id, "outcome#", str):
            yield from self._entry(batch_id, sort_key, "entries", self._person.without_all)
        after = pack(self._person.out_of_batch(batch, indexes))
        replace = partial(stores.batches.replace, batch_id, BATCH_KIND, packed, after)
        yield Change("messages", len(indexes), replace)

    def _message(self, batch: MessageBatch, index: int) -> Iterator[Change]:
        """Yield the changes of a message's ledger entries, and its cancel if it has not ended."""
        stores, mid = self._stores, batch.mid(index)
        kinds = [kind(index) for kind in (ledger.final_kind, ledger.recovered_kind)]
        found = stores.cancels.store.get_entries([(batch.id, kind) for kind in kinds])
        if found[0] is None:
            yield Change("cancelled", 1, partial(self._cancel, mid))
        tasks = {entry.task_id for entry in found if entry}
        tasks |= {submitted_task_id(batch, index), *(late_task_id(e, mid) for e in LATE)} - {""}
        for place in EVENTS.values():
            for event in stores.cancels.store.find_entries(*place(batch.id, index)):
                tasks.add(event.task_id)
                yield from self._entry(*event.key, "visits", _without_url)
        for kind in (*kinds, *(ledger.later_kind(event, index) for event in LATE)):
            yield from self._entry(batch.id, kind, "entries", self._person.without_all)
        for task_id in sorted(tasks):
            for prefix in ("post#", "ack#"):
                for sort_key, _ in stores.entries.find(task_id, prefix, str):
                    yield from self._entry(task_id, sort_key, "entries", self._person.without_all)
        if batch.duplicate_window_s:
            partition = duplicate_partition(batch, index)
            for sort_key, content in stores.entries.find(partition, "", str):
                remove = partial(stores.entries.replace, partition, sort_key, content, None)
                yield Change("entries", 1, remove)

    def _entry(
        self, partition: str, sort_key: str, kind: str, change: Callable[[Any], Any]
    ) -> Iterator[Change]:
        """Yield the change of a ledger entry's data, unless there is nothing to change."""
        content = self._stores.entries.get(partition, sort_key, str)
        if content is None:
            return
        data = decode(content)
        if (after := change(data)) != data:
            replace = partial(self._stores.entries.replace, partition, sort_key, content)
            yield Change(kind, 1, partial(replace, encode(after).decode()))

    def _cancel(self, mid: str) -> None:
        with suppress(RequestRefused):  # a carrier may have it: no further attempt goes out
            self._stores.cancels.cancel(self._account, mid)

    def _callbacks(self) -> Iterator[Change]:
        """Yield the changes of dead letters, of all endpoints that the person's messages had."""
        entries, account = self._stores.entries, self._account
        batches = (self._batches[batch_id][1] for batch_id in self._own)
        endpoints = {each.callback_id for batch in batches for each in batch.endpoints}
        for callback_id in sorted({"", *account.callbacks, *endpoints}):
            partition = dead_letters.partition_of(account.id, callback_id)
            for sort_key, content in entries.find(partition, "", str):
                data = decode(content)
                body = self._person.out_of_task(data["task"], mids_of(self._own))
                replace = partial(entries.replace, partition, sort_key, content)
                if body is None:
                    yield Change("dead_letters", 1, partial(replace, None))
                elif body != data["task"]:
                    after = {**self._person.without_all(data), "task": body}
                    yield Change("dead_letters", 1, partial(replace, encode(after).decode()))

    def _tasks(self) -> Iterator[Change]:
        """Yield the changes of tasks that wait to be due."""
        mids = mids_of(self._own)
        for partition, sort_key, body in self._stores.due(self._person):
            fields = decode(body)
            is_own = fields.get("account") == self._account.id or fields.get("mid") in mids
            after = self._person.out_of_task(body, mids) if is_own else body
            if after != body:
                replace = partial(self._stores.tasks.replace, partition, sort_key, body, after)
                yield Change("tasks", 1, replace)

    def _exports(self) -> Iterator[Change]:
        """Yield the removal of exports that may have the person: of their times, or by number."""
        times = [accepted_at_ms(batch_id) for batch_id in self._own]
        _, jobs = self._stores.exports.jobs(self._account.id)
        for job in jobs:
            is_asked_for = number_of(query_of(ExportFilter, job.filters)) == self._person.number
            if is_asked_for or any(job.from_ms <= each < job.to_ms for each in times):
                yield Change("exports", 1, partial(self._remove, job))

    def _remove(self, job: ExportJob) -> None:
        self._stores.files.remove(job.prefix)
        self._stores.exports.remove(job)

    def _lists(self) -> Iterator[Change]:
        """Yield the removal of consents and of the last message; suppressions stay."""
        stores, account_id, number = self._stores, self._account.id, self._person.number
        suppressions, consents = stores.lists.records(account_id, [number])
        now_s = int(stores.clock())
        for consent in consents:
            remove = partial(stores.lists.remove, account_id, number, consent.attribute, now_s)
            yield Change("consents", 1, partial(remove, before_s=now_s + 1))
        if not suppressions and stores.lists.knows(account_id, number):
            yield Change("list_items", 1, partial(stores.lists.forget, account_id, number))
        found = bool(stores.last.find(account_id, number))
        yield Change("last_messages", int(found), partial(stores.last.remove, account_id, number))


def _with(packed: bytes, positions: Iterable[int], digest: bytes) -> bytes:
    """Return the digests of a row with one digest at these positions."""
    changed = bytearray(packed)
    for position in positions:
        begin = position * DIGEST_BYTES
        changed[begin : begin + DIGEST_BYTES] = digest
    return bytes(changed)


def _without_url(data: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**data, "url": ""} if "url" in data else data


def _without_links(
    batch_id: str, indexes: Sequence[int], data: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return the data of a link set without these messages' links; another batch's as it is."""
    links = unpack_links(data["links"])
    if links.batch_id != batch_id:
        return data
    return {**data, "links": pack_links(out_of_links(links, indexes))}
