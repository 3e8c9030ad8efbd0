"""A request under an Idempotency-Key is served once; its stored answer, and how long it is kept."""

import base64
import random
import zlib
from collections.abc import Sequence
from itertools import takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.accept.idempotency import Answer, Idempotency
from harkara.accept.requests import IdSource
from harkara.base.codes import Code
from harkara.base.errors import StoreUnavailable
from harkara.model.accounts import Scope
from harkara.model.ledger import LedgerEntry
from tests.support.fakes import FakeMessageStore, Faults, ProcessKilled
from tests.unit.repeating import CALLER, OTHER, TIMEOUT_S, Gateway


@pytest.mark.parametrize("after_s", [0, 10, 23 * 3600])
def test_a_repeat_is_answered_the_same_and_not_served(after_s: int) -> None:
    gateway = Gateway()
    first = gateway.once()
    gateway.now_s += after_s
    assert gateway.once() == first
    assert gateway.runs == 1


@given(body=st.binary(max_size=400))
def test_only_a_repeat_of_the_request_can_read_the_stored_answer(body: bytes) -> None:
    gateway = Gateway()
    gateway.produce = lambda _: Answer(200, b"919876543210" + body)
    first = gateway.once()
    (end,) = (each for each in gateway.store.entries.values() if each.kind.startswith("end#"))
    content = base64.b64decode(end.data["body"])
    with pytest.raises(zlib.error):
        zlib.decompress(content)
    assert b"9876543210" not in content
    assert gateway.once() == first
    assert first.body == b"919876543210" + body


def test_another_request_under_the_key_is_refused() -> None:
    gateway = Gateway()
    gateway.once()
    assert gateway.refusal(OTHER).code is Code.IDEMPOTENCY_CONFLICT
    assert gateway.runs == 1


def test_keys_of_other_accounts_and_other_keys_are_other_requests() -> None:
    gateway = Gateway()
    gateway.once()
    gateway.once(OTHER, key="campaign-2")
    other = CALLER.account.model_copy(update={"id": "other"})
    gateway.caller = CALLER._replace(account=other)
    gateway.once(OTHER)
    assert gateway.runs == 3


@pytest.mark.parametrize(
    ("key", "good"),
    [
        pytest.param("k", True, id="one character"),
        pytest.param("k" * 255, True, id="the longest"),
        pytest.param("a b~!", True, id="printable"),
        pytest.param("", False, id="empty"),
        pytest.param("k" * 256, False, id="too long"),
        pytest.param("é", False, id="not ASCII"),
        pytest.param("a\n", False, id="a line's end"),
        pytest.param("\ud800", False, id="a lone surrogate"),
    ],
)
def test_a_key_is_printable_ascii(key: str, good: bool) -> None:
    gateway = Gateway()
    if good:
        assert gateway.once(key=key).status == 200
    else:
        refused = gateway.refusal(key=key)
        assert refused.code is Code.INVALID_REQUEST
        assert "Idempotency-Key" in refused.message


def test_another_credential_makes_other_ids() -> None:
    """It may allow other senders, and so store other messages than the one before."""
    gateway = Gateway(Faults(kill_after={2}))
    with pytest.raises(ProcessKilled):
        gateway.once()
    gateway.now_s += TIMEOUT_S + 1
    changed = CALLER.credential.model_copy(update={"scopes": (Scope.SEND,)})
    gateway.caller = CALLER._replace(credential=changed)
    assert not set(gateway.ids()) & set(Gateway().ids())


@given(st.lists(st.sampled_from([400, 403, 429, 500, 503]), max_size=6))
def test_a_refusal_gives_up_the_ids_only_where_no_run_before_may_have_stored_something(
    failures: list[int],
) -> None:
    gateway = Gateway()
    statuses, named = iter([*failures, 200]), list[str]()

    def produce(names: IdSource | None) -> Answer:
        assert names is not None
        named.append(names.new(names.now_ms(), "0"))
        return Answer(next(statuses), b"")

    gateway.produce = produce
    for _ in [*failures, 200, 200]:
        gateway.once()
        gateway.now_s += 1
    refused_first = len([*takewhile(lambda status: status < 500, failures)])
    assert len(named) == len(failures) + 1
    assert len(set(named[:refused_first])) == refused_first
    assert len(set(named[refused_first:])) == 1


@pytest.mark.parametrize(
    ("status", "runs"),
    [
        pytest.param(200, 1, id="accepted"),
        pytest.param(400, 2, id="a template that may be registered"),
        pytest.param(403, 2, id="an account that may be resumed"),
        pytest.param(413, 2, id="too large"),
        pytest.param(401, 2, id="a secret that may be corrected"),
        pytest.param(429, 2, id="too fast"),
        pytest.param(500, 2, id="failed"),
        pytest.param(503, 2, id="to be sent again"),
    ],
)
def test_what_was_accepted_is_kept_and_nothing_else(status: int, runs: int) -> None:
    gateway = Gateway()
    named: list[list[str]] = []

    def produce(names: IdSource | None) -> Answer:
        assert names is not None
        named.append([names.new(names.now_ms(), index) for index in ("0", "1")])
        return Answer(status, b"")

    gateway.produce = produce
    assert gateway.once().status == status
    gateway.now_s += 1
    assert gateway.once().status == status
    assert len(named) == runs
    if runs == 2:
        # A temporary refusal stored nothing; a failed request may have stored batches.
        assert (named[0] == named[1]) is (status >= 500)


def test_a_refusal_in_the_words_of_200_is_not_kept() -> None:
    """WebEngage expects some refusals in a body with that status."""
    gateway = Gateway()
    answers = iter([Answer(200, b"sms_rejected", accepts=False), Answer(200, b"sms_accepted")])
    gateway.produce = lambda names: next(answers)
    assert gateway.once().body == b"sms_rejected"
    assert gateway.once().body == b"sms_accepted"
    assert gateway.once().body == b"sms_accepted"


@pytest.mark.parametrize(
    "error",
    [pytest.param(StoreUnavailable("x"), id="no store"), pytest.param(ValueError(), id="a bug")],
)
def test_what_is_raised_is_raised_and_the_next_repeat_runs(error: Exception) -> None:
    gateway = Gateway()
    named: list[str] = []

    def produce(names: IdSource | None) -> Answer:
        assert names is not None
        named.append(names.new(names.now_ms(), "0"))
        if len(named) == 1:
            raise error
        return Answer(200, b"")

    gateway.produce = produce
    with pytest.raises(type(error)):
        gateway.once()
    assert gateway.once().status == 200
    assert named[0] == named[1]


class Failing(FakeMessageStore):
    """Fails to store `end` entries."""

    def put_if_absent(
        self, entries: Sequence[LedgerEntry], *, due_at_ms: int = 0, keep_s: int | None = None
    ) -> list[LedgerEntry]:
        if entries[0].kind.startswith("end#"):
            raise StoreUnavailable("ThrottlingException")
        return super().put_if_absent(entries, due_at_ms=due_at_ms, keep_s=keep_s)


def test_an_answer_that_is_not_stored_is_given_all_the_same() -> None:
    gateway = Gateway()
    gateway.store = Failing(gateway.faults)
    gateway.idempotency = Idempotency(gateway.store, gateway.clock, random.randbytes)
    first = gateway.ids()
    gateway.now_s += TIMEOUT_S + 1
    assert gateway.ids() == first
    assert gateway.runs == 2


def test_an_answer_too_long_to_be_stored_is_made_again() -> None:
    gateway = Gateway()
    noise = random.Random(1).randbytes(300_000)  # noqa: S311 - what does not compress

    def produce(names: IdSource | None) -> Answer:
        answer = gateway.accept(names)
        return answer._replace(body=answer.body + noise)

    gateway.produce = produce
    first, second = gateway.once().body, gateway.once().body
    assert gateway.runs == 2
    assert first[:66] == second[:66]
    assert len(gateway.enqueued()) == 2


class Keeping(FakeMessageStore):
    """Records how long entries are kept."""

    def __init__(self, faults: Faults) -> None:
        super().__init__(faults)
        self.kept_s: dict[str, int | None] = {}

    def put_if_absent(
        self, entries: Sequence[LedgerEntry], *, due_at_ms: int = 0, keep_s: int | None = None
    ) -> list[LedgerEntry]:
        self.kept_s[entries[0].kind.partition("#")[0]] = keep_s
        return super().put_if_absent(entries, due_at_ms=due_at_ms, keep_s=keep_s)


def test_an_answer_outlasts_its_request_which_is_kept_for_a_day() -> None:
    gateway = Gateway()
    gateway.store = store = Keeping(gateway.faults)
    gateway.idempotency = Idempotency(store, gateway.clock, random.randbytes)
    gateway.once()
    run_s, end_s = store.kept_s["run"], store.kept_s["end"]
    assert run_s == 24 * 3600
    assert end_s is not None
    # DynamoDB deletes within a few days, in any order.
    assert end_s >= run_s + 3 * 24 * 3600


def test_what_is_left_of_an_expired_request_does_not_answer_the_next() -> None:
    gateway = Gateway()
    first = gateway.ids()
    runs = [key for key in gateway.store.entries if key[1].startswith("run#")]
    for key in runs:
        del gateway.store.entries[key]
    gateway.now_s += 25 * 3600
    second = gateway.ids()
    assert not set(first) & set(second)
    assert gateway.ids() == second
