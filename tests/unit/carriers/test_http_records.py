"""Kind `http` with several messages in a request: JSON and XML, matched answers, and doubt."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
import xmltodict
from hypothesis import given
from hypothesis import strategies as st

from harkara.base.codes import Code
from harkara.base.errors import ExchangeUnreachable, HttpAnswer
from harkara.carriers.contract import InDoubt, NotTaken, Outcome, Refused, Submission, Taken
from harkara.carriers.settings import CarrierSettings
from tests.unit.carrier_cases import MESSAGE, ScriptedExchange
from tests.unit.carriers.test_kinds import submit

JSON_BODY = {"user": "{username}", "from": "{from}", "messages": "{records}"}
JSON_RECORD = {"n": "{index:number}", "to": "{to}", "text": "{text}", "ref": "{reference}"}
XML_BODY = '<MESSAGE><USER NAME="{username}"/>{records}</MESSAGE>'
XML_RECORD = (
    '<SMS ID="{index}" TEXT="{text}"><ADDRESS TO="{to}" FROM="{from}" TAG="{reference}"/></SMS>'
)
ALONE = {"to": "{to}", "t": "{text}", "r": "{reference}"}
ANSWER: dict[str, Any] = {
    "entries": "/results",
    "record": "/ref",
    "id": "/id",
    "error": "/error",
    "whole_error": "/fault",
    "throttles": ["BUSY"],
    "doubts": ["PERHAPS"],
    "failures": {"NUMBER": "UNKNOWN_SUBSCRIBER"},
}
BAD, DOUBT = Refused(Code.UNKNOWN_SUBSCRIBER, "NUMBER"), InDoubt()


def settings_of(records: int = 10, **http: Any) -> CarrierSettings:
    options = {
        "json_body": JSON_BODY,
        "record": JSON_RECORD,
        "answer": ANSWER,
        "receipts": {"state": "/s", "states": {"d": "delivered"}, "reference": "/ref"},
        **http,
    }
    return CarrierSettings.model_validate(
        {
            "name": "batch",
            "kind": "http",
            "url": "https://batch.example/send",
            "username": "harkara",
            "receipt_token_hashes": ["0" * 64],
            "records_per_request": records,
            "http": {name: value for name, value in options.items() if value is not None},
        }
    )


def xml_settings(**answer: Any) -> CarrierSettings:
    given_answer = {"format": "xml", "entries": "/ACK/GUID", "record": "/ID", "id": "/GUID"}
    given_answer |= {"error": "/ERROR/CODE", "whole_error": "/ACK/ERR/CODE", **answer}
    return settings_of(json_body=None, xml_body=XML_BODY, record=XML_RECORD, answer=given_answer)


def submissions(count: int, **message: Any) -> list[Submission]:
    return [
        Submission(f"r{number}", MESSAGE._replace(to=f"91{number}", **message))
        for number in range(1, count + 1)
    ]


def answered(body: object, count: int, settings: CarrierSettings | None = None) -> list[Outcome]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    exchange = ScriptedExchange(HttpAnswer(200, {}, raw))
    return submit(settings or settings_of(), exchange, *submissions(count))


# Requests


def test_records_stand_in_json_each_with_its_number() -> None:
    exchange = ScriptedExchange(*[ExchangeUnreachable("x")] * 2)
    submit(settings_of(2), exchange, *submissions(3, text="a"))
    bodies = [json.loads(each["body"]) for each in exchange.requests]
    expected = [
        [
            {"n": 1, "to": "911", "text": "a", "ref": "r1"},
            {"n": 2, "to": "912", "text": "a", "ref": "r2"},
        ],
        [{"n": 1, "to": "913", "text": "a", "ref": "r3"}],
    ]
    assert bodies == [
        {"user": "harkara", "from": "ACMEBK", "messages": records} for records in expected
    ]


def test_messages_that_differ_outside_of_the_record_go_apart_and_keep_their_order() -> None:
    found = {"results": [{"ref": f"r{number}", "id": f"id{number}"} for number in range(1, 4)]}
    exchange = ScriptedExchange(*[HttpAnswer(200, {}, json.dumps(found).encode())] * 2)
    one, two, three = submissions(3)
    two = two._replace(message=two.message._replace(sender_id="OTHER"))
    outcomes = submit(settings_of(), exchange, one, two, three)
    assert outcomes == [Taken("id1"), Taken("id2"), Taken("id3")]
    sent = [json.loads(each["body"]) for each in exchange.requests]
    assert [(each["from"], [record["ref"] for record in each["messages"]]) for each in sent] == [
        ("ACMEBK", ["r1", "r3"]),
        ("OTHER", ["r2"]),
    ]


@given(st.lists(st.text(max_size=30), min_size=1, max_size=4))
def test_any_text_comes_out_of_the_xml_as_it_went_in(texts: list[str]) -> None:
    exchange = ScriptedExchange(ExchangeUnreachable("x"))
    messages = [
        each._replace(message=each.message._replace(text=text))
        for each, text in zip(submissions(len(texts)), texts, strict=True)
    ]
    submit(xml_settings(), exchange, *messages)
    (request,) = exchange.requests
    document = xmltodict.parse(request["body"], force_list=("SMS",))["MESSAGE"]
    assert document["USER"] == {"@NAME": "harkara"}
    allowed = ["".join(each for each in text if each in "\t\n\r" or each >= " ") for text in texts]
    allowed = [
        "".join(each for each in text if each in "\t\n\r" or " " <= each not in "\ufffe\uffff")
        for text in texts
    ]
    assert [each["@TEXT"] for each in document["SMS"]] == allowed
    assert [each["@ID"] for each in document["SMS"]] == [
        str(number) for number in range(1, len(texts) + 1)
    ]


def test_a_message_that_cannot_be_sent_keeps_no_other_from_it() -> None:
    templates = {"1107": {"id": "own", "text": "Hello ##name##"}}
    record = {"to": "{to}", "template": "{template_id}", "{variables}": "", "ref": "{reference}"}
    settings = settings_of(record=record, templates=templates)
    one, two = submissions(2, text="Hello Asha")
    two = two._replace(message=two.message._replace(text="Good night"))
    exchange = ScriptedExchange(HttpAnswer(200, {}, b'{"results": [{"ref": "r1", "id": "7"}]}'))
    outcomes = submit(settings, exchange, two, one)
    assert outcomes == [Refused(Code.TEMPLATE_MISMATCH, ""), Taken("7")]
    (sent,) = exchange.requests
    assert json.loads(sent["body"])["messages"] == [
        {"to": "911", "template": "own", "name": "Asha", "ref": "r1"}
    ]


# Answers


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        pytest.param([{"ref": "r2", "id": "b"}, {"ref": "r1", "id": "a"}], "ab", id="any order"),
        pytest.param([{"ref": "r1", "id": "a"}], ["a", DOUBT], id="one is missing"),
        pytest.param({"ref": "r1", "id": "a"}, ["a", DOUBT], id="a single object"),
        pytest.param([], [DOUBT, DOUBT], id="none"),
        pytest.param("no array", [DOUBT, DOUBT], id="a text"),
        pytest.param(
            [{"ref": "r1", "error": "NUMBER"}, {"ref": "r2", "id": "b"}], [BAD, "b"], id="refused"
        ),
        pytest.param(
            [{"ref": "r1", "error": "BUSY"}, {"ref": "r2", "error": "PERHAPS"}],
            [NotTaken(), DOUBT],
            id="later, and perhaps",
        ),
        pytest.param(
            [{"ref": "r1", "id": "a"}, {"ref": "r1", "error": "NUMBER"}, {"ref": "r2", "id": "b"}],
            [DOUBT, "b"],
            id="two answers for one",
        ),
        pytest.param(
            [{"ref": "r9", "id": "x"}, {"ref": "r2", "id": "b"}], [DOUBT, "b"], id="another's"
        ),
        pytest.param([{"ref": "r1"}, {"ref": "r2", "id": "b"}], [DOUBT, "b"], id="no id"),
        pytest.param([None, 7, {"ref": "r2", "id": "b"}], [DOUBT, "b"], id="no objects"),
        pytest.param([{"ref": 1, "id": "a"}, {"ref": 2, "id": "b"}], "ab", id="by number"),
        pytest.param(
            [{"ref": "r1", "id": "a"}, {"ref": 1, "id": "b"}], [DOUBT, DOUBT], id="both for one"
        ),
    ],
)
def test_an_answer_finds_its_record(results: object, expected: Sequence[str | Outcome]) -> None:
    outcomes = [Taken(each) if isinstance(each, str) else each for each in expected]
    assert answered({"results": results}, 2) == outcomes


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([{"id": "a"}, {"error": "NUMBER"}], [Taken("a"), BAD]),
        ([{"id": "a"}], [DOUBT, DOUBT]),
        ([{"id": "a"}, {"id": "b"}, {"id": "c"}], [DOUBT, DOUBT]),
    ],
    ids=["as many", "fewer", "more"],
)
def test_without_a_name_records_are_matched_by_position(
    results: object, expected: list[Outcome]
) -> None:
    settings = settings_of(answer={**ANSWER, "record": ""})
    assert answered({"results": results}, 2, settings) == expected


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        pytest.param(200, b'{"fault": "BUSY"}', NotTaken(), id="throttled"),
        pytest.param(200, b'{"fault": "NUMBER"}', BAD, id="refused"),
        pytest.param(200, b'{"fault": "PERHAPS"}', DOUBT, id="in doubt"),
        pytest.param(200, b'{"fault": "0"}', DOUBT, id="no fault, and no answers"),
        pytest.param(200, b"<html>", DOUBT, id="not JSON"),
        pytest.param(200, b"", DOUBT, id="nothing"),
        pytest.param(500, b'{"results": []}', DOUBT, id="an error of its own"),
        pytest.param(401, b"", NotTaken(failed=True), id="unauthorized"),
        pytest.param(429, b"", NotTaken(), id="too many"),
        pytest.param(400, b"", Refused(Code.REFUSED_BY_CARRIER, "400"), id="bad request"),
    ],
)
def test_what_is_said_of_the_whole_request_is_of_each_message(
    status: int, body: bytes, expected: Outcome
) -> None:
    exchange = ScriptedExchange(HttpAnswer(status, {}, body))
    assert submit(settings_of(), exchange, *submissions(3)) == [expected] * 3


XML_ACK = (
    b'<?xml version="1.0" encoding="ISO-8859-1"?><!DOCTYPE MESSAGE SYSTEM "http://x.example/a.dtd">'
    b'<ACK><GUID GUID="g1" ID="1"/><GUID GUID="g2" ID="2"><ERROR SEQ="1" CODE="7"/></GUID></ACK>'
)
BOMB = (
    b'<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    b"]><ACK><GUID GUID='&b;' ID='1'/></ACK>"
)
OUTSIDE = (
    b'<!DOCTYPE a [<!ENTITY a SYSTEM "file:///etc/passwd">]>'
    b'<ACK><GUID GUID="g1" ID="1">&a;</GUID></ACK>'
)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(XML_ACK, [Taken("g1"), Refused(Code.REFUSED_BY_CARRIER, "7")], id="both"),
        pytest.param(b'<ACK><GUID GUID="g1" ID="1"/></ACK>', [Taken("g1"), DOUBT], id="one"),
        pytest.param(
            b'<ACK><ERR CODE="9"/></ACK>', [Refused(Code.REFUSED_BY_CARRIER, "9")] * 2, id="none"
        ),
        pytest.param(BOMB, [DOUBT] * 2, id="a bomb"),
        pytest.param(OUTSIDE, [DOUBT] * 2, id="an external entity"),
        pytest.param(b'<?xml version="1.0" encoding="none"?><ACK/>', [DOUBT] * 2, id="no encoding"),
        pytest.param(
            b'<?xml version="1.0" encoding="UTF-8"?><ACK>\xff</ACK>',
            [DOUBT] * 2,
            id="wrong encoding",
        ),
        pytest.param(b"<ACK><GUID", [DOUBT] * 2, id="broken off"),
        pytest.param(b'{"id": 1}', [DOUBT] * 2, id="JSON"),
        pytest.param(b"<a>" * 9_999 + b"</a>" * 9_999, [DOUBT] * 2, id="deep"),
    ],
)
def test_an_answer_in_xml_means_an_outcome_for_each(body: bytes, expected: list[Outcome]) -> None:
    assert answered(body, 2, xml_settings()) == expected


# Settings
