"""Carriers of channel `rcs`: what they send of a message's RCS content, and what they revoke."""

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import from_json

from harkara.base.codes import Code
from harkara.base.errors import (
    ExchangeOutcomeUnknown,
    ExchangeUnreachable,
    HttpAnswer,
    Outside,
    StoreUnavailable,
)
from harkara.carriers.contract import InDoubt, NotTaken, Refused, Revocation, Submission, Taken
from harkara.carriers.datasend import DatasendCarrier
from harkara.carriers.generic_http import ConfiguredCarrier
from harkara.carriers.settings import CarrierSecrets, CarrierSettings
from harkara.model.rcs import Channel, Rcs, Suggestion
from tests.support.fakes import no_texts
from tests.support.rcs import RCS
from tests.unit.carrier_cases import MESSAGE, REFERENCE, ScriptedExchange

OPTIONS: dict[str, Any] = {
    "json_body": {
        "text": "{text}",
        "template": "{template_id}",
        "values": {"{variables}": ""},
        "buttons": "{suggestions}",
        "ttl": "{validity_s}s",
    },
    "suggestions": {
        "open_url": {"label": "{label}", "open": {"url": "{suggestion_url}"}},
        "dial": {"label": "{label}", "dial": "{suggestion_phone}"},
    },
    "answer": {"id": "/id", "error": "/error"},
    "receipts": {"reference": "/id", "state": "/event", "states": {"read": "read"}},
    "revoke": {
        "url": "https://rcs.example/v1/phones/+{to}/messages/{reference}",
        "headers": {"Authorization": "Bearer {password}"},
        "query": {"agent": "{username}"},
    },
}


def settings(**options: Any) -> CarrierSettings:
    fields = {**RCS.model_dump(), "username": "bot", "http": {**OPTIONS, **options}}
    return CarrierSettings.model_validate(fields)


def carrier(exchange: ScriptedExchange, **options: Any) -> ConfiguredCarrier:
    outside = Outside(exchange, no_texts)
    return ConfiguredCarrier(settings(**options), CarrierSecrets("secret"), outside)


def submitted(content: Rcs | None, *answers: HttpAnswer) -> tuple[Any, list[dict[str, Any]]]:
    exchange = ScriptedExchange(*(answers or (HttpAnswer(200, {}, b'{"id": "1"}'),)))
    submission = Submission(REFERENCE, MESSAGE._replace(rcs=content), validity_s=60)
    (outcome,) = asyncio.run(carrier(exchange).submit([submission]))
    return outcome, exchange.requests


def revoked(*answers: HttpAnswer | Exception, **options: Any) -> tuple[Revocation, Any]:
    exchange = ScriptedExchange(*answers)
    submission = Submission(REFERENCE, MESSAGE._replace(rcs=Rcs("Hello")))
    return asyncio.run(carrier(exchange, **options).revoke(submission, 10)), exchange.requests


def test_a_text_goes_with_its_buttons() -> None:
    buttons = (Suggestion("Open", 'https://a.example/?q="{x}"'), Suggestion("Call", "", "+9180"))
    outcome, (request,) = submitted(Rcs("Hello {text}", suggestions=buttons))
    assert outcome == Taken("1")
    assert from_json(request["body"]) == {
        "text": "Hello {text}",
        "values": {},
        "buttons": [
            {"label": "Open", "open": {"url": 'https://a.example/?q="{x}"'}},
            {"label": "Call", "dial": "+9180"},
        ],
        "ttl": "60s",
    }


def test_a_template_goes_with_its_variables() -> None:
    outcome, (request,) = submitted(Rcs("", "welcome", (("name", "Asha"), ("{to}", "{from}"))))
    assert outcome == Taken("1")
    assert from_json(request["body"]) == {
        "template": "welcome",
        "values": {"name": "Asha", "{to}": "{from}"},
        "ttl": "60s",
    }


def test_a_message_without_content_is_refused_unsent() -> None:
    assert submitted(None) == (Refused(Code.EMPTY_TEXT, ""), [])


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (HttpAnswer(404, {}, b""), Refused(Code.UNKNOWN_SUBSCRIBER, "404")),
        (HttpAnswer(404, {}, b'{"error": "X"}'), Refused(Code.UNKNOWN_SUBSCRIBER, "404")),
        (HttpAnswer(403, {}, b""), NotTaken(failed=True)),
        (HttpAnswer(500, {}, b""), InDoubt()),
    ],
)
def test_404_says_that_the_phone_has_no_rcs(answer: HttpAnswer, expected: Any) -> None:
    assert submitted(Rcs("Hello"), answer)[0] == expected


def test_a_message_is_revoked_under_its_reference() -> None:
    said, (request,) = revoked(HttpAnswer(200, {}, b""))
    assert said is Revocation.REVOKED
    assert (request["method"], request["body"]) == ("DELETE", "")
    assert request["url"] == (
        f"https://rcs.example/v1/phones/+919876543210/messages/{REFERENCE}?agent=bot"
    )
    assert request["headers"] == {"authorization": "Bearer secret"}


@given(st.integers(100, 599))
def test_a_status_says_whether_it_was_revoked(status: int) -> None:
    said, _ = revoked(HttpAnswer(status, {}, b""))
    expected = {200: "revoked", 202: "revoked", 204: "revoked"} | dict.fromkeys(
        (404, 409, 410), "kept"
    )
    assert said == expected.get(status, "unknown")


@pytest.mark.parametrize(
    "failure", [ExchangeUnreachable("x"), ExchangeOutcomeUnknown("x"), StoreUnavailable("x")]
)
def test_no_answer_says_nothing(failure: Exception) -> None:
    assert revoked(failure)[0] is Revocation.UNKNOWN


def test_a_carrier_that_cannot_revoke_keeps_the_message() -> None:
    assert revoked(revoke=None) == (Revocation.KEPT, [])
    sms = CarrierSettings(
        name="s", kind="datasend", url="https://s.example", receipt_token_hashes=("x",)
    )
    outside = Outside(ScriptedExchange(), no_texts)
    submission = Submission(REFERENCE, MESSAGE)
    said = DatasendCarrier(sms, CarrierSecrets(""), outside).revoke(submission, 1)
    assert asyncio.run(said) is Revocation.KEPT


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"channel": "sms"}, "revoke and suggestions are for the channel rcs"),
        ({"kind": "datasend", "http": None}, "channel: rcs is of carriers of kind http"),
        ({"channel": "fax"}, "channel"),
        ({"http": {**OPTIONS, "suggestions": None}}, "{suggestions} in json_body stands for them"),
        ({"http": {**OPTIONS, "json_body": {"text": "{text}"}}}, "{suggestions} in json_body"),
        ({"http": {**OPTIONS, "query": {"a": "{label}"}}}, "{suggestions} stands in json_body"),
        ({"http": {**OPTIONS, "query": {"a": "{suggestions}"}}}, "{suggestions} stands in"),
        ({"url": "https://rcs.example/{to}/{label}"}, "stands in"),
        (
            {"http": {**OPTIONS, "suggestions": {"open_url": "{to}", "dial": "{label}"}}},
            "{to} cannot stand in a suggestion",
        ),
        *(
            ({"http": {**OPTIONS, "revoke": {"url": url}}}, "write https, a host")
            for url in (
                *("http://rcs.example/1", "https://{to}.example/1", "https://a@rcs.example/1"),
                "https://rcs.example/{token}",
            )
        ),
        ({"http": {**OPTIONS, "revoke": {"url": "https://a.b/{who}"}}}, "no placeholder {who}"),
        *(
            ({"http": {**OPTIONS, "revoke": {"url": "https://a.b/1", "query": {"a": each}}}}, says)
            for each, says in (
                *(("{label}", "{label} cannot stand in it"), ("{index}", "{index} cannot stand")),
                *(("{records}", "{records} stands"), ("{token}", "revoke: {token} takes a login")),
            )
        ),
        ({"http": {**OPTIONS, "revoke": {"url": "https://a.b/1", "kept": [1]}}}, "kept"),
    ],
)
def test_what_cannot_be_is_refused(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as error:
        CarrierSettings.model_validate({**settings().model_dump(), **fields})
    assert says in str(error.value)


def test_only_an_rcs_carrier_is_of_channel_rcs() -> None:
    assert settings().channel is Channel.RCS
    assert CarrierSettings.model_validate({**RCS.model_dump(), "channel": "rcs"}) == RCS
