"""Any input of an account, a carrier or a platform yields records that fit: queues, items.

SQS accepts 1 MiB a message, DynamoDB 400 KB an item (`tests.support.limits`). Delayed tasks and
dead letters are stored in items, as JSON within JSON.
"""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harkara.accept.requests import Record
from harkara.accept.validation import CLIENT_REF_LIMIT_BYTES, RecordChecker
from harkara.aws.messages import item_of
from harkara.base.codes import Code
from harkara.base.ids import ReferenceSigner, mid_of, new_batch_id
from harkara.base.json import encode
from harkara.callbacks.dead_letters import dead_letter_entry
from harkara.callbacks.formats import clevertap
from harkara.callbacks.formats.contract import excerpt_of
from harkara.carriers.contract import InDoubt, NotTaken, Outcome, Refused, Taken
from harkara.carriers.receipts import (
    CARRIER_CODE_LIMIT,
    OPERATOR_LIMIT,
    Report,
    collect,
    words_of,
)
from harkara.inbound.replies import ReceivedMessage, ReplyService
from harkara.model.accounts import Account, Enforcement
from harkara.model.activity import facts_of
from harkara.model.callbacks import URL_LIMIT, UrlRules
from harkara.model.events import Click, ClickTask, Dlr, EventTask
from harkara.model.ledger import Lease, LedgerEntry
from harkara.model.messages import Category, Endpoint, Message, MessageBatch, State
from harkara.model.tasks import (
    Attempt,
    CallbackTask,
    QueueName,
    carrier_receipts_tasks,
    receipts_tasks,
)
from harkara.net.callback_poster import ANSWER_LIMIT_BYTES
from harkara.submit.outcomes import outcome_data
from tests.support.fakes import FakeMessageStore, Faults, caller_of
from tests.support.limits import BATCH_LIMIT_BYTES, ITEM_LIMIT_BYTES, item_bytes
from tests.support.ports import FakeLastMessages
from tests.support.queues import FakeTaskQueues

NOW_S = 1_767_258_000
LEASE = Lease("12345678-1234-1234-1234-123456789012", "0123456789abcdef", NOW_S * 1000)
BATCH_ID = new_batch_id(NOW_S * 1000, b"0123456789")
LONGEST_CODE = max(Code, key=len)
ACCOUNT = Account(
    id="a" * 64, name="A", carrier="sim", dlt=Enforcement.OFF, countries=("*",), two_way=True
)
# Characters of one to four bytes in UTF-8; some have six in JSON, and seven in JSON within JSON.
CHARACTERS = ["x", '"', "\\", "\x00", "\x1f", "न", "\ufffe", "\uffff", "😀"]
# A repeated pattern: any part of a far too long text has all its characters.
hostile = st.lists(st.sampled_from(CHARACTERS), min_size=1, max_size=4).map("".join)


def accepted_ref(pattern: str) -> str:
    """Return the longest client_ref of a pattern that the checks of a record accept."""
    wide = (pattern * CLIENT_REF_LIMIT_BYTES).encode()
    fitting = wide[:CLIENT_REF_LIMIT_BYTES].decode(errors="ignore")
    record = Record("9876543210", "ACMEBK", "Hello", fitting)
    for uniform in ([record], [record, record._replace(to="+6581234567")]):
        for beyond in (False, True):
            rows = [each._replace(client_ref=fitting + "x" * 512 * beyond) for each in uniform]
            checker = RecordChecker(caller_of(ACCOUNT), "", NOW_S * 1000, UrlRules())
            accepted, refused = checker.check(rows)
            assert (len(accepted), len(refused)) == ((0, len(rows)) if beyond else (1, 0))
            kept = [m for _, m in refused] + [m for key in accepted for m in key.messages]
            assert all(len(m.client_ref.encode()) <= CLIENT_REF_LIMIT_BYTES for m in kept)
    return fitting


def fits(body: str, *, in_item: bool = True) -> None:
    """Fail unless a body fits well into a queue, and into the Due table if it may wait there."""
    assert len(body.encode()) < BATCH_LIMIT_BYTES // 2
    row = {"pk": "shard#15", "sk": "0" * 30, "queue": "submit_priority", "body": body}
    size = item_bytes({name: {"S": value} for name, value in row.items()})
    assert not in_item or size < ITEM_LIMIT_BYTES


def stored(entry: LedgerEntry) -> None:
    """Fail unless a ledger entry fits into an item."""
    assert item_bytes(item_of(entry, {"N": str(NOW_S)})) < ITEM_LIMIT_BYTES


@given(ref=hostile, url=st.sampled_from(['"', "\\", "a"]), answer=st.binary(max_size=50))
@settings(max_examples=20)
def test_a_callback_of_a_hundred_messages(ref: str, url: str, answer: bytes) -> None:
    member = Dlr("", accepted_ref(ref), State.DELIVERED, NOW_S, LONGEST_CODE, "9" * 15, 20)
    members = tuple(member._replace(mid=mid_of(BATCH_ID, n)) for n in range(clevertap.MEMBER_LIMIT))
    address = f"https://acme.example/{url * URL_LIMIT}"[:URL_LIMIT]
    last = Attempt(NOW_S * 1000, 599, "r" * 200, excerpt_of(answer * 100), 99_999)
    endpoint = Endpoint(address, "moengage_batch", "c" * 64)
    task = CallbackTask(LEASE.task_id, 999, 99, ACCOUNT.id, endpoint, members, last=last, **SELDOM)
    fits(task.encode())
    stored(dead_letter_entry(LEASE, task, last))


SELDOM: dict[str, Any] = {
    "in_doubt": True,
    "refusals": 9,
    "waits": 99,
    "began_ms": NOW_S * 1000,
    "due_ms": NOW_S * 1000,
    "alerted_percent": 90,
    "replay": 99,
}


@given(ref=hostile, text=hostile, receiver=hostile)
@settings(max_examples=20)
def test_a_reply_however_long_it_is(ref: str, text: str, receiver: str) -> None:
    queues = FakeTaskQueues(Faults(), lambda: NOW_S)
    last = FakeLastMessages(Faults())
    last.put(ACCOUNT.id, {"6581234567": mid_of(BATCH_ID, 0)})
    store = FakeMessageStore(Faults())
    service = ReplyService(store, last, queues, ReferenceSigner(b"key"))
    endpoint = Endpoint("https://acme.example/", "clevertap")
    message = Message("6581234567", "Acme", "Hello", accepted_ref(ref), 0)
    batch = batch_of(message, endpoint)
    store.get_batch = lambda batch_id: batch  # type: ignore[method-assign]
    received = ReceivedMessage(ACCOUNT, "6581234567", receiver * 20_000, text * 20_000, NOW_S)
    assert service.pass_on([received] * 2) == 2
    for waiting in queues.waiting:
        fits(waiting.body)
        assert waiting.queue is QueueName.CALLBACK


def batch_of(message: Message, endpoint: Endpoint) -> MessageBatch:
    return MessageBatch(
        BATCH_ID, ACCOUNT.id, "sim", Category.OTP, NOW_S * 1000, 100, (endpoint,), [message]
    )


@given(ref=hostile, url=hostile)
@settings(max_examples=20)
def test_a_click_on_the_longest_link(ref: str, url: str) -> None:
    longest = f"https://acme.example/{url * 2048}"[:2048]
    mid, short = mid_of(BATCH_ID, 0), f"https://{'s' * 300}/{'x' * 14}"
    fits(ClickTask(mid, 7, NOW_S, longest, short).encode())
    click = Click(mid, accepted_ref(ref), NOW_S, "9" * 15, longest, short)
    endpoint = Endpoint("https://acme.example/", "clevertap")
    fits(EventTask(ACCOUNT.id, endpoint, click).encode())


@given(word=hostile, length=st.sampled_from([1, 200, 256, 20_000]))
@settings(max_examples=20)
def test_receipts_of_any_words(word: str, length: int) -> None:
    """A carrier's code is cut; an id beyond the longest length belongs to no message of ours."""
    words = (word * length)[: max(1, length)]
    signer = ReferenceSigner(b"key")
    reference = signer.sign(mid_of(BATCH_ID, 0), 1)
    states = {"failed": State.FAILED}
    received = collect(
        [
            each
            for _ in range(100)
            for each in (
                Report(reference, "failed", NOW_S, words),
                Report("", "failed", NOW_S, words, carrier_id=words),
            )
        ],
        states,
        {},
        signer,
    )
    assert len(received.receipts) == 100
    assert len(received.by_carrier_id) == (100 if len(words) <= 256 else 0)
    assert received.foreign_count == 100 - len(received.by_carrier_id)
    bodies = [task.encode() for task in receipts_tasks(received.receipts, "c" * 64)]
    named = carrier_receipts_tasks("c" * 64, received.by_carrier_id)
    for body in (*bodies, *(task.encode() for task in named)):
        fits(body)


@given(word=hostile)
@settings(max_examples=20)
def test_the_outcome_of_a_block_whatever_its_carrier_answers(word: str) -> None:
    words = word * 5_000
    refused = Refused(LONGEST_CODE, words, words)
    ends: list[Outcome] = [Taken(words), refused, NotTaken(3600), InDoubt()]
    for end in ends:
        data = outcome_data(range(100), [end] * 100)
        stored(LEASE.entry(BATCH_ID, "outcome#001#0000", at=NOW_S * 1000, **data))


@given(word=hostile)
@settings(max_examples=20)
def test_a_final_state_is_one_write_unit_whatever_the_carrier_says(word: str) -> None:
    words = words_of(word * 5_000)
    said = {"code": LONGEST_CODE, "carrier_code": "c" * CARRIER_CODE_LIMIT, "words": words}
    message = Message("9" * 15, "s" * 11, "", "", None, 20, "", "9" * 19, campaign_id="c" * 64)
    batch = MessageBatch(BATCH_ID, "a" * 64, "sim", Category.OTP, 0, 100, (), [message])
    more = {"attempt": 99, "operator": "o" * OPERATOR_LIMIT, "of": facts_of(batch, 0, "c" * 64)}
    entry = LEASE.entry(BATCH_ID, "final#0999", state="cancelled", at=NOW_S, **said, **more)
    assert item_bytes(item_of(entry, {"N": str(NOW_S)})) <= 1024


@pytest.mark.parametrize("meta", ["", "m" * 512, "\\u0000" * 100, "😀" * 128])
@pytest.mark.parametrize("code", ["1", "😀" * 20, '"' * 20])
@pytest.mark.parametrize("uniform", [True, False])
def test_the_end_of_a_callback_whatever_its_platform_answers(
    meta: str, code: str, *, uniform: bool
) -> None:
    """CleverTap's answer lists the messages that it did not process; a wrong one lists many."""
    entries = [{"meta": meta}] * 50_000
    failures = [{"code": code, "record": {"data": entries}}] if uniform else []
    failures = failures or [{"code": code, "record": entry} for entry in entries]
    answer, count = b"", len(entries)
    while not answer or len(answer) > ANSWER_LIMIT_BYTES:
        count //= 2
        visible = (
            [{"code": code, "record": {"data": entries[:count]}}] if uniform else failures[:count]
        )
        answer = encode({"unprocessed": visible})
    unprocessed = clevertap.unprocessed(answer)
    assert 0 < len(unprocessed) <= clevertap.MEMBER_LIMIT
    members = {new_batch_id(n, b"0123456789"): [999] for n in range(clevertap.MEMBER_LIMIT)}
    last = Attempt(NOW_S * 1000, 200, "HTTP 200", "a" * 200)
    stored(
        LEASE.entry(LEASE.task_id, "ack#000", members=members, last=last, unprocessed=unprocessed)
    )
