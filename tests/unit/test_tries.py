"""What marks tell of a message's tries is what was put down of them."""

import pytest

from harkara.codes import Code
from harkara.errors import RequestRefused
from harkara.marks import Mark, claim_kind, outcome_kind
from harkara.messages import Category, Chunk, Message, pack
from harkara.services.tries import (
    WORDS_LIMIT,
    Cancelled,
    End,
    Ended,
    Try,
    find_message,
    outcome_data,
    tries_of,
)
from harkara.submissions import InDoubt, NotTaken, Refused, Taken
from tests.fakes import FakeMessageStore, Faults

MESSAGE = Message("919876543210", "ACMEBK", "Hello", "ref", None)
CHUNK = Chunk(
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


def put(store: FakeMessageStore, kind: str, **data: object) -> Mark:
    mark = Mark(CHUNK.id, kind, "task", "holder", 0, data)
    store.put_once([mark])
    return mark


@pytest.mark.parametrize("end", ENDS, ids=str)
def test_each_end_is_read_as_it_was_written_after_tries_that_have_none_yet(end: End) -> None:
    store = FakeMessageStore(Faults())
    # Of the second block: two tries of message 4, the later one without an outcome.
    first = put(store, claim_kind(1, 1), indexes=[3, 4])
    put(store, outcome_kind(1, 1), at=55, **outcome_data([3, 4], [InDoubt(), end]))
    second = put(store, claim_kind(2, 1), indexes=[4])
    put(store, claim_kind(3, 1), indexes=[3])
    put(store, claim_kind(1, 0), indexes=[0, 1, 2])
    assert tries_of(store, CHUNK, 4) == [Try(1, first, 55, end), Try(2, second, 0, None)]


def test_an_outcome_that_says_nothing_of_a_message_is_no_end() -> None:
    store = FakeMessageStore(Faults())
    claim = put(store, claim_kind(1, 1), indexes=[3, 4])
    said = outcome_data([3], [Taken("id")])
    del said["ended"]  # one of before there were such
    put(store, outcome_kind(1, 1), at=55, **said)
    assert tries_of(store, CHUNK, 4) == [Try(1, claim, 55, None)]


def test_there_is_an_end_for_each_message() -> None:
    with pytest.raises(ValueError, match="zip"):
        outcome_data([0, 1], [Taken("id")])


def test_of_a_carriers_words_so_many_are_kept() -> None:
    words = "x" * (WORDS_LIMIT + 1)
    data = outcome_data([0, 1], [Taken(words), Refused(Code.DND, words)])
    assert data["taken"] == [(0, words[:-1])]
    assert data["refused"] == [(1, Code.DND, words[:-1])]


@pytest.mark.parametrize(
    ("account_id", "mid"),
    [
        pytest.param("other", CHUNK.mid(0), id="another account's"),
        pytest.param("acme", CHUNK.mid(6), id="beyond the last"),
        pytest.param("acme", CHUNK.mid(5), id="refused at once"),
        pytest.param("acme", "1" + "1" * 26 + "00", id="of no chunk"),
        pytest.param("acme", "nonsense", id="no mid"),
    ],
)
def test_what_is_no_message_of_the_account_is_not_found(account_id: str, mid: str) -> None:
    store = FakeMessageStore(Faults())
    store.put_chunk(CHUNK.id, pack(CHUNK), CHUNK.begins_ms)
    assert find_message(store, "acme", CHUNK.mid(4)) == (CHUNK, 4)
    with pytest.raises(RequestRefused) as refused:
        find_message(store, account_id, mid)
    assert refused.value.code is Code.NOT_FOUND
    assert refused.value.detail == "The account has no message of this mid."
