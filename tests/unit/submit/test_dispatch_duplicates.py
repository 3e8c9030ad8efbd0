"""The duplicate window: the same text to one number goes out once in any window."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.base.ids import new_batch_id
from harkara.model.messages import Category, Message, MessageBatch
from harkara.submit.dispatch import find_duplicates
from tests.support.fakes import FakeMessageStore, Faults

WINDOW_S = 1800
START_MS = 1_767_258_000_000


def message(to: str = "919876543210", text: str = "Hello", client_ref: str = "") -> Message:
    return Message(to, "ACMEBK", text, client_ref, None)


def batch(
    number: int,
    messages: Sequence[Message],
    *,
    due_at_ms: int = START_MS,
    window_s: int = WINDOW_S,
    account_id: str = "acme",
) -> MessageBatch:
    return MessageBatch(
        id=new_batch_id(START_MS, number.to_bytes(10, "big")),
        account_id=account_id,
        carrier="sim",
        category=Category.SERVICE_IMPLICIT,
        accepted_at_ms=due_at_ms,
        block_size=100,
        endpoints=(),
        messages=messages,
        duplicate_window_s=window_s,
    )


def store() -> FakeMessageStore:
    return FakeMessageStore(Faults())


@given(st.lists(st.tuples(st.integers(0, 5 * WINDOW_S), st.booleans()), max_size=12))
def test_a_message_goes_out_unless_one_like_it_did_within_the_window(
    sent: list[tuple[int, bool]],
) -> None:
    """In any order of submits, with any number of attempts."""
    kept, out = store(), list[tuple[int, bool]]()
    for number, (at_s, other) in enumerate(sent):
        row = batch(
            number, [message(text="Hi" if other else "Hello")], due_at_ms=START_MS + at_s * 1000
        )
        repeats = any(abs(at_s - at) < WINDOW_S and other is what for at, what in out)
        for _ in range(2):
            assert find_duplicates(kept, row, [0]) == ({0} if repeats else set())
        if not repeats:
            out.append((at_s, other))


@pytest.mark.parametrize(
    ("second", "fields", "duplicates"),
    [
        pytest.param(message(client_ref="another"), {}, {0}, id="another smsgid is no difference"),
        pytest.param(message(text="Hello "), {}, set(), id="another text"),
        pytest.param(message(to="919876543211"), {}, set(), id="another number"),
        pytest.param(message(), {"account_id": "other"}, set(), id="another account"),
        pytest.param(message(), {"window_s": 0}, set(), id="no window"),
    ],
)
def test_what_is_alike(second: Message, fields: dict[str, object], duplicates: set[int]) -> None:
    kept = store()
    assert find_duplicates(kept, batch(1, [message()]), [0]) == set()
    assert find_duplicates(kept, batch(2, [second], **fields), [0]) == duplicates  # type: ignore[arg-type]


def test_the_same_smsgid_alone_is_no_duplicate() -> None:
    rows = [message(text=text, client_ref="TEST") for text in ("one", "two")]
    assert find_duplicates(store(), batch(1, rows), [0, 1]) == set()


def test_of_those_in_one_block_the_first_goes_out() -> None:
    rows = [message(), message(text="two"), message(), message()]
    kept = store()
    assert find_duplicates(kept, batch(1, rows), [0, 1, 2, 3]) == {2, 3}
    # A message that was not taken is tried again: it is no duplicate of itself.
    assert find_duplicates(kept, batch(1, rows), [0, 1]) == set()


def test_of_two_that_are_submitted_at_one_moment_one_goes_out() -> None:
    kept = store()
    other: list[set[int]] = []

    def meanwhile(_: int, name: str) -> None:
        if name == "put_if_absent in" and not other:
            other.append(set())
            other[0] = find_duplicates(kept, batch(2, [message()]), [0])

    kept.faults.on_call = meanwhile
    assert find_duplicates(kept, batch(1, [message()]), [0]) == {0}
    assert other == [set()]


def test_those_that_do_not_go_out_do_not_count() -> None:
    rows = [message(), message()]
    assert find_duplicates(store(), batch(1, rows), [1]) == set()


def test_a_window_that_is_off_costs_no_call() -> None:
    kept = store()
    find_duplicates(kept, batch(1, [message()], window_s=0), [0])
    assert kept.faults.calls == []


def test_entries_are_kept_for_two_windows_and_show_neither_number_nor_text() -> None:
    kept = store()
    due_at_ms = START_MS + 86_400_000
    find_duplicates(kept, batch(1, [message()], due_at_ms=due_at_ms), [0])
    ((key, end_s),) = kept.expires_at_s.items()
    assert end_s == due_at_ms / 1000 + 2 * WINDOW_S
    assert "9876543210" not in str(kept.entries)
    assert "Hello" not in str(kept.entries)
    assert key[0].startswith("duplicate#acme#")
