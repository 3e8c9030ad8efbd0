"""Every kind of carrier by one runner: what it sends, what an answer means, what receipts say.

The rows are in tests/cases/carriers: a file a kind, and `every.json` with what holds for all of
them. `$REF` and `$REF1` stand for our references of a message's second and first try, `$FORGED`
for one with another's tag.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark import ParameterSet

from harkara.carrier_settings import CarrierSecrets, CarrierSettings, hash_token
from harkara.carriers import KINDS, answer, connect, parse_receipts
from harkara.codes import Code
from harkara.errors import ExchangeOutcomeUnknown, ExchangeUnreachable, RequestRefused
from harkara.exchanges import HttpAnswer, Outside
from harkara.ids import ReferenceSigner, mid_of, new_chunk_id
from harkara.messages import Category, Message, State
from harkara.received import ReceiptRequest, ReceivedReceipts
from harkara.submissions import InDoubt, NotTaken, Outcome, Refused, Submission, Taken
from harkara.tasks import Receipt
from tests.fakes import no_texts

FOLDER = Path(__file__).parent.parent / "cases" / "carriers"
SIGNER = ReferenceSigner(b"tag key")
MID = mid_of(new_chunk_id(1_767_258_000_000, bytes(10)), 3)
REFERENCE = SIGNER.sign(MID, 2)
NAMES = {
    "$REF1": SIGNER.sign(MID, 1),
    "$REF": REFERENCE,
    "$FORGED": ReferenceSigner(b"another key").sign(MID, 2),
}
PASSWORD = 'pä"ss word'
RECEIPT_URL = "https://api.example/receipts/c/t0ken"
SECRETS = CarrierSecrets(PASSWORD, RECEIPT_URL)
MESSAGE = Message("919876543210", "ACMEBK", "नमस्ते & {}\n", "their ref", 0, 1, "1101", "1107")
KINDS_OF_OUTCOME: dict[str, Callable[..., Outcome]] = {
    "taken": Taken,
    "refused": lambda code, carrier_code: Refused(Code(code), carrier_code),
    "not taken": NotTaken,
    "failed": lambda wait_s: NotTaken(wait_s, failed=True),
    "in doubt": InDoubt,
}


def load(name: str) -> dict[str, Any]:
    text = (FOLDER / f"{name}.json").read_text()
    for placeholder, reference in NAMES.items():
        text = text.replace(placeholder, reference)
    cases: dict[str, Any] = json.loads(text)
    return cases


CASES = {path.stem: load(path.stem) for path in FOLDER.glob("*.json")}
EVERY = CASES.pop("every")
# A kind that is reached by other means than an HTTP exchange has its own tests of that.
REQUESTING = [kind for kind, cases in CASES.items() if "sent" in cases]


def settings_of(kind: str, **fields: Any) -> CarrierSettings:
    given: dict[str, Any] = {"name": "sim", "kind": kind, "username": "harkara"}
    given["receipt_url"] = b"ciphertext"
    given |= {"receipt_token_hashes": [hash_token("token")], **CASES[kind]["carrier"], **fields}
    return CarrierSettings.model_validate(given)


def rows(kinds: list[str] | Mapping[str, Any], section: str) -> list[ParameterSet]:
    """Return (kind, row) for each row of a section, that of every kind included."""
    return [
        pytest.param(kind, row, id=f"{kind}: {name}")
        for kind in kinds
        for name, row in {**EVERY.get(section, {}), **CASES[kind].get(section, {})}.items()
    ]


def submission_of(message: Mapping[str, Any], **fields: Any) -> Submission:
    """Return the usual message with other fields, those of the submission beside it."""
    given = {**fields, **message}
    own = {name: given.pop(name) for name in Submission._fields if name in given}
    if "category" in own:
        own["category"] = Category(own["category"])
    return Submission(**{"reference": REFERENCE, "message": MESSAGE._replace(**given), **own})


class ScriptedExchange:
    """Answers with what it was given, one a request; notes the requests."""

    def __init__(self, *answers: HttpAnswer | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[dict[str, Any]] = []
        self.open = self.most_open = 0
        self.gate: asyncio.Event | None = None

    async def __call__(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, timeout_s: float
    ) -> HttpAnswer:
        request = {"method": method, "url": url, "headers": dict(headers)}
        self.requests.append({**request, "body": content.decode(), "timeout_s": timeout_s})
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        if self.gate:
            await self.gate.wait()
        self.open -= 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def submit(
    settings: CarrierSettings, exchange: ScriptedExchange, *submissions: Submission
) -> list[Outcome]:
    carrier = connect(settings, SECRETS, Outside(exchange, no_texts))
    return asyncio.run(carrier.submit(submissions))


def http_answer(row: Mapping[str, Any]) -> HttpAnswer:
    body = row.get("body", "")
    raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    return HttpAnswer(row.get("status", 200), row.get("headers", {}), raw)


def taken(kind: str) -> HttpAnswer:
    """Return an answer that takes one message."""
    row = next(row for row in CASES[kind]["answers"].values() if row["outcomes"][0][0] == "taken")
    return http_answer(row)


def test_every_kind_has_cases() -> None:
    assert set(CASES) == set(KINDS)


# What is sent


@pytest.mark.parametrize(("kind", "row"), rows(REQUESTING, "sent"))
def test_a_request_is_byte_for_byte_as_documented(kind: str, row: dict[str, Any]) -> None:
    settings = settings_of(kind, **row.get("carrier", {}))
    exchange = ScriptedExchange(*[ExchangeUnreachable("x")] * len(row["requests"]))
    submit(settings, exchange, *map(submission_of, row.get("messages", [{}])))
    sent = [{**request} for request in exchange.requests]
    assert {request.pop("timeout_s") for request in sent} == {15}
    assert sent == row["requests"]


@pytest.mark.parametrize("kind", REQUESTING)
def test_the_customers_own_reference_stays_here(kind: str) -> None:
    exchange = ScriptedExchange(ExchangeUnreachable("x"))
    submit(settings_of(kind), exchange, submission_of({}))
    assert "their ref" not in str(exchange.requests)


@pytest.mark.parametrize("kind", REQUESTING)
def test_nothing_to_submit_is_no_request(kind: str) -> None:
    exchange = ScriptedExchange()
    assert submit(settings_of(kind), exchange) == []
    assert exchange.requests == []


# What an answer means


@pytest.mark.parametrize(("kind", "row"), rows(REQUESTING, "answers"))
def test_an_answer_means_an_outcome_for_each_message(kind: str, row: dict[str, Any]) -> None:
    expected = [KINDS_OF_OUTCOME[name](*rest) for name, *rest in row["outcomes"]]
    settings = settings_of(kind, **row.get("carrier", {}))
    if len(expected) > 1:
        settings = settings.model_copy(update={"records_per_request": 1000})
    messages = [submission_of({})] * len(expected)
    outcomes = submit(settings, ScriptedExchange(http_answer(row)), *messages)
    assert outcomes == expected
    assert list(map(type, outcomes)) == list(map(type, expected))


@pytest.mark.parametrize("kind", REQUESTING)
@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        pytest.param(
            ExchangeUnreachable("refused"), NotTaken(failed=True), id="unreachable: not taken"
        ),
        pytest.param(ExchangeOutcomeUnknown("reset"), InDoubt(), id="no clear answer: in doubt"),
    ],
)
def test_a_failure_on_the_way_is_an_outcome(kind: str, error: Exception, outcome: Outcome) -> None:
    (found,) = submit(settings_of(kind), ScriptedExchange(error), submission_of({}))
    assert (type(found), found) == (type(outcome), outcome)


@pytest.mark.parametrize("kind", REQUESTING)
@pytest.mark.parametrize("size", range(0, 60, 7))
def test_half_an_answer_is_never_taken_for_a_refusal(kind: str, size: int) -> None:
    """Whatever is left of an answer that took the message, it does not say that it did not."""
    whole = taken(kind)
    cut = whole._replace(body=whole.body[:size])
    (outcome,) = submit(settings_of(kind), ScriptedExchange(cut), submission_of({}))
    assert isinstance(outcome, InDoubt | Taken)


# Turns and time


@pytest.mark.parametrize("kind", REQUESTING)
def test_no_more_requests_are_open_than_the_carrier_has_connections(kind: str) -> None:
    exchange = ScriptedExchange(*[taken(kind)] * 6)

    async def run() -> list[Outcome]:
        exchange.gate = asyncio.Event()
        carrier = connect(settings_of(kind, connections=2), SECRETS, Outside(exchange, no_texts))
        submitting = asyncio.create_task(carrier.submit([submission_of({})] * 6))
        while len(exchange.requests) < 2:
            await asyncio.sleep(0)
        exchange.gate.set()
        return await submitting

    assert {type(outcome) for outcome in asyncio.run(run())} == {Taken}
    assert exchange.most_open == 2


@pytest.mark.parametrize("kind", REQUESTING)
def test_what_gets_no_turn_in_time_was_not_taken(kind: str) -> None:
    """The first holds the only connection; the second gives up before it has sent anything."""
    exchange = ScriptedExchange(taken(kind))

    async def run() -> list[Outcome]:
        exchange.gate = asyncio.Event()
        settings = settings_of(kind, connections=1, timeout_s=0.01)
        carrier = connect(settings, SECRETS, Outside(exchange, no_texts))
        first = asyncio.create_task(carrier.submit([submission_of({})]))
        while not exchange.requests:
            await asyncio.sleep(0)
        second = await carrier.submit([submission_of({})])
        exchange.gate.set()
        return [*await first, *second]

    assert list(map(type, asyncio.run(run()))) == [Taken, NotTaken]
    assert len(exchange.requests) == 1


@pytest.mark.parametrize("kind", REQUESTING)
def test_a_turn_is_given_back_after_a_failure(kind: str) -> None:
    failures = ExchangeUnreachable("x"), ExchangeOutcomeUnknown("x")
    exchange = ScriptedExchange(*failures, taken(kind))
    outcomes = submit(settings_of(kind, connections=1), exchange, *[submission_of({})] * 3)
    assert list(map(type, outcomes)) == [NotTaken, InDoubt, Taken]


@pytest.mark.parametrize("kind", REQUESTING)
def test_a_submit_takes_a_wait_and_a_request_at_the_most(kind: str) -> None:
    carrier = connect(
        settings_of(kind, timeout_s=7), SECRETS, Outside(ScriptedExchange(), no_texts)
    )
    assert carrier.timeout_s == 14


# Secrets


@pytest.mark.parametrize("kind", REQUESTING)
def test_secrets_are_in_no_log_and_no_repr(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    settings = settings_of(kind)
    carrier = connect(settings, SECRETS, Outside(ScriptedExchange(), no_texts))
    shown = [repr(carrier), str(carrier), repr(SECRETS), str(SECRETS), f"{vars(carrier)}"]
    for failure in (ExchangeUnreachable("x"), ExchangeOutcomeUnknown("x"), http_answer({})):
        exchange = ScriptedExchange(failure)
        shown.append(repr(submit(settings, exchange, submission_of({}))))
        assert "t0ken" in str(exchange.requests) or kind == "datasend"
    shown += [record.getMessage() for record in caplog.records]
    for secret in (PASSWORD, "t0ken", MESSAGE.to, "नमस्ते"):
        assert not any(secret in text for text in shown)


# Receipts


def receipt_request(row: Mapping[str, Any]) -> ReceiptRequest:
    body = row.get("body", "")
    raw = body.encode("latin-1") if isinstance(body, str) else json.dumps(body).encode()
    query = {name: [value] if isinstance(value, str) else value
             for name, value in row.get("query", {}).items()}  # fmt: skip
    return ReceiptRequest(row.get("method", "POST"), row.get("headers", {}), query, raw)


def received_of(row: Mapping[str, Any]) -> ReceivedReceipts:
    return ReceivedReceipts(
        [Receipt(MID, attempt, State(state), *rest) for attempt, state, *rest in row["receipts"]],
        row.get("intermediate", 0),
        row.get("foreign", 0),
        row.get("unknown", 0),
        tuple(
            (carrier_id, Receipt("", 0, State(state), *rest))
            for carrier_id, state, *rest in row.get("by_carrier_id", ())
        ),
    )


@pytest.mark.parametrize(("kind", "row"), rows(CASES, "receipts"))
def test_receipts_are_read(kind: str, row: dict[str, Any]) -> None:
    settings = settings_of(kind, **row.get("carrier", {}))
    if row.get("refused"):
        with pytest.raises(RequestRefused) as refused:
            parse_receipts(receipt_request(row), settings, SIGNER)
        assert refused.value.code is Code.INVALID_RECEIPT
    else:
        received = parse_receipts(receipt_request(row), settings, SIGNER)
        assert received == received_of({"receipts": [], **row})


@pytest.mark.parametrize("kind", CASES)
def test_every_final_state_that_is_not_delivered_has_a_code(kind: str) -> None:
    seen = set()
    for row in CASES[kind]["receipts"].values():
        if row.get("refused"):
            continue
        settings = settings_of(kind, **row.get("carrier", {}))
        for receipt in parse_receipts(receipt_request(row), settings, SIGNER).receipts:
            assert (receipt.code == "") is (receipt.state is State.DELIVERED)
            assert receipt.code == "" or Code(receipt.code)
            seen.add(receipt.state)
    assert {State.DELIVERED, State.FAILED, State.EXPIRED} <= seen


@pytest.mark.parametrize("kind", CASES)
def test_a_carrier_hears_what_it_wants(kind: str) -> None:
    hears = CASES[kind]["hears"]
    receipt = Receipt(MID, 1, State.DELIVERED, 7)
    heard = answer(ReceivedReceipts([receipt], 2, 3, 4), settings_of(kind))
    assert (heard.status, dict(heard.headers), heard.body.decode()) == (
        hears["status"],
        {"content-type": hears["type"]},
        hears["body"],
    )
