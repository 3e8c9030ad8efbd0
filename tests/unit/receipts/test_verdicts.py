"""The receipts that count, by the stored records of their submit attempts."""

from dataclasses import replace
from typing import Any

import pytest

from harkara.base.ids import split_mid
from harkara.model.ledger import SHARED_KIND, LedgerEntry, claim_kind, outcome_kind
from harkara.model.messages import Category, Message, MessageBatch, State, pack
from harkara.model.tasks import Receipt
from harkara.receipts.verdicts import Found, Reported, find, judge
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

    def claim(self, attempt: int, block: int, *indexes: int, expires_at_ms: int = NOW_MS) -> None:
        payload = {"indexes": indexes, "carriers": {}, "at": NOW_MS - 3_000}
        self.put(claim_kind(attempt, block), expires_at_ms, payload)

    def outcome(self, attempt: int, block: int, *not_taken: int) -> None:
        payload = {"not_taken": [(index, 0) for index in not_taken]}
        self.put(outcome_kind(attempt, block), NOW_MS, payload)

    def put(self, kind: str, expires_at_ms: int, payload: dict[str, Any]) -> None:
        self.store.put_if_absent(
            [LedgerEntry(BATCH.id, kind, "task_id", "worker_id", expires_at_ms, payload)]
        )

    def judge(self, *receipts: Receipt) -> tuple[list[Receipt], list[Receipt], float]:
        reported = [Reported(each, BATCH, split_mid(each.mid)[1]) for each in receipts]
        verdicts = judge(self.store, reported, NOW_MS)
        early = list(verdicts.early)
        assert verdicts.superseded_count == len(receipts) - len(verdicts.counting) - len(early)
        return [each.receipt for each in verdicts.counting], early, verdicts.delay_s


def test_receipts_of_no_message_are_left_out_and_each_batch_is_read_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store, later = (
        FakeMessageStore(Faults()),
        replace(BATCH, id="1" + "1" * 26, send_at_ms=NOW_MS + 9),
    )
    for batch in (BATCH, later):
        store.put_batch(batch.id, pack(batch), batch.due_at_ms)
    read, get_batch = list[str](), store.get_batch

    def reading(batch_id: str) -> MessageBatch | None:
        read.append(batch_id)
        return get_batch(batch_id)

    monkeypatch.setattr(store, "get_batch", reading)
    known = [receipt(0, 1), receipt(3, 2)]
    of_later = receipt(1, 1)._replace(mid=later.mid(1))
    missing = [receipt(0, 1)._replace(mid=f"1{'2' * 26}0{index}") for index in range(2)]
    found = find(store, [known[0], *missing, of_later, receipt(4, 1), known[1]])
    assert found == Found(
        [Reported(known[0], BATCH, 0), Reported(of_later, later, 1), Reported(known[1], BATCH, 3)],
        {BATCH.id: BATCH, later.id: later},
        NOW_MS + 9,
    )
    assert read == [BATCH.id, missing[0].mid[:27], later.id]
    assert find(store, []) == Found([], {}, 0)


@pytest.mark.parametrize("state", [s for s in State if s is not State.DELIVERED])
def test_what_does_not_say_delivered_counts_unless_its_try_was_not_taken(state: State) -> None:
    existing = Known()
    existing.outcome(1, 0, 0)
    existing.outcome(2, 0)
    first, second, third = receipt(0, 1, state), receipt(0, 2, state), receipt(1, 1, state)
    assert existing.judge(first, second, third)[0] == [second, third]


def test_what_says_delivered_counts_whatever_its_try_and_costs_no_read() -> None:
    existing = Known()
    existing.outcome(1, 0, 0)
    receipts = [receipt(0, attempt, State.DELIVERED) for attempt in (1, 2)]
    calls = len(existing.store.faults.calls)
    assert existing.judge(*receipts)[0] == receipts
    assert len(existing.store.faults.calls) == calls


def test_what_is_of_no_try_counts() -> None:
    existing = Known()
    existing.outcome(1, 0, 0)
    cancelled = receipt(0, 0, State.CANCELLED)
    calls = len(existing.store.faults.calls)
    assert existing.judge(cancelled)[0] == [cancelled]
    assert len(existing.store.faults.calls) == calls


def test_each_block_has_outcomes_of_its_own() -> None:
    existing = Known()
    existing.outcome(1, 1, 2)
    assert existing.judge(receipt(0, 1), receipt(2, 1), receipt(3, 1))[0] == [
        receipt(0, 1),
        receipt(3, 1),
    ]


@pytest.mark.parametrize(
    ("expires_at_ms", "delay_s"),
    [
        pytest.param(NOW_MS + 60_000, 3, id="as long again as the claim stands"),
        pytest.param(NOW_MS + 500, 1.5, id="until its worker is gone"),
        pytest.param(NOW_MS, 1, id="at the last moment"),
        pytest.param(NOW_MS - 1, None, id="its worker is gone: nobody will say not taken"),
    ],
)
def test_a_failure_of_an_open_try_comes_again(expires_at_ms: int, delay_s: float | None) -> None:
    existing = Known()
    existing.claim(1, 0, 0, expires_at_ms=expires_at_ms)
    failure = receipt(0, 1)
    expected = ([failure], [], 0.0) if delay_s is None else ([], [failure], delay_s)
    assert existing.judge(failure) == expected


@pytest.mark.parametrize("taken", [True, False])
def test_a_shared_outcome_that_says_taken_is_one(taken: bool) -> None:
    existing = Known()
    payload = {"indexes": [0], "carriers": {}, "at": NOW_MS - 3_000, "shared": "shared#worker_id"}
    existing.put(claim_kind(1, 0), NOW_MS + 60_000, payload)
    shared = {"taken": {BATCH.id: "id"} if taken else {}, "at": NOW_MS}
    existing.store.put_if_absent(
        [LedgerEntry("shared#worker_id", SHARED_KIND, "task_id", "worker_id", 0, shared)]
    )
    failure = receipt(0, 1)
    assert existing.judge(failure)[:2] == (([failure], []) if taken else ([], [failure]))


def test_a_claim_speaks_of_its_own_messages_alone() -> None:
    existing = Known()
    existing.claim(1, 0, 0, expires_at_ms=NOW_MS + 60_000)
    assert existing.judge(receipt(1, 1))[0] == [receipt(1, 1)]
