"""The submit attempts of a message, read back from its ledger entries."""

import pytest

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.carriers.contract import InDoubt, NotTaken, Refused, Taken
from harkara.carriers.receipts import WORDS_LIMIT_BYTES
from harkara.model.ledger import SHARED_KIND, LedgerEntry, claim_kind, outcome_kind
from harkara.model.messages import Category, Message, MessageBatch, pack
from harkara.submit.attempts import (
    Cancelled,
    End,
    Ended,
    SubmitAttempt,
    attempts_of,
    find_message,
    shared_outcomes,
)
from harkara.submit.outcomes import ID_LIMIT, outcome_data
from tests.support.fakes import FakeMessageStore, Faults

MESSAGE = Message("919876543210", "ACMEBK", "Hello", "ref", None)
BATCH = MessageBatch(
    id="1" + "0" * 26,
    account_id="acme",
    carrier="sim",
    category=Category.OTP,
    accepted_at_ms=1_767_258_000_000,
    block_size=3,
    endpoints=(),
    messages=[*[MESSAGE] * 5, MESSAGE._replace(refusal=Code.INVALID_NUMBER)],
)
ENDS: list[End] = [
    Taken("id"),
    Refused(Code.DND, "650"),
    NotTaken(7),
    InDoubt(),
    Cancelled(),
    Ended(),
]


def put(store: FakeMessageStore, kind: str, **data: object) -> LedgerEntry:
    entry = LedgerEntry(BATCH.id, kind, "task", "worker_id", 0, data)
    store.put_if_absent([entry])
    return entry


@pytest.mark.parametrize("end", ENDS, ids=str)
def test_each_end_is_read_as_it_was_written_after_tries_that_have_none_yet(end: End) -> None:
    store = FakeMessageStore(Faults())
    # Of the second block: two attempts of message 4, the later one without an outcome.
    first = put(store, claim_kind(1, 1), indexes=[3, 4])
    put(store, outcome_kind(1, 1), at=55, **outcome_data([3, 4], [InDoubt(), end]))
    second = put(store, claim_kind(2, 1), indexes=[4])
    put(store, claim_kind(3, 1), indexes=[3])
    put(store, claim_kind(1, 0), indexes=[0, 1, 2])
    assert attempts_of(store, BATCH, 4) == [
        SubmitAttempt(1, first, 55, end),
        SubmitAttempt(2, second, 0, None),
    ]


def test_an_outcome_that_says_nothing_of_a_message_is_no_end() -> None:
    store = FakeMessageStore(Faults())
    claim = put(store, claim_kind(1, 1), indexes=[3, 4])
    payload = outcome_data([3], [Taken("id")])
    del payload["ended"]  # an entry from before this field existed
    put(store, outcome_kind(1, 1), at=55, **payload)
    assert attempts_of(store, BATCH, 4) == [SubmitAttempt(1, claim, 55, None)]


def shared_by(index: str, **taken: str) -> LedgerEntry:
    return LedgerEntry(f"shared#{index}", SHARED_KIND, index, "x", 0, {"taken": taken, "at": 66})


def test_claims_find_what_their_shared_outcome_says_of_them_as_if_it_were_their_own() -> None:
    store = FakeMessageStore(Faults())
    store.put_if_absent([shared_by("one", a="id of a", d="id of d"), shared_by("two", b="id of b")])
    indexes = {"a": "one", "b": "two", "c": "one", "d": "one", "e": "nothing stands there", "f": ""}
    claims = [
        LedgerEntry(name, claim_kind(1, 0), f"task of {name}", f"worker of {name}", 7, data)
        for name, index in indexes.items()
        for data in [{"shared": f"shared#{index}"} if index else {}]
    ]
    outcomes = shared_outcomes(store, claims)
    payload = {name: outcome_data([0], [Taken(f"id of {name}")]) for name in "abd"}
    assert outcomes == [
        LedgerEntry(name, outcome_kind(1, 0), f"task of {name}", f"worker of {name}", 7, data)
        if name in payload
        else None
        for name in indexes
        for data in [{**payload.get(name, {}), "at": 66}]
    ]


def test_who_shares_nothing_costs_no_read() -> None:
    store = FakeMessageStore(Faults())
    calls = len(store.faults.calls)
    claim = LedgerEntry(BATCH.id, claim_kind(1, 0), "task", "worker_id", 0, {})
    assert shared_outcomes(store, [claim, claim]) == [None, None]
    assert len(store.faults.calls) == calls


def test_who_has_an_outcome_of_its_own_costs_no_read_of_another() -> None:
    store = FakeMessageStore(Faults())
    claim = put(store, claim_kind(1, 0), indexes=[0], shared="shared#one")
    put(store, outcome_kind(1, 0), at=55, **outcome_data([0], [InDoubt()]))
    calls = len(store.faults.calls)
    assert attempts_of(store, BATCH, 0) == [SubmitAttempt(1, claim, 55, InDoubt())]
    assert store.faults.calls[calls:] == ["find_entries", "get_entries"]


def test_a_try_that_shared_its_outcome_ended_as_that_says_and_a_later_one_as_its_own() -> None:
    store = FakeMessageStore(Faults())
    first = put(store, claim_kind(1, 0), indexes=[0], shared="shared#one")
    second = put(store, claim_kind(2, 0), indexes=[0])
    third = put(store, claim_kind(3, 0), indexes=[0])
    put(store, outcome_kind(2, 0), at=77, **outcome_data([0], [InDoubt()]))
    store.put_if_absent([shared_by("one", **{BATCH.id: "id"})])
    assert attempts_of(store, BATCH, 0) == [
        SubmitAttempt(1, first, 66, Taken("id")),
        SubmitAttempt(2, second, 77, InDoubt()),
        SubmitAttempt(3, third, 0, None),
    ]


def test_there_is_an_end_for_each_message() -> None:
    with pytest.raises(ValueError, match="zip"):
        outcome_data([0, 1], [Taken("id")])


def test_of_a_carriers_words_so_many_are_kept() -> None:
    carrier_id, words = "x" * (ID_LIMIT + 1), "no " * WORDS_LIMIT_BYTES
    ends: list[End] = [Taken(carrier_id), Refused(Code.DND, words), Refused(Code.DND, "650", words)]
    data = outcome_data([0, 1, 2], ends)
    assert data["taken"] == [(0, carrier_id[:-1])]
    kept = words[:WORDS_LIMIT_BYTES].rstrip()
    assert data["refused"] == [(1, Code.DND, kept), (2, Code.DND, "650", kept)]


@pytest.mark.parametrize(
    ("account_id", "mid"),
    [
        pytest.param("other", BATCH.mid(0), id="another account's"),
        pytest.param("acme", BATCH.mid(6), id="beyond the last"),
        pytest.param("acme", BATCH.mid(5), id="refused at once"),
        pytest.param("acme", "1" + "1" * 26 + "00", id="of no batch"),
        pytest.param("acme", "nonsense", id="no mid"),
    ],
)
def test_what_is_no_message_of_the_account_is_not_found(account_id: str, mid: str) -> None:
    store = FakeMessageStore(Faults())
    store.put_batch(BATCH.id, pack(BATCH), BATCH.due_at_ms)
    assert find_message(store, "acme", BATCH.mid(4)) == (BATCH, 4)
    with pytest.raises(RequestRefused) as refused:
        find_message(store, account_id, mid)
    assert refused.value.code is Code.NOT_FOUND
    assert refused.value.detail == "The account has no message of this mid."
