"""Accepting a request: message batches, queues, and the client's answer when AWS fails."""

import random
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harkara.accept.batches import PACKED_LIMIT_BYTES
from harkara.accept.requests import Record, RecordResult, SendRequest
from harkara.accept.service import NothingAccepted
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused, StoreUnavailable
from harkara.base.ids import split_mid
from harkara.model.accounts import Account, Limits
from harkara.model.messages import Endpoint, Lane, unpack
from harkara.model.submit_tasks import decode_submit
from harkara.model.tasks import QueueName
from tests.support.fakes import caller_of
from tests.unit.accepting import BULK, OTP, URL, WRONG, Accept

# Stored and enqueued data


def test_a_request_becomes_a_batch_and_a_task() -> None:
    accept = Accept()
    results = accept.accept(BULK, BULK)
    (batch,) = accept.batches.all()
    assert [result.mid for result in results] == [batch.mid(0), batch.mid(1)]
    assert (batch.account_id, batch.carrier, batch.lane) == ("acme", "sim", Lane.BULK)
    assert (batch.accepted_at_ms, batch.block_size) == (1_767_258_000_250, 100)
    assert batch.endpoints == (Endpoint(URL, "clevertap", "main"),)
    assert [message.text for message in batch.messages] == ["Hello", "Hello"]
    ((queue, body, group),) = accept.queues.sent
    assert (queue, group) == (QueueName.SUBMIT, "acme")
    assert decode_submit(body).batch_id == batch.id
    assert decode_submit(body).account_id == "acme"


def test_each_lane_has_its_batch_and_queue() -> None:
    accept = Accept()
    results = accept.accept(BULK, OTP, BULK)
    batches = {batch.lane: batch for batch in accept.batches.all()}
    assert [result.mid for result in results] == [
        batches[Lane.BULK].mid(0),
        batches[Lane.PRIORITY].mid(0),
        batches[Lane.BULK].mid(1),
    ]
    # One queue message commits both batches: it goes to the queue of the urgent one.
    ((queue, body, _),) = accept.queues.sent
    assert (queue, decode_submit(body).batch_id) == (
        QueueName.SUBMIT_PRIORITY,
        batches[Lane.PRIORITY].id,
    )
    (other,) = decode_submit(body).others
    assert other == (batches[Lane.BULK].id, QueueName.SUBMIT, 1_767_258_000_250)


def test_refused_records_of_an_accepted_request_are_stored_once() -> None:
    accept = Accept()
    results = accept.accept(WRONG, BULK, WRONG, OTP)
    assert [result.code for result in results] == [Code.EMPTY_TEXT, None, Code.EMPTY_TEXT, None]
    refused = [pair for batch in accept.batches.all() for pair in batch.refused()]
    assert [code for _, code in refused] == [Code.EMPTY_TEXT] * 2
    for result in results:
        assert (result.mid == "") is (result.code is not None)
    for result, record in zip(results, (WRONG, BULK, WRONG, OTP), strict=True):
        if result.mid:
            batch_id, index = split_mid(result.mid)
            stored = unpack(batch_id, accept.batches.packed[batch_id]).messages[index]
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
    assert accept.batches.calls == 0
    assert accept.queues.sent == []


def test_where_nothing_is_accepted_the_reasons_are_counted() -> None:
    records = [BULK._replace(to="1"), WRONG, WRONG, BULK._replace(to="2")]
    with pytest.raises(RequestRefused) as refused:
        Accept().accept(*records)
    assert refused.value.code is Code.INVALID_NUMBER
    assert refused.value.detail == "(of 4 records: 2 INVALID_NUMBER, 2 EMPTY_TEXT)"
    with pytest.raises(RequestRefused) as refused:
        Accept().accept(WRONG)
    assert refused.value.detail == ""


def test_a_foreign_callback_url_refuses_the_request() -> None:
    accept = Accept()
    assert accept.refusal(BULK, url="https://evil.example") is Code.INVALID_CALLBACK_URL
    assert accept.batches.calls == 0


# Message batches that are too large for an item


def enqueued(accept: Accept) -> set[str]:
    """Return the ids of the batches in the only queue message."""
    ((_, body, _),) = accept.queues.sent
    task = decode_submit(body)
    return {task.batch_id, *(part.batch_id for part in task.others)}


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
    assert len(accept.batches.packed) > 1
    assert all(len(packed) <= PACKED_LIMIT_BYTES for packed in accept.batches.packed.values())
    assert enqueued(accept) == accept.batches.packed.keys()
    batches = {batch.id: batch for batch in accept.batches.all()}
    texts = []
    for result in results:
        if result.mid:
            batch_id, index = split_mid(result.mid)
            texts.append(batches[batch_id].messages[index].text)
    assert texts == [record.text for record in records]
    assert [code for batch in batches.values() for _, code in batch.refused()] == [Code.EMPTY_TEXT]
    assert results[200] == RecordResult("", Code.EMPTY_TEXT)
    assert len({result.mid for result in results}) == 401


# Failures


@pytest.mark.parametrize(
    "faults",
    [
        pytest.param({"fail_at": [0]}, id="the store fails"),
        pytest.param({"fail_at": [1]}, id="the store fails at the second batch"),
        pytest.param({"queues": [StoreUnavailable("x")]}, id="the queue fails"),
        pytest.param({"queues": [False]}, id="the queue does not take it"),
    ],
)
def test_a_request_is_accepted_in_whole_or_not_at_all(faults: dict[str, Any]) -> None:
    """A stored batch in no queue has no effect: sending the same again doubles nothing."""
    accept = Accept(**faults)
    with pytest.raises(NothingAccepted) as refused:
        accept.accept(WRONG, BULK, OTP, BULK)
    assert refused.value.code is Code.TRY_AGAIN
    codes = [result.code for result in refused.value.results]
    assert codes == [Code.EMPTY_TEXT, Code.TRY_AGAIN, Code.TRY_AGAIN, Code.TRY_AGAIN]
    assert accept.queues.sent == []
    results = accept.accept(WRONG, BULK, OTP, BULK)
    assert [bool(result.mid) for result in results] == [False, True, True, True]
    batches = enqueued(accept)
    assert {split_mid(result.mid)[0] for result in results if result.mid} == batches
    refusals = [
        c for batch in accept.batches.all() if batch.id in batches for _, c in batch.refused()
    ]
    assert refusals == [Code.EMPTY_TEXT]


# Refused records of any length


@pytest.mark.parametrize(("good", "bad"), [(200, 800), (1, 999), (999, 1), (500, 500)])
def test_refused_records_never_make_a_batch_too_large(good: int, bad: int) -> None:
    accept = Accept()
    records = [BULK._replace(client_ref=f"g{number}") for number in range(good)]
    urls = [f"https://clevertap.com/{quote(incompressible(n, 200))}" for n in range(bad)]
    refused = [
        WRONG._replace(client_ref=incompressible(number, 170), callback_url=urls[number])
        for number in range(bad)
    ]
    results = accept.accept(*records, *refused)
    assert [bool(result.mid) for result in results] == [True] * good + [False] * bad
    assert max(map(len, accept.batches.packed.values())) <= PACKED_LIMIT_BYTES
    assert enqueued(accept) == accept.batches.packed.keys()
    called_back = {
        message.client_ref
        for batch in accept.batches.all()
        for message in batch.messages
        if message.refusal
    }
    assert called_back == {record.client_ref for record in refused}
    # Together they take about 2.4 MB.
    assert accept.batches.calls <= 20


@given(
    refs=st.lists(
        st.tuples(st.booleans(), st.integers(0, 2**32), st.integers(0, 170)),
        min_size=1,
        max_size=1000,
    )
)
@settings(max_examples=15)
def test_writes_are_few_whatever_is_refused(refs: list[tuple[bool, int, int]]) -> None:
    """A batch that is too large is split, and its parts are never merged again."""
    records = [
        (WRONG if wrong else BULK)._replace(client_ref=incompressible(seed, length))
        for wrong, seed, length in refs
    ]
    accept = Accept()
    results = accept.accept(*records, BULK)
    assert [not result.mid for result in results] == [wrong for wrong, _, _ in refs] + [False]
    total = sum(len(record.client_ref.encode()) + 100 for record in records)
    assert accept.batches.calls <= 2 + 4 * (total // PACKED_LIMIT_BYTES)
    stored = sum(len(batch.messages) for batch in accept.batches.all())
    assert stored == len(records) + 1


def test_each_batch_holds_just_its_own_callback_urls() -> None:
    dice = random.Random(1)  # noqa: S311 - long URLs that do not compress, the same each time
    urls = [f"https://clevertap.com/{dice.randbytes(500).hex()}" for _ in range(900)]
    accept = Accept()
    results = accept.accept(*(BULK._replace(callback_url=url) for url in urls))
    assert all(result.mid for result in results)
    assert 1 < len(accept.batches.packed) < 20
    assert max(map(len, accept.batches.packed.values())) <= PACKED_LIMIT_BYTES
    called = [
        batch.endpoints[message.endpoint].url
        for batch in accept.batches.all()
        for message in batch.messages
        if message.endpoint is not None
    ]
    assert called == urls


def test_an_account_that_is_drained_accepts_nothing() -> None:
    accept = Accept(draining=True)
    assert accept.refusal(BULK, WRONG) is Code.ACCOUNT_PAUSED
    assert accept.batches.packed == {}
    assert accept.queues.sent == []


# Counting against limits


class Counting:
    """Accepts requests until `room` are counted."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.taken: list[int] = []

    def take(self, account: Account, segment_count: int) -> None:
        if len(self.taken) == self.room:
            raise RequestRefused(Code.RATE_LIMITED, retry_after_s=1)
        self.taken.append(segment_count)


def test_a_request_that_sends_nothing_counts_against_the_limits_too() -> None:
    accept = Accept(limits=Limits(requests_per_s=1))
    limits = Counting(room=3)
    accept.service = replace(accept.service, limits=limits)
    caller = caller_of(accept.account)
    assert accept.refusal(WRONG) is Code.EMPTY_TEXT
    accept.service.dry_run(caller, SendRequest([BULK, WRONG]))
    accept.accept(BULK, OTP, WRONG)
    assert limits.taken == [0, 0, 2]
    assert accept.refusal(WRONG) is Code.RATE_LIMITED
    with pytest.raises(RequestRefused):
        accept.service.dry_run(caller, SendRequest([BULK]))
