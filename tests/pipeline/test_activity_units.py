"""What counting writes and what lists read, in units and items: the bars of docs/scale.md."""

import math
from collections import Counter
from collections.abc import Mapping
from hashlib import blake2b
from typing import Any

import pytest

from harkara.activity.counting import hour_text
from harkara.activity.cursors import Cursors
from harkara.activity.filters import MessageFilter, StatsQuery
from harkara.activity.index import Digests, Groups, IndexRow
from harkara.activity.search import FoundMessage, SearchService
from harkara.activity.stats import StatsService
from harkara.activity.today import today
from harkara.aws.activity import DynamoActivityStore
from harkara.base.ids import new_batch_id
from harkara.model.activity import Submitted, facts_of, hour_of
from harkara.model.ledger import SHARED_KIND, Lease, feedback_kind, final_kind, shared_partition
from harkara.model.messages import Category, Endpoint, Message, MessageBatch, pack
from tests.pipeline.counting import RETENTION_S, Counted
from tests.support.dynamo import ACTIVITY, Dynamo
from tests.support.fakes import FakeMessageStore, Faults, no_pause
from tests.support.limits import item_bytes
from tests.support.streams import Stream
from tests.support.wired import ACCOUNT, NOW

BATCH = 1_000  # of the mapping in template.yaml
MESSAGES = 1_000


def batch_of(
    at_ms: int, count: int, prefix: str, category: Category = Category.SERVICE_IMPLICIT
) -> MessageBatch:
    """Return a batch of so many messages to different numbers."""
    return MessageBatch(
        id=new_batch_id(at_ms, blake2b(str(at_ms).encode(), digest_size=10).digest()),
        account_id="acme",
        carrier="sim",
        category=category,
        accepted_at_ms=at_ms,
        block_size=100,
        endpoints=(Endpoint("https://acme.example", "generic"),),
        messages=[
            Message(f"{prefix}{at:05d}", "ACMEBK", "Hello", f"{at}", 0, 1) for at in range(count)
        ],
    )


class Units:
    """Counts the units that writes use: Amazon DynamoDB Developer Guide, "Transactional writes"."""

    def __init__(self, counted: Counted) -> None:
        self.units = 0
        self._items = counted.table.items
        counted.faults.on_call = self._before
        self._pending: list[Mapping[str, Any]] = []
        answer = counted.dynamo.answer

        def counting(operation: str, params: dict[str, Any]) -> Mapping[str, Any]:
            done = answer(operation, params)
            if operation == "TransactWriteItems":
                self.units += sum(2 * self._of(each) for each in params["TransactItems"])
            if operation == "UpdateItem":
                self.units += self._of({"Update": params})
            return done

        counted.dynamo.answer = counting  # type: ignore[method-assign]

    def _before(self, number: int, name: str) -> None:
        assert name != "batch_write_item"

    def _of(self, action: Mapping[str, Any]) -> int:
        ((_, write),) = action.items()
        key = write.get("Key") or write["Item"]
        return math.ceil(item_bytes(self._items[key["pk"]["S"], key["sk"]["S"]]) / 1024)


# Number series of all operators, in 40 prefixes of four digits.
SERIES = [f"91{first}{at:02}{at % 10}" for first in (6, 7, 8, 9) for at in range(0, 100, 3)]


@pytest.mark.parametrize(
    ("records", "category", "bar"),
    [
        (1_000, Category.SERVICE_IMPLICIT, 0.05),
        (1_000, Category.OTP, 0.05),
        (1, Category.SERVICE_IMPLICIT, 0.1),
        (1, Category.OTP, 0.12),
    ],
)
def test_counting_a_message_costs_a_fraction_of_a_write(
    records: int, category: Category, bar: float
) -> None:
    """Requests of `records` messages, until a thousand are sent, and all of their final states.

    Of each OTP there is feedback, too, which is a third event.
    """
    store = FakeMessageStore(Faults(), lambda: NOW)
    stream, counted = Stream(store.table, lambda: NOW), Counted(lambda: NOW)
    lease = Lease("task", "worker", 0)
    for number in range(MESSAGES // records):
        # Requests of many records have their numbers in order: one prefix each.
        prefix = SERIES[number * 7 % len(SERIES)]
        batch = batch_of(int(NOW * 1000) + number, records, prefix, category)
        store.put_batch(batch.id, pack(batch), batch.due_at_ms)
        hour_ms = hour_of(batch.accepted_at_ms)
        submitted = [Submitted("acme", "sim", batch.category, "", hour_ms, 1)]
        shared = lease.entry(shared_partition(str(number)), SHARED_KIND, submitted=submitted)
        # Ten messages of a queue batch share an outcome, as do the hundred of a block.
        outcomes = [shared] if number % 10 == 0 else []
        finals = [
            lease.entry(
                batch.id,
                final_kind(index),
                **{"state": "delivered", "code": "", "at": int(NOW) + (number + index) % 60},
                of=facts_of(batch, index, "sim"),
            )
            for index in range(records)
        ]
        feedback = [
            lease.entry(batch.id, feedback_kind(index), verified=True, of=facts_of(batch, index))
            for index in range(records if category is Category.OTP else 0)
        ]
        store.put_if_absent([*outcomes, *finals, *feedback])
    units, written = Units(counted), stream.poll()
    for at in range(0, len(written), BATCH):
        assert counted.count(written[at : at + BATCH])
    assert units.units / MESSAGES <= bar
    assert counted.totals()["account#acme", f"hour#{hour_text(int(NOW * 1000))}"]["delivered"]


class Read(Dynamo):
    """Counts calls, items and bytes of reads."""

    def __init__(self) -> None:
        super().__init__(lambda: NOW)
        self.used: Counter[str] = Counter()

    def answer(self, operation: str, params: dict[str, Any]) -> Mapping[str, Any]:
        answer = super().answer(operation, params)
        found = [
            *answer.get("Items", ()),
            *([answer["Item"]] if "Item" in answer else []),
        ]
        if operation == "BatchGetItem":
            found += [item for items in answer["Responses"].values() for item in items]
        self.used["calls"] += 1
        self.used["items"] += len(found)
        self.used["bytes"] += sum(map(item_bytes, found))
        return answer


def activity_on(client: Any) -> DynamoActivityStore:
    return DynamoActivityStore(client, ACTIVITY, RETENTION_S, lambda: NOW, no_pause)


def test_a_search_over_a_million_messages_of_31_days_reads_four_megabytes_at_most() -> None:
    dynamo = Read()
    store = FakeMessageStore(Faults(), lambda: NOW, dynamo=dynamo)
    activity = activity_on(dynamo)
    digests = Digests(b"pepper")
    step_ms = 31 * 86_400_000 // 1_000
    first_ms = int(NOW * 1000) - 31 * 86_400_000
    fill = bytes(range(256)) * 12  # another content of three bytes a message costs the same
    for number in range(1_000):
        wanted = number == 3
        at_ms = first_ms + number * step_ms
        rows: list[IndexRow]
        batch = batch_of(at_ms, 1_000 if wanted else 1, "9198765")
        if wanted:
            store.put_batch(batch.id, pack(batch), batch.due_at_ms)
            groups = Groups()
            groups.add(batch)
            rows = groups.rows(digests)
        else:
            sort_key = f"{10**13 - 1 - at_ms:013d}#{batch.id}"
            rows = [IndexRow("numbers#acme", sort_key, fill[:3000], at_ms)]
        for row in rows:
            item = activity._item_of(row, int(NOW))
            dynamo.tables[ACTIVITY].items[row.partition, row.sort_key] = dict(item)
    dynamo.used.clear()
    service = SearchService(activity, store, digests, Cursors(b"pepper"), lambda: NOW)
    query = MessageFilter.model_validate({"number": "919876500500", "from": "2023-10-14T22:13:20Z"})
    found: list[FoundMessage] = []
    after = ""
    while True:
        page = service.page(ACCOUNT, query.model_copy(update={"after": after}))
        found += page["messages"]
        after = page["next"] or ""
        if not after:
            break
    assert [each["client_ref"] for each in found] == ["500"]
    assert dynamo.used["bytes"] <= 4_000 * 1024
    assert dynamo.used["calls"] <= 6


def test_today_of_an_account_with_a_million_messages_a_day_reads_an_item_an_hour() -> None:
    dynamo = Read()
    counted = Counted(lambda: NOW)
    for hour in range(50):
        at_ms = int(NOW * 1000) - hour * 3_600_000
        store = FakeMessageStore(Faults(), lambda: NOW)
        for number in range(2):
            batch = batch_of(at_ms - number, 1_000, "9198765")
            store.put_batch(batch.id, pack(batch), batch.due_at_ms)
        assert counted.count(Stream(store.table, lambda: NOW).poll(), f"hour {hour}")
    dynamo.tables[ACTIVITY].items.update(counted.table.items)
    # Twenty times as many messages make no more items, only larger numbers.
    activity = activity_on(dynamo)
    found = today(StatsService(activity, lambda: NOW), ACCOUNT)
    assert len(found["hours"]) == 48
    assert all(each["accepted"] == 2_000 for each in found["hours"])
    assert dynamo.used["calls"] == 1
    assert dynamo.used["items"] <= 60
    StatsService(activity, lambda: NOW).stats(ACCOUNT, StatsQuery())
    assert dynamo.used["items"] <= 2 * 60
