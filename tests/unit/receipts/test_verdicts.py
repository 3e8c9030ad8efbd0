"""The receipts that count, by the stored records of their submit attempts."""

from typing import Any

import pytest

from harkara.model.ledger import SHARED_KIND, LedgerEntry, claim_kind, outcome_kind
from harkara.model.messages import Category, Message, MessageBatch, State
from harkara.model.tasks import Receipt
from harkara.receipts.verdicts import judge
from tests.support.fakes import FakeMessageStore, Faults

NOW_MS = 1_767_258_000_000
BATCH = MessageBatch(
    id="1" + "0" * 26,
    account_id="acme",
    carrier="sim",
    category=Category.OTP,
    accepted_at_ms=NOW_MS,
    block_size=2,
    endpoints=(),
    messages=[Message("919876543210", "ACMEBK", "Hello", "ref", None)] * 4,
)


def receipt(index: int, attempt: int, state: State = State.FAILED) -> Receipt:
    return Receipt(BATCH.mid(index), attempt, state, NOW_MS // 1000)


class Known:
    """The stored records of the batch's submit attempts."""

    def __init__(self) -> None:
        self.store = FakeMessageStore(Faults())

    def claim(self, attempt: int, block: int, *indexes: int, until_ms: int = NOW_MS) -> None:
        said = {"indexes": indexes, "carriers": {}, "at": NOW_MS - 3_000}
        self.put(claim_kind(attempt, block), until_ms, said)

    def outcome(self, attempt: int, block: int, *not_taken: int) -> None:
        said = {"not_taken": [(index, 0) for index in not_taken]}
        self.put(outcome_kind(attempt, block), NOW_MS, said)

    def put(self, kind: str, until_ms: int, said: dict[str, Any]) -> None:
        self.store.put_if_absent([LedgerEntry(BATCH.id, kind, "owner", "holder", until_ms, said)])

    def judge(self, *receipts: Receipt) -> tuple[list[Receipt], list[Receipt], float]:
        verdicts = judge(self.store, {BATCH.id: BATCH}, receipts, NOW_MS)
        early = list(verdicts.early)
        assert verdicts.superseded_count == len(receipts) - len(verdicts.counting) - len(early)
        return verdicts.counting, early, verdicts.delay_s


@pytest.mark.parametrize("state", [s for s in State if s is not State.DELIVERED])
def test_what_does_not_say_delivered_counts_unless_its_try_was_not_taken(state: State) -> None:
    known = Known()
    known.outcome(1, 0, 0)
    known.outcome(2, 0)
    first, second, third = receipt(0, 1, state), receipt(0, 2, state), receipt(1, 1, state)
    assert known.judge(first, second, third)[0] == [second, third]


def test_what_says_delivered_counts_whatever_its_try_and_costs_no_read() -> None:
    known = Known()
    known.outcome(1, 0, 0)
    receipts = [receipt(0, attempt, State.DELIVERED) for attempt in (1, 2)]
    calls = len(known.store.faults.calls)
    assert known.judge(*receipts)[0] == receipts
    assert len(known.store.faults.calls) == calls


def test_what_is_of_no_try_counts() -> None:
    known = Known()
    known.outcome(1, 0, 0)
    cancelled = receipt(0, 0, State.CANCELLED)
    calls = len(known.store.faults.calls)
    assert known.judge(cancelled)[0] == [cancelled]
    assert len(known.store.faults.calls) == calls


def test_each_block_has_outcomes_of_its_own() -> None:
    known = Known()
    known.outcome(1, 1, 2)
    assert known.judge(receipt(0, 1), receipt(2, 1), receipt(3, 1))[0] == [
        receipt(0, 1),
        receipt(3, 1),
    ]


@pytest.mark.parametrize(
    ("until_ms", "delay_s"),
    [
        pytest.param(NOW_MS + 60_000, 3, id="as long again as the claim stands"),
        pytest.param(NOW_MS + 500, 1.5, id="until its holder is gone"),
        pytest.param(NOW_MS, 1, id="at the last moment"),
        pytest.param(NOW_MS - 1, None, id="its holder is gone: nobody will say not taken"),
    ],
)
def test_a_failure_of_an_open_try_comes_again(until_ms: int, delay_s: float | None) -> None:
    known = Known()
    known.claim(1, 0, 0, until_ms=until_ms)
    failure = receipt(0, 1)
    expected = ([failure], [], 0.0) if delay_s is None else ([], [failure], delay_s)
    assert known.judge(failure) == expected


@pytest.mark.parametrize("taken", [True, False])
def test_a_shared_outcome_that_says_taken_is_one(taken: bool) -> None:
    known = Known()
    said = {"indexes": [0], "carriers": {}, "at": NOW_MS - 3_000, "shared": "shared#holder"}
    known.put(claim_kind(1, 0), NOW_MS + 60_000, said)
    shared = {"taken": {BATCH.id: "id"} if taken else {}, "at": NOW_MS}
    known.store.put_if_absent(
        [LedgerEntry("shared#holder", SHARED_KIND, "owner", "holder", 0, shared)]
    )
    failure = receipt(0, 1)
    assert known.judge(failure)[:2] == (([failure], []) if taken else ([], [failure]))


def test_a_claim_speaks_of_its_own_messages_alone() -> None:
    known = Known()
    known.claim(1, 0, 0, until_ms=NOW_MS + 60_000)
    assert known.judge(receipt(1, 1))[0] == [receipt(1, 1)]
