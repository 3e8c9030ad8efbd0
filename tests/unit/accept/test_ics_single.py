"""A single record outside a list: flat JSON, a form, and the query or form of /smpp."""

from functools import partial
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json, to_json

from harkara.accept.formats.ics import FORM, OPTIONS, answer
from harkara.accept.requests import BODY_LIMIT_BYTES, NO_OPTIONS, Record, RecordResult, SendRequest
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.model.messages import Category
from tests.cases.reading import rows
from tests.support.ics_bodies import parse_datasend, parse_smpp

FIELDS = ("to", "from", "smstext", "smsgid", "peid", "templateid", "dlrurl", *OPTIONS)


def expected(row: dict[str, Any]) -> SendRequest:
    options = NO_OPTIONS._replace(validity_s=row.get("validity_s", 0))
    return SendRequest([Record(*row["record"])._replace(options=options)], single=True)


@pytest.mark.parametrize("row", rows("ics_singles"))
def test_a_record_that_stands_alone_is_read(row: dict[str, Any]) -> None:
    for body in (row["body"], row["body"].encode()):
        assert parse_datasend(body, row["type"]) == (tuple(row["credentials"]), expected(row))


@pytest.mark.parametrize(
    ("to", "number"),
    [
        pytest.param("+6421123456", "+6421123456", id="New Zealand"),
        pytest.param("+9607712345", "+9607712345", id="Maldives"),
        pytest.param("+6797012345", "+6797012345", id="Fiji"),
        pytest.param("+6785912345", "+6785912345", id="Vanuatu"),
        pytest.param("+6737123456", "+6737123456", id="Brunei"),
        pytest.param("+919876543210", "+919876543210", id="India"),
        pytest.param("%206421123456", "+6421123456", id="a blank that was encoded"),
        pytest.param("+9876543210", " 9876543210", id="a blank before an Indian number"),
        pytest.param("%2B6421123456", "+6421123456", id="a plus that was encoded"),
    ],
)
def test_a_plus_that_is_not_encoded_is_a_plus(to: str, number: str) -> None:
    form = f"to={to}&from=HARKAR&smstext=a"
    for _, request in (
        parse_datasend(form, FORM),
        parse_smpp(form),
        parse_smpp("", form.encode(), FORM),
    ):
        assert request.records[0].to == number


def test_records_in_a_form_are_a_list() -> None:
    form = urlencode({"user": "u", "smstosend": '[{"to": 1}, {"validity": 60}]', "smstype": "OTP"})
    (username, _), request = parse_datasend(form, FORM)
    assert username == "u"
    assert [record.to for record in request.records] == ["1", ""]
    assert request.records[1].options.validity_s == 60
    assert request.records[0].options.category == "otp"
    assert not request.single


@pytest.mark.parametrize(
    ("body", "code"),
    [
        pytest.param("", Code.NO_RECORDS, id="an empty form"),
        pytest.param("user=u&pass=p&dlrurl=x&validity=60", Code.NO_RECORDS, id="no record"),
        pytest.param("to=&smstext=", Code.NO_RECORDS, id="empty fields"),
        pytest.param("smstosend=[{&to=1", Code.MALFORMED_JSON, id="a list that is no JSON"),
        pytest.param("smstosend={}", Code.INVALID_REQUEST, id="a list that is an object"),
        pytest.param(b"to=1&smstext=%FF", Code.INVALID_REQUEST, id="no utf-8 in percents"),
        pytest.param(b"to=1&smstext=%ED%A0%80", Code.INVALID_REQUEST, id="a surrogate in percents"),
        pytest.param("to=1&smstext=\ud83d", Code.INVALID_REQUEST, id="a lone surrogate"),
        pytest.param(b"to=1&smstext=\xff", Code.INVALID_REQUEST, id="no utf-8"),
        pytest.param(
            "&".join(f"f{n}=1" for n in range(101)), Code.INVALID_REQUEST, id="101 fields"
        ),
        pytest.param("to=" + "1" * BODY_LIMIT_BYTES, Code.BODY_TOO_LARGE, id="too long"),
    ],
)
def test_a_form_without_the_shape_is_refused(body: str | bytes, code: Code) -> None:
    with pytest.raises(RequestRefused) as refused:
        parse_datasend(body, FORM)
    assert refused.value.code is code


@given(st.dictionaries(st.sampled_from(FIELDS), st.text(), min_size=1))
def test_a_form_says_what_the_same_in_json_says(fields: dict[str, str]) -> None:
    form, json = urlencode(fields), to_json(fields)
    if any(fields.get(name) for name in FIELDS[:6]):
        assert parse_datasend(form, FORM) == parse_datasend(json)


def test_smpp_is_read_from_a_query() -> None:
    query = (
        "username=u&password=p&from=2&to=1&text=a+b&smsmsgid=4&urlshortening=1&peid=5"
        "&templateid=6&campaignid=c&smstype=T&scheduletime=2026-01-31%2018:30:00"
        "&validity=600&dlrurl=https%3A%2F%2F7"
    )
    credentials, request = parse_smpp(query)
    assert credentials == ("u", "p")
    (record,) = request.records
    assert record[:7] == ("1", "2", "a b", "4", "5", "6", "https://7")
    assert record.options == NO_OPTIONS._replace(
        category=Category.TRANSACTIONAL,
        campaign_id="c",
        send_at_ms=1769864400000,
        validity_s=600,
        shorten_urls=True,
    )
    assert record.problem is None
    assert request.single


def test_smpp_is_read_from_a_form_before_the_query() -> None:
    credentials, request = parse_smpp("username=u&to=1&from=2", b"to=3&password=p&text=x", FORM)
    assert credentials == ("u", "p")
    assert request.records == [Record(to="3", sender_id="2", text="x")]


def test_smpp_is_read_from_json_too() -> None:
    _, request = parse_smpp("username=u", '{"to": 3, "text": "x"}', "application/json")
    assert request.records == [Record(to="3", text="x")]


def test_smpp_without_fields_is_a_record_of_nothing() -> None:
    assert parse_smpp("") == (("", ""), SendRequest([Record()], single=True))


@given(st.text(), st.binary() | st.text(), st.text() | st.just(FORM))
def test_no_query_body_or_type_fails_otherwise_than_by_a_refusal(
    query: str, body: str | bytes, content_type: str
) -> None:
    reads = [
        partial(parse_datasend, body, content_type),
        partial(parse_smpp, query, body, content_type),
    ]
    for read in reads:
        try:
            _, request = read()
        except RequestRefused:
            continue
        assert all(isinstance(field, str) for record in request.records for field in record[:7])


def test_an_answer_to_one_record_is_flat() -> None:
    record = Record(to="+919876543210", sender_id="ACMEBK", text="secret", client_ref="a.")
    request = SendRequest([record], single=True)
    assert from_json(answer(request, [RecordResult("M1")])) == {
        "status": "accepted",
        "mid": "M1",
        "to": "+919876543210",
        "from": "ACMEBK",
        "smsgid": "a.",
    }
