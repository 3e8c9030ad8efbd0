"""Harkara's own JSON: accepted forms of a request, and its answers."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json, to_json

from harkara.accept.formats import native
from harkara.accept.requests import Record, RecordResult, SendRequest
from harkara.base.codes import MEANINGS, Code
from harkara.base.errors import RequestRefused
from harkara.model.accounts import Account
from harkara.model.messages import RECORD_LIMIT, Category, Message
from harkara.model.rates import Rate
from tests.cases.reading import rows
from tests.unit.json_values import json_values
from tests.unit.options import options_of

ACCOUNT = Account(
    id="demo",
    name="Demo",
    carrier="sim",
    rates=(Rate(prefix="91", price=Decimal("0.125")), Rate(prefix="44", price=Decimal("1E+1"))),
)
TO = "919876543210"
RECORD = Record(to="+91 98765 43210", sender_id="ACMEBK", text="Rs 5 – paid", client_ref="a")
REQUEST = SendRequest([RECORD])
ACCEPTED = RecordResult(
    "M1",
    message=Message(TO, "ACMEBK", "Rs 5 - paid", "a", 0, 2, dlt_template_id="T1"),
    category=Category.TRANSACTIONAL,
)
REFUSED = RecordResult("", Code.TEMPLATE_MISMATCH, "Template T1 at character 6.")
ELEMENT = {
    "mid": "M1",
    "client_ref": "a",
    "to": TO,
    "country": "IN",
    "encoding": "GSM7",
    "segments": 1,
    "template_id": "T1",
    "category": "transactional",
    "price": "0.250",
    "warning": None,
    "error": None,
}


def answer(request: SendRequest, *results: RecordResult, dry_run: bool = False) -> Any:
    return from_json(native.answer(ACCOUNT, request, results, dry_run=dry_run))


@pytest.mark.parametrize("row", rows("native_messages"))
def test_a_message_is_read(row: dict[str, Any]) -> None:
    request = native.parse(to_json({"messages": [{"to": "0"}, row["message"]]}))
    problem = Code(row["problem"]) if "problem" in row else None
    expected = Record(*row["record"])._replace(options=options_of(row), problem=problem)
    assert request.records == [Record(to="0"), expected]
    assert request.details == ({1: row["detail"]} if problem else {})
    assert not request.single


def test_one_message_may_stand_in_the_object_itself() -> None:
    assert native.parse('{"to": "1", "validity_period_s": 60}') == native.parse(
        '{"messages": [{"to": "1", "validity_period_s": 60}]}'
    )._replace(single=True)
    assert native.parse('{"messages": null, "text": ""}').single


@pytest.mark.parametrize(
    ("body", "code", "detail"),
    [
        pytest.param("", Code.MALFORMED_JSON, "", id="nothing"),
        pytest.param("to=1", Code.MALFORMED_JSON, "", id="a form"),
        pytest.param("[]", Code.INVALID_REQUEST, "(an object at the top)", id="an array"),
        pytest.param(
            '{"messages": {}}', Code.INVALID_REQUEST, "(messages: an array of objects)", id="object"
        ),
        pytest.param("{}", Code.NO_RECORDS, "", id="an empty object"),
        pytest.param('{"to": null, "category": "otp"}', Code.NO_RECORDS, "", id="no message"),
        pytest.param('{"messages": []}', Code.NO_RECORDS, "", id="an empty list"),
        pytest.param(
            '{"messages": [], "to": "1"}',
            Code.INVALID_REQUEST,
            "(to: in each of the messages)",
            id="a message's field beside the list",
        ),
        pytest.param(
            '{"smstosend": [{}]}',
            Code.INVALID_REQUEST,
            "(there is no field smstosend: messages was meant?)",
            id="a list of another name",
        ),
        pytest.param(
            to_json({"messages": [{}] * (RECORD_LIMIT + 1)}), Code.TOO_MANY_RECORDS, "", id="1,001"
        ),
    ],
)
def test_a_request_without_the_shape_is_refused(body: str | bytes, code: Code, detail: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        native.parse(body)
    assert refused.value.code is code
    assert refused.value.message == f"{MEANINGS[code].advice} {detail}".strip()


@given(
    st.binary()
    | json_values.map(to_json)
    | st.dictionaries(
        st.sampled_from(["messages", "to", "text", *native.OPTIONS]), json_values
    ).map(to_json)
)
def test_no_body_fails_otherwise_than_by_a_refusal(body: bytes) -> None:
    try:
        request = native.parse(body)
    except RequestRefused:
        return
    assert all(isinstance(field, str) for record in request.records for field in record[:7])


def test_an_accepted_message_is_told_as_it_goes_out() -> None:
    assert answer(REQUEST, ACCEPTED) == {"messages": [ELEMENT]}


def test_a_refused_message_has_its_error_and_what_is_known_of_it() -> None:
    assert answer(REQUEST, REFUSED) == {
        "messages": [
            {
                **ELEMENT,
                "mid": None,
                "encoding": "UCS2",
                "template_id": None,
                "category": None,
                "price": None,
                "error": {
                    "code": "TEMPLATE_MISMATCH",
                    "message": MEANINGS[Code.TEMPLATE_MISMATCH].advice
                    + " Template T1 at character 6.",
                },
            }
        ]
    }


def test_of_a_message_of_nothing_nothing_is_known() -> None:
    (element,) = answer(SendRequest([Record(to="12")]), RecordResult("", Code.INVALID_NUMBER))[
        "messages"
    ]
    assert element.pop("error")["code"] == "INVALID_NUMBER"
    existing = {name: value for name, value in element.items() if value is not None}
    assert existing == {"to": "12", "client_ref": ""}


def test_a_warning_stands_beside_the_mid() -> None:
    warned = ACCEPTED._replace(warning=Code.HEADER_NOT_REGISTERED)
    assert answer(REQUEST, warned) == {
        "messages": [{**ELEMENT, "warning": "HEADER_NOT_REGISTERED"}]
    }


@pytest.mark.parametrize(
    ("to", "price"),
    [
        pytest.param("447400123456", "20", id="without an exponent"),
        pytest.param("12025550123", None, id="no rate speaks of it"),
    ],
)
def test_a_price_is_a_decimal_in_a_string(to: str, price: str | None) -> None:
    assert ACCEPTED.message
    result = ACCEPTED._replace(message=ACCEPTED.message._replace(to=to))
    assert answer(REQUEST, result)["messages"][0]["price"] == price


def test_a_dry_run_shows_the_text_as_it_would_go_out() -> None:
    accepted = ACCEPTED._replace(mid="")
    assert answer(REQUEST, accepted, dry_run=True) == {
        "messages": [{**ELEMENT, "mid": None, "text": "Rs 5 - paid", "encoding_reason": None}]
    }


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        pytest.param("", None, id="no text"),
        pytest.param("5 € ~", None, id="all in the alphabet"),
        pytest.param("It\u2019s", "character 3 (U+2019) is not in the GSM alphabet", id="a quote"),
        pytest.param("€😀 न", "character 2 (U+1F600) is not in the GSM alphabet", id="the first"),
        pytest.param("a\tb", "character 2 (U+0009) is not in the GSM alphabet", id="a tab"),
    ],
)
def test_a_dry_run_says_which_character_costs_unicode(text: str, reason: str | None) -> None:
    record = RECORD._replace(text=text)
    (element,) = answer(SendRequest([record]), REFUSED, dry_run=True)["messages"]
    assert element["encoding_reason"] == reason
    assert (element["encoding"] == "UCS2") is (reason is not None)
    assert element["text"] == text


@pytest.mark.parametrize(
    ("result", "status"),
    [(ACCEPTED, "accepted"), (REFUSED, "refused")],
    ids=["accepted", "refused"],
)
def test_one_message_is_answered_flat_and_in_a_list(result: RecordResult, status: str) -> None:
    (element,) = answer(REQUEST, result, dry_run=True)["messages"]
    single = REQUEST._replace(single=True)
    assert answer(single, result, dry_run=True) == {
        "status": status,
        **element,
        "messages": [element],
    }


def test_where_nothing_is_accepted_the_error_has_its_one_shape_and_the_messages() -> None:
    refused = RequestRefused(Code.TEMPLATE_MISMATCH, "Template T1 at character 6.")
    status, body = native.refusal(ACCOUNT, REQUEST, [REFUSED], refused)
    assert status == 400
    assert from_json(body) == {
        "status": False,
        "Error": "TEMPLATE_MISMATCH",
        "message": refused.message,
        **answer(REQUEST, REFUSED),
    }


def test_an_answer_to_other_records_is_a_bug() -> None:
    with pytest.raises(ValueError, match="shorter"):
        answer(SendRequest([RECORD, RECORD]), ACCEPTED)
