"""Refused requests are stored at most once a second, whatever the table does."""

import random
import secrets
from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from harkara.accept.refused import EVERY_MS, ITEM_RECORDS, WAITING_LIMIT, RefusedRequests
from harkara.accept.requests import Record, RecordResult, SendRequest
from harkara.accept.service import NothingAccepted
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused, StoreUnavailable
from harkara.base.ids import RandomIds
from harkara.base.time import left_s
from harkara.model.accounts import Caller
from harkara.model.messages import MessageBatch, unpack
from tests.support.fakes import caller_of
from tests.support.wired import ACCOUNT

CALLERS = [caller_of(ACCOUNT), caller_of(ACCOUNT.model_copy(update={"id": "other"}))]


class Table:
    """Takes batches, but for the writes of these numbers."""

    def __init__(self, down: frozenset[int] | set[int] = frozenset()) -> None:
        self.down = down
        self.now_ms = 1_700_000_000_000
        self.tried_ms: list[int] = []
        self.batches: list[MessageBatch] = []
        self.sizes: list[int] = []
        names = RandomIds(lambda: self.now_ms / 1000, secrets.token_bytes)
        self.refused = RefusedRequests(self, names)

    def put_batch(self, batch_id: str, packed: bytes, due_at_ms: int) -> None:
        assert left_s() <= 0, "a caller waits, and the table was asked again"
        self.tried_ms.append(self.now_ms)
        if len(self.tried_ms) - 1 in self.down:
            raise StoreUnavailable("down")
        self.batches.append(unpack(batch_id, packed))
        self.sizes.append(len(packed))

    def codes(self) -> Counter[tuple[str, str]]:
        return Counter(
            (batch.account_id, each.refusal) for batch in self.batches for each in batch.messages
        )


def nothing(count: int, client_ref: str = "") -> tuple[NothingAccepted, SendRequest]:
    """Return a request of so many records, each of which was refused."""
    results = [RecordResult("", Code.INVALID_NUMBER)] * count
    records = [Record(client_ref=client_ref)] * count
    return NothingAccepted(Code.INVALID_NUMBER, "", results), SendRequest(records)


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from([0, 0, 1, 500, 999, 1000, 60_000]),
            st.sampled_from(CALLERS),
            st.sampled_from([1, 1, 1, 2, 40]),
        ),
        max_size=20,
    ),
    down=st.sets(st.integers(0, 10), max_size=4),
)
def test_all_is_counted_once_and_a_second_has_a_write_of_an_account(
    steps: list[tuple[int, Caller, int]], down: set[int]
) -> None:
    table, expected = Table(down), Counter[tuple[str, str]]()
    for wait_ms, caller, count in steps:
        table.now_ms += wait_ms
        table.refused.add(caller, *nothing(count))
        expected[caller.account.id, Code.INVALID_NUMBER] += count
    table.down = frozenset()
    table.now_ms += EVERY_MS
    table.refused.store()
    assert table.codes() == +expected
    assert table.refused.waiting == []
    if sum(expected.values()) < ITEM_RECORDS:
        tried = sorted(set(table.tried_ms))
        assert all(later - at >= EVERY_MS for at, later in zip(tried, tried[1:], strict=False))
        assert max(Counter(table.tried_ms).values(), default=0) <= len(CALLERS)


def test_a_refusal_is_stored_at_once_if_none_was_in_this_second() -> None:
    table = Table()
    for stored in (1, 1, 1, 4):
        table.refused.add(CALLERS[0], RequestRefused(Code.RATE_LIMITED))
        assert table.codes().total() == stored
        table.now_ms += 400


def test_what_fills_an_item_is_stored_whatever_the_time() -> None:
    table = Table()
    for _ in range(3):
        table.refused.add(CALLERS[0], *nothing(1_000))
    assert table.codes().total() == 3_000
    assert {len(batch.messages) for batch in table.batches} == {ITEM_RECORDS}


def test_references_of_any_content_fit_into_an_item() -> None:
    table, rng = Table(), random.Random(1)  # noqa: S311
    for alphabet in (range(32), range(0x4E00, 0x9FFF), range(33, 127)):
        refs = ("".join(map(chr, rng.choices(alphabet, k=512))) for _ in range(ITEM_RECORDS))
        records = [Record(client_ref=ref) for ref in refs]
        refused, _ = nothing(ITEM_RECORDS)
        table.refused.add(CALLERS[0], refused, SendRequest(records))
    assert len(table.sizes) == 3
    assert max(table.sizes) < 350_000


def test_while_the_table_takes_nothing_few_are_kept() -> None:
    table = Table(set(range(10_000)))
    for _ in range(20):
        table.refused.add(CALLERS[0], *nothing(1_000))
        table.now_ms += EVERY_MS
    assert len(table.refused.waiting) == WAITING_LIMIT
    assert table.codes() == {}


def test_what_is_not_the_callers_fault_is_not_recorded() -> None:
    table = Table()
    for code in (Code.TRY_AGAIN, Code.INTERNAL_ERROR, Code.REQUEST_IN_PROGRESS):
        table.refused.add(CALLERS[0], RequestRefused(code))
        table.now_ms += EVERY_MS
    assert table.tried_ms == []
