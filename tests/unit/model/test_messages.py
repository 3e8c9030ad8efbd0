"""Messages, and the packing and unpacking of message batches."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from harkara.base.codes import Code
from harkara.base.ids import mid_of, new_batch_id
from harkara.model.messages import (
    Category,
    Endpoint,
    Lane,
    Message,
    MessageBatch,
    lane_of,
    pack,
    unpack,
)

BATCH_ID = new_batch_id(1_767_258_000_000, bytes(10))
ACCEPTED = Message("919876543210", "ACMEBK", "Hello", "ref", 0, 1, "pe", "dlt")
REFUSED = Message("", "", "", "ref", None, refusal=Code.INVALID_NUMBER)

texts = st.text(max_size=80)
messages = st.builds(
    Message,
    texts,
    texts,
    texts,
    texts,
    st.none() | st.integers(0, 5),
    st.integers(0, 255),
    texts,
    texts,
    st.sampled_from(["", Code.EMPTY_TEXT]),
    texts,
)
batches = st.builds(
    MessageBatch,
    id=st.just(BATCH_ID),
    account_id=texts,
    carrier=texts,
    category=st.sampled_from(Category),
    accepted_at_ms=st.integers(0, 2**48),
    block_size=st.integers(1, 200),
    endpoints=st.lists(st.builds(Endpoint, texts, texts, texts), max_size=5).map(tuple),
    messages=st.lists(messages, max_size=30),
    daytime_only=st.booleans(),
    send_at_ms=st.integers(0, 2**48),
    validity_s=st.integers(0, 10**6),
    duplicate_window_s=st.integers(0, 10**6),
    telemarketer_ids=st.lists(texts, max_size=3).map(tuple),
)


def batch_of(*rows: Message, block_size: int = 2) -> MessageBatch:
    return MessageBatch(
        id=BATCH_ID,
        account_id="acme",
        carrier="sim",
        category=Category.SERVICE_IMPLICIT,
        accepted_at_ms=1_767_258_000_000,
        block_size=block_size,
        endpoints=(Endpoint("https://api.clevertap.com/x", "clevertap", "main"),),
        messages=list(rows),
    )


@given(batches)
def test_a_batch_is_unpacked_as_it_was_packed(batch: MessageBatch) -> None:
    unpacked = unpack(batch.id, pack(batch))
    assert unpacked == batch
    assert isinstance(unpacked.category, Category)


def test_an_unknown_version_of_the_format_is_an_error() -> None:
    packed = pack(batch_of(ACCEPTED))
    with pytest.raises(ValueError, match="batch format 9 is not known here"):
        unpack(BATCH_ID, b"\x09" + packed[1:])


def test_a_batch_of_version_2_is_read_for_ever() -> None:
    """Tomorrow's code must read the items that are in the table today."""
    fields = {
        "account_id": "acme",
        "carrier": "sim",
        "category": "service_implicit",
        "accepted_at_ms": 1_767_258_000_000,
        "block_size": 2,
        "endpoints": [["https://api.clevertap.com/x", "clevertap", "main"]],
        "messages": [["919876543210", "ACMEBK", "Hello", "ref", 0, 1, "pe", "dlt", "", ""]],
        "daytime_only": False,
        "send_at_ms": 0,
        "validity_s": 86400,
        "duplicate_window_s": 0,
        "telemarketer_ids": [],
    }
    assert unpack(BATCH_ID, b"\x02" + zlib.compress(to_json(fields))) == batch_of(ACCEPTED)


def test_a_thousand_campaign_messages_fit_in_one_item() -> None:
    rows = [
        ACCEPTED._replace(
            to=f"9198{number:08d}",
            text=f"Dear customer {number}, your order is on its way. Track it at acme.in/{number}",
            client_ref=f"{number:010d}.1200000000.1767258000.20260101.0.wzrk_default.-1.",
        )
        for number in range(1000)
    ]
    assert len(pack(batch_of(*rows))) < 100_000


@pytest.mark.parametrize(
    ("count", "block_count", "last_block"),
    [
        pytest.param(0, 0, [], id="none"),
        pytest.param(1, 1, [0], id="one"),
        pytest.param(2, 1, [0, 1], id="a full block"),
        pytest.param(3, 2, [2], id="a short last block"),
        pytest.param(4, 2, [2, 3], id="two full blocks"),
    ],
)
def test_blocks_cover_the_messages(count: int, block_count: int, last_block: list[int]) -> None:
    batch = batch_of(*[ACCEPTED] * count)
    assert batch.block_count == block_count
    assert batch.block(max(block_count - 1, 0)) == last_block
    covered = [index for number in range(block_count) for index in batch.block(number)]
    assert covered == list(range(count))


def test_a_block_leaves_out_what_was_refused() -> None:
    batch = batch_of(ACCEPTED, REFUSED, REFUSED, REFUSED, ACCEPTED)
    assert [batch.block(number) for number in range(3)] == [[0], [], [4]]
    assert batch.refused() == [(index, Code.INVALID_NUMBER) for index in (1, 2, 3)]


def test_a_batch_names_its_mids() -> None:
    assert batch_of(ACCEPTED).mid(3) == mid_of(BATCH_ID, 3)


@pytest.mark.parametrize("category", Category)
def test_only_otp_and_transactional_messages_are_urgent(category: Category) -> None:
    urgent = category.value in ("otp", "transactional")
    assert lane_of(category) is (Lane.PRIORITY if urgent else Lane.BULK)
