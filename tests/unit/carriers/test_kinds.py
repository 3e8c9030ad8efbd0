"""Every kind of carrier with one runner: requests, and the meaning of answers."""

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any

import pytest

from harkara.base.codes import Code
from harkara.base.errors import ExchangeOutcomeUnknown, ExchangeUnreachable, HttpAnswer, Outside
from harkara.carriers.contract import InDoubt, NotTaken, Outcome, Refused, Submission, Taken
from harkara.carriers.kinds import KINDS, connect
from harkara.carriers.settings import CarrierSettings
from harkara.model.messages import Category
from tests.support.fakes import no_texts
from tests.unit.carrier_cases import (
    CASES,
    KINDS_OF_OUTCOME,
    MESSAGE,
    PASSWORD,
    REFERENCE,
    REQUESTING,
    SECRETS,
    ScriptedExchange,
    rows,
    settings_of,
)


def submission_of(message: Mapping[str, Any], **fields: Any) -> Submission:
    """Return the usual message with other fields, and the given ones of the submission."""
    given = {**fields, **message}
    own = {name: given.pop(name) for name in Submission._fields if name in given}
    if "category" in own:
        own["category"] = Category(own["category"])
    return Submission(**{"reference": REFERENCE, "message": MESSAGE._replace(**given), **own})


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
    """Return an answer that accepts one message."""
    row = next(row for row in CASES[kind]["answers"].values() if row["outcomes"][0][0] == "taken")
    return http_answer(row)


def test_every_kind_has_cases() -> None:
    assert set(CASES) == set(KINDS)


# Requests


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


# Meanings of answers


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


@pytest.mark.parametrize("kind", ["datasend", "http"])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("around", ["", "\r\n\n"])
def test_an_answer_means_the_same_in_any_encoding(kind: str, encoding: str, around: str) -> None:
    plain = taken(kind)
    body = f"{around}{plain.body.decode()}{around}".encode(encoding)
    request = submission_of({})
    outcomes = [
        submit(settings_of(kind), ScriptedExchange(answer), request)
        for answer in (plain, plain._replace(body=body))
    ]
    assert outcomes[0] == outcomes[1]
    assert isinstance(outcomes[1][0], Taken)


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
    """Any part of an accepting answer must not be read as a refusal."""
    whole = taken(kind)
    cut = whole._replace(body=whole.body[:size])
    (outcome,) = submit(settings_of(kind), ScriptedExchange(cut), submission_of({}))
    assert isinstance(outcome, InDoubt | Taken)
    broken = cut._replace(is_whole=False)
    assert submit(settings_of(kind), ScriptedExchange(broken), submission_of({})) == [InDoubt()]


@pytest.mark.parametrize("kind", REQUESTING)
@pytest.mark.parametrize("status", [400, 403, 404, 409, 429, 500, 503])
def test_a_status_that_decides_does_so_with_any_body(kind: str, status: int) -> None:
    answers = [
        HttpAnswer(status, {}, body, is_whole)
        for body in (b"", b"<html>", b"\xff", b'{"error"')
        for is_whole in (True, False)
    ]
    outcomes = {
        type(submit(settings_of(kind), ScriptedExchange(answer), submission_of({}))[0])
        for answer in answers
    }
    assert len(outcomes) == 1
    assert (outcomes == {InDoubt}) == (status >= 500)


# Statuses that by RFC 9110 do not concern the single message.
_OF_THE_WAY = {401, 402, 403, 404, 405, 406, 407, 408, 410, 411, 415, 421, 425, 426}


@pytest.mark.parametrize("kind", REQUESTING)
def test_every_status_has_a_meaning(kind: str) -> None:
    for status in range(100, 600):
        answer = HttpAnswer(status, {"retry-after": "9"}, b"")
        (outcome,) = submit(settings_of(kind), ScriptedExchange(answer), submission_of({}))
        expected: Outcome = InDoubt()
        if status in _OF_THE_WAY or 300 <= status < 400 or status == 503:
            expected = NotTaken(9, failed=True)
        elif status == 429:
            expected = NotTaken(9)
        elif 400 <= status < 500:
            expected = Refused(Code.REFUSED_BY_CARRIER, str(status))
        assert (type(outcome), outcome) == (type(expected), expected), status


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
    visible = [repr(carrier), str(carrier), repr(SECRETS), str(SECRETS), f"{vars(carrier)}"]
    for failure in (ExchangeUnreachable("x"), ExchangeOutcomeUnknown("x"), http_answer({})):
        exchange = ScriptedExchange(failure)
        visible.append(repr(submit(settings, exchange, submission_of({}))))
        assert "t0ken" in str(exchange.requests) or kind == "datasend"
    visible += [record.getMessage() for record in caplog.records]
    for secret in (PASSWORD, "t0ken", MESSAGE.to, "नमस्ते"):
        assert not any(secret in text for text in visible)
