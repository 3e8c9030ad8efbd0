"""ICS's datasend: what a request may look like, and the shape of its answer."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json, to_json

from harkara.codes import MEANINGS, Code
from harkara.errors import RequestRefused
from harkara.platforms.ics import (
    BodyCredentials,
    answer,
    parse,
)
from harkara.requests import BODY_LIMIT_BYTES, RECORD_LIMIT, Record, RecordResult, SendRequest
from tests.cases.reading import rows
from tests.unit.json_values import json_values

FIELDS = ("to", "from", "smstext", "smsgid", "peid", "templateid", "dlrurl")


def body_of(*records: object, **fields: object) -> bytes:
    return to_json({"user": "u", "pass": "p", **fields, "smstosend": records})


@pytest.mark.parametrize("row", rows("ics_requests"))
def test_a_request_without_the_shape_is_refused(row: dict[str, str]) -> None:
    with pytest.raises(RequestRefused) as refused:
        parse(row["body"])
    assert refused.value.code == row["code"]
    advice = MEANINGS[refused.value.code].advice
    assert refused.value.message == f"{advice} {row.get('detail', '')}".strip()


@pytest.mark.parametrize("row", rows("ics_records"))
def test_a_record_is_read(row: dict[str, Any]) -> None:
    _, request = parse(body_of(row["row"]))
    *strings, malformed = row["record"]
    problem = Code.INVALID_RECORD if malformed else None
    assert request.records == [Record(*strings)._replace(problem=problem)]


def test_a_request_is_read_in_whole() -> None:
    body = body_of({"to": "1"}, {"to": "2"}, dlrurl="https://x.example", unknown=[{}])
    assert parse(body) == (
        BodyCredentials("u", "p"),
        SendRequest([Record(to="1"), Record(to="2")], "https://x.example"),
    )


def test_credentials_may_be_absent_null_or_numbers() -> None:
    assert parse(body_of({}, user=None, **{"pass": 42})) == (
        BodyCredentials("", "42"),
        SendRequest([Record()]),
    )
    assert parse('{"smstosend": [{}]}')[0] == BodyCredentials("", "")


def test_bytes_and_text_are_read_alike() -> None:
    body = body_of({"smstext": "नमस्ते"})
    assert parse(body) == parse(body.decode())


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"smstosend": [{"smstext": "\xff"}]}', id="no utf-8"),
        pytest.param(b'{"smstosend": [{"smstext": "\xed\xa0\x80"}]}', id="an encoded surrogate"),
        pytest.param("नमस्ते".encode("utf-16"), id="utf-16"),
        pytest.param(b'{"a": ' + b"[" * 5000 + b"]" * 5000 + b"}", id="deep nesting"),
        pytest.param(
            b'{"smstosend": [{"to": ' + b"9" * 5000 + b"}]}", id="a number of 5,000 digits"
        ),
    ],
)
def test_bytes_that_are_no_json_are_refused(body: bytes) -> None:
    with pytest.raises(RequestRefused) as refused:
        parse(body)
    assert refused.value.code is Code.MALFORMED_JSON


def test_a_thousand_records_are_read() -> None:
    assert len(parse(body_of(*[{}] * RECORD_LIMIT))[1].records) == 1000


def test_a_thousand_and_one_records_are_too_many() -> None:
    with pytest.raises(RequestRefused) as refused:
        parse(body_of(*[{}] * (RECORD_LIMIT + 1)))
    assert refused.value.code is Code.TOO_MANY_RECORDS


def test_a_body_may_be_as_long_as_the_limit() -> None:
    body = body_of({"to": "1"})
    body += b" " * (BODY_LIMIT_BYTES - len(body))
    assert parse(body)[1].records == [Record(to="1")]
    with pytest.raises(RequestRefused) as refused:
        parse(body + b" ")
    assert refused.value.code is Code.BODY_TOO_LARGE


def test_of_a_repeated_field_the_last_counts() -> None:
    assert parse('{"smstosend": [{"to": "1", "to": "2"}]}')[1].records == [Record(to="2")]


@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), json_values), min_size=1, max_size=3))
def test_a_record_holds_only_strings_whatever_came(records: list[dict[str, Any]]) -> None:
    for record, row in zip(parse(body_of(*records))[1].records, records, strict=True):
        assert all(isinstance(field, str) for field in record[:7])
        for field, name in zip(record[:7], FIELDS, strict=True):
            if isinstance(row.get(name), str):
                assert field == row[name]
        strings = (str, int, type(None))
        sound = all(isinstance(v, strings) and not isinstance(v, bool) for v in row.values())
        assert (record.problem is None) is sound


@given(st.binary(max_size=60))
def test_no_body_fails_otherwise_than_by_a_refusal(body: bytes) -> None:
    with pytest.raises(RequestRefused):
        parse(body)


def test_an_answer_is_in_the_order_of_the_records() -> None:
    records = [
        Record(to="+919876543210", sender_id="ACMEBK", text="secret", client_ref="a."),
        Record(to="12", client_ref="b"),
        Record(to="3", sender_id="X"),
    ]
    results = [RecordResult("M1"), RecordResult("", Code.INVALID_NUMBER), RecordResult("M3")]
    assert from_json(answer(SendRequest(records), results)) == [
        {"to": "+919876543210", "from": "ACMEBK", "mid": "M1", "smsgid": "a."},
        {
            "to": "12",
            "from": "",
            "smsgid": "b",
            "Error": "INVALID_NUMBER",
            "message": MEANINGS[Code.INVALID_NUMBER].advice,
        },
        {"to": "3", "from": "X", "mid": "M3", "smsgid": ""},
    ]


def test_an_answer_to_other_records_is_a_bug() -> None:
    with pytest.raises(ValueError, match="shorter"):
        answer(SendRequest([Record(), Record()]), [RecordResult("M1")])
