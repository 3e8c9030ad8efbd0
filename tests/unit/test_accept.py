"""Accepting a request: chunks, queues, and what the client hears when AWS fails."""

import random
from typing import Any

import pytest

from harkara.codes import Code
from harkara.errors import StoreUnavailable
from harkara.ids import split_mid
from harkara.messages import Endpoint, Lane, unpack
from harkara.requests import Record, RecordResult
from harkara.services.accept import PACKED_LIMIT_BYTES
from harkara.submit_tasks import decode_submit
from harkara.tasks import QueueName
from tests.unit.accepting import BULK, OTP, URL, WRONG, Accept

# What is stored and enqueued


def test_a_request_becomes_a_chunk_and_a_task() -> None:
    accept = Accept()
    results = accept.accept(BULK, BULK)
    (chunk,) = accept.chunks.all()
    assert [result.mid for result in results] == [chunk.mid(0), chunk.mid(1)]
    assert (chunk.account_id, chunk.carrier, chunk.lane) == ("acme", "sim", Lane.BULK)
    assert (chunk.accepted_at_ms, chunk.block_size) == (1_767_258_000_250, 100)
    assert chunk.endpoints == (Endpoint(URL, "clevertap", "main"),)
    assert [message.text for message in chunk.messages] == ["Hello", "Hello"]
    ((queue, body, group),) = accept.queues.sent
    assert (queue, group) == (QueueName.SUBMIT, "acme")
    assert decode_submit(body).chunk_id == chunk.id
    assert decode_submit(body).account_id == "acme"


def test_each_lane_has_its_chunk_and_queue() -> None:
    accept = Accept()
    results = accept.accept(BULK, OTP, BULK)
    chunks = {chunk.lane: chunk for chunk in accept.chunks.all()}
    assert [result.mid for result in results] == [
        chunks[Lane.BULK].mid(0),
        chunks[Lane.PRIORITY].mid(0),
        chunks[Lane.BULK].mid(1),
    ]
    assert {(queue, decode_submit(body).chunk_id) for queue, body, _ in accept.queues.sent} == {
        (QueueName.SUBMIT, chunks[Lane.BULK].id),
        (QueueName.SUBMIT_PRIORITY, chunks[Lane.PRIORITY].id),
    }


def test_refused_records_of_an_accepted_request_are_stored_once() -> None:
    accept = Accept()
    results = accept.accept(WRONG, BULK, WRONG, OTP)
    assert [result.code for result in results] == [Code.EMPTY_TEXT, None, Code.EMPTY_TEXT, None]
    refused = [pair for chunk in accept.chunks.all() for pair in chunk.refused()]
    assert [code for _, code in refused] == [Code.EMPTY_TEXT] * 2
    for result in results:
        assert (result.mid == "") is (result.code is not None)
    for result, record in zip(results, (WRONG, BULK, WRONG, OTP), strict=True):
        if result.mid:
            chunk_id, index = split_mid(result.mid)
            stored = unpack(chunk_id, accept.chunks.packed[chunk_id]).messages[index]
            assert (stored.sender_id, stored.text) == (record.sender_id, record.text)


@pytest.mark.parametrize(
    ("records", "code"),
    [
        pytest.param([WRONG, WRONG], Code.EMPTY_TEXT, id="all alike"),
        pytest.param([BULK._replace(to="1"), WRONG], Code.INVALID_NUMBER, id="the first counts"),
    ],
)
def test_a_request_with_nothing_acceptable_is_refused_and_leaves_nothing(
    records: list[Record], code: Code
) -> None:
    accept = Accept()
    assert accept.refusal(*records) is code
    assert accept.chunks.calls == 0
    assert accept.queues.sent == []


def test_a_foreign_callback_url_refuses_the_request() -> None:
    accept = Accept()
    assert accept.refusal(BULK, url="https://evil.example") is Code.INVALID_CALLBACK_URL
    assert accept.chunks.calls == 0


# Chunks that are too large for an item


def incompressible(seed: int, length: int) -> str:
    dice = random.Random(seed)  # noqa: S311 - a test's text
    return "".join(chr(dice.randrange(0x4E00, 0x9FA5)) for _ in range(length))


def test_a_request_too_large_for_an_item_becomes_several_in_order() -> None:
    accept = Accept()
    records = [
        BULK._replace(text=incompressible(number, 600), client_ref=str(number))
        for number in range(400)
    ]
    results = accept.accept(*records[:200], WRONG, *records[200:])
    assert len(accept.chunks.packed) > 1
    assert all(len(packed) <= PACKED_LIMIT_BYTES for packed in accept.chunks.packed.values())
    assert len(accept.queues.sent) == len(accept.chunks.packed)
    chunks = {chunk.id: chunk for chunk in accept.chunks.all()}
    texts = []
    for result in results:
        if result.mid:
            chunk_id, index = split_mid(result.mid)
            texts.append(chunks[chunk_id].messages[index].text)
    assert texts == [record.text for record in records]
    assert [code for chunk in chunks.values() for _, code in chunk.refused()] == [Code.EMPTY_TEXT]
    assert results[200] == RecordResult("", Code.EMPTY_TEXT)
    assert len({result.mid for result in results}) == 401


# What fails


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param({"fail_at": [0]}, id="the store fails"),
        pytest.param({"queues": [StoreUnavailable("x")]}, id="the queue fails"),
        pytest.param({"queues": [False]}, id="the queue does not take it"),
    ],
)
def test_what_is_not_committed_is_not_accepted(faults: dict[str, Any]) -> None:
    accept = Accept(**faults)
    assert accept.refusal(WRONG, BULK) is Code.TRY_AGAIN
    assert accept.queues.sent == []


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param({"fail_at": [0]}, id="the store fails"),
        pytest.param({"queues": [StoreUnavailable("x")]}, id="the queue fails"),
        pytest.param({"queues": [False]}, id="the queue does not take it"),
    ],
)
def test_just_the_records_of_the_lane_that_failed_are_to_be_sent_again(
    faults: dict[str, Any],
) -> None:
    accept = Accept(**faults)
    results = accept.accept(BULK, OTP, BULK, OTP)
    ((queue, _, _),) = accept.queues.sent
    lost = [OTP, BULK][queue is QueueName.SUBMIT_PRIORITY]
    for record, result in zip((BULK, OTP, BULK, OTP), results, strict=True):
        if record == lost:
            assert result == RecordResult("", Code.TRY_AGAIN)
        else:
            assert result.code is None
            assert split_mid(result.mid)[0] == decode_submit(accept.queues.sent[0][1]).chunk_id


def test_just_the_records_of_the_chunk_that_failed_are_to_be_sent_again() -> None:
    records = [BULK._replace(text=incompressible(number, 600)) for number in range(300)]
    accept = Accept(fail_at=[1])
    results = accept.accept(*records)
    codes = [result.code for result in results]
    lost = codes.count(Code.TRY_AGAIN)
    assert 0 < lost < len(records)
    first = codes.index(Code.TRY_AGAIN)
    assert codes[first : first + lost] == [Code.TRY_AGAIN] * lost
    stored = [message.text for chunk in accept.chunks.all() for message in chunk.messages]
    assert stored == [record.text for record, code in zip(records, codes, strict=True) if not code]


def test_refused_records_keep_their_callback_when_one_lane_fails() -> None:
    accept = Accept(fail_at=[0])
    results = accept.accept(BULK, WRONG, OTP)
    assert [result.code for result in results].count(Code.TRY_AGAIN) == 1
    (chunk,) = accept.chunks.all()
    assert [code for _, code in chunk.refused()] == [Code.EMPTY_TEXT]


def test_each_chunk_holds_just_its_own_callback_urls() -> None:
    dice = random.Random(1)  # noqa: S311 - long URLs that do not compress, the same each time
    urls = [f"https://clevertap.com/{dice.randbytes(500).hex()}" for _ in range(900)]
    accept = Accept()
    results = accept.accept(*(BULK._replace(callback_url=url) for url in urls))
    assert all(result.mid for result in results)
    assert 1 < len(accept.chunks.packed) < 20
    assert max(map(len, accept.chunks.packed.values())) <= PACKED_LIMIT_BYTES
    called = [
        chunk.endpoints[message.endpoint].url
        for chunk in accept.chunks.all()
        for message in chunk.messages
        if message.endpoint is not None
    ]
    assert called == urls


def test_an_account_that_is_drained_accepts_nothing() -> None:
    accept = Accept(draining=True)
    assert accept.refusal(BULK, WRONG) is Code.ACCOUNT_PAUSED
    assert accept.chunks.packed == {}
    assert accept.queues.sent == []
