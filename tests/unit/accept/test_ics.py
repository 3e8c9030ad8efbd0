"""ICS's datasend: accepted forms of a request, and the form of its answer."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import from_json, to_json

from harkara.accept.formats import ics
from harkara.accept.formats.ics import BodyCredentials, answer
from harkara.accept.requests import BODY_LIMIT_BYTES, Record, RecordResult, SendRequest
from harkara.base.codes import MEANINGS, Code
from harkara.base.errors import RequestRefused
from harkara.model.messages import RECORD_LIMIT
from tests.cases.reading import rows
from tests.support.ics_bodies import parse_datasend, parse_smpp
from tests.unit.json_values import json_values

FIELDS = ("to", "from", "smstext", "smsgid", "peid", "templateid", "dlrurl")


def body_of(*records: object, **fields: object) -> bytes:
    return to_json({"user": "u", "pass": "p", **fields, "smstosend": records})


@pytest.mark.parametrize("row", rows("ics_requests"))
def test_a_request_without_the_shape_is_refused(row: dict[str, str]) -> None:
    with pytest.raises(RequestRefused) as refused:
        parse_datasend(row["body"])
    assert refused.value.code == row["code"]
    advice = MEANINGS[refused.value.code].advice
    assert refused.value.message == f"{advice} {row.get('detail', '')}".strip()


@pytest.mark.parametrize("row", rows("ics_records"))
def test_a_record_is_read(row: dict[str, Any]) -> None:
    _, request = parse_datasend(body_of(row["row"]))
    *strings, malformed = row["record"]
    problem = Code.INVALID_RECORD if malformed else None
    assert request.records == [Record(*strings)._replace(problem=problem)]


def test_a_request_is_read_in_whole() -> None:
    body = body_of({"to": "1"}, {"to": "2"}, dlrurl="https://x.example", unknown=[{}])
    assert parse_datasend(body) == (
        BodyCredentials("u", "p"),
        SendRequest([Record(to="1"), Record(to="2")], "https://x.example"),
    )


def test_credentials_may_be_absent_null_or_numbers() -> None:
    assert parse_datasend(body_of({}, user=None, **{"pass": 42})) == (
        BodyCredentials("", "42"),
        SendRequest([Record()]),
    )
    assert parse_datasend('{"smstosend": [{}]}')[0] == BodyCredentials("", "")


def test_bytes_and_text_are_read_alike() -> None:
    body = body_of({"smstext": "नमस्ते"})
    assert parse_datasend(body) == parse_datasend(body.decode())


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
        parse_datasend(body)
    assert refused.value.code is Code.MALFORMED_JSON


def test_a_thousand_records_are_read() -> None:
    assert len(parse_datasend(body_of(*[{}] * RECORD_LIMIT))[1].records) == 1000


def test_a_thousand_and_one_records_are_too_many() -> None:
    with pytest.raises(RequestRefused) as refused:
        parse_datasend(body_of(*[{}] * (RECORD_LIMIT + 1)))
    assert refused.value.code is Code.TOO_MANY_RECORDS


def test_a_body_may_be_as_long_as_the_limit() -> None:
    body = body_of({"to": "1"})
    body += b" " * (BODY_LIMIT_BYTES - len(body))
    assert parse_datasend(body)[1].records == [Record(to="1")]
    with pytest.raises(RequestRefused) as refused:
        parse_datasend(body + b" ")
    assert refused.value.code is Code.BODY_TOO_LARGE


def test_of_a_repeated_field_the_last_counts() -> None:
    assert parse_datasend('{"smstosend": [{"to": "1", "to": "2"}]}')[1].records == [Record(to="2")]


def test_strings_beside_the_list_are_for_the_records_that_have_none() -> None:
    body = {
        "from": "ACMEBK",
        "templateid": 7,
        "peid": "9",
        "smstext": "hello",
        "smstosend": [{"to": "1"}, {"to": "2", "from": "OTHERS", "smstext": "b", "peid": ""}],
    }
    _, request = parse_datasend(to_json(body))
    assert request.records == [
        Record("1", "ACMEBK", "hello", "", "9", "7"),
        Record("2", "OTHERS", "b", "", "9", "7"),
    ]


NEAR_TIMES = {
    "schedule_time": "scheduletime",
    "scheduleTime": "scheduletime",
    "scheduled_at": "scheduletime",
    "send_at": "scheduletime",
    "SendTime": "scheduletime",
    **dict.fromkeys(
        ("run_at", "runAt", "notBefore", "deferUntil", "delay_s", "send_later", "later", "when")
        + ("ScheduledDeliveryTime", "execution_time", "post-at", "DATE", "timestamp", "sendAfter"),
        "scheduletime",
    ),
    "validity_period_s": "validity",
    "Validity": "validity",
    "ttl": "validity",
}


@pytest.mark.parametrize("shape", ["records", "one record", "single"])
def test_of_very_many_unknown_fields_some_are_compared_and_the_warning_says_so(
    shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []
    monkeypatch.setattr(ics, "meant", lambda name, _: compared.append(name))
    unknown = [f"x{number}" for number in range(5_000)]
    if shape == "records":
        rows = [{"to": "1", **dict.fromkeys(unknown[at::10], "x")} for at in range(10)]
        _, request = parse_datasend(body_of(*rows))
    elif shape == "one record":
        _, request = parse_datasend(to_json({"to": "1", **dict.fromkeys(unknown, "x")}))
    else:
        _, request = parse_smpp("", to_json({"to": "1", **dict.fromkeys(unknown, "x")}))
    assert len(compared) == 1_000
    assert request.warning == "Of 5000 unknown fields only 1000 were compared with ours."


@pytest.mark.parametrize(("name", "time"), NEAR_TIMES.items())
def test_a_field_that_is_near_a_time_is_ignored_with_a_warning(name: str, time: str) -> None:
    row = {"to": "1", "from": "ACMEBK", "smstext": "a"}
    warning = f"There is no field {name}: {time} was meant?"
    batches = {"smstosend": [row], name: "x"}, {"smstosend": [row, {**row, name: "x"}]}
    for body in (*batches, {**row, name: "x"}):
        _, request = parse_datasend(to_json(body))
        assert request.warning == warning
    _, request = parse_smpp(f"to=1&text=a&{name}=x")
    assert request.warning == warning
    (element,) = [from_json(answer(request, [RecordResult("M1")]))]
    assert element == {
        "status": "accepted", "to": "1", "from": "", "mid": "M1", "smsgid": "", "warning": warning
    }  # fmt: skip


@pytest.mark.parametrize(
    "name",
    ["id", "custom", "campaign", "unicode", "time_zone", "x" * 50]
    + ["created_at", "locations", "platform", "template", "format", "priority"],
)
def test_other_unknown_fields_are_ignored_without_a_word(name: str) -> None:
    _, request = parse_datasend(to_json({"smstosend": [{"to": "1", name: "x"}], name: 1}))
    assert (request.records, request.warning) == ([Record("1")], "")


@pytest.mark.parametrize("name", ["dry_run", "dryRun", "DRYRUN", "dry-run"])
def test_a_dry_run_that_there_is_not_is_refused(name: str) -> None:
    row = {"to": "1", "from": "ACMEBK", "smstext": "a"}
    for body in ({"smstosend": [row], name: True}, {"smstosend": [{**row, name: 1}]}):
        with pytest.raises(RequestRefused) as refused:
            parse_datasend(to_json(body))
        assert refused.value.code is Code.INVALID_REQUEST
    with pytest.raises(RequestRefused):
        parse_smpp(f"to=1&text=a&{name}=true")


@given(st.lists(st.dictionaries(st.sampled_from(FIELDS), json_values), min_size=1, max_size=3))
def test_a_record_holds_only_strings_whatever_came(records: list[dict[str, Any]]) -> None:
    for record, row in zip(parse_datasend(body_of(*records))[1].records, records, strict=True):
        assert all(isinstance(field, str) for field in record[:7])
        for field, name in zip(record[:7], FIELDS, strict=True):
            if isinstance(row.get(name), str):
                assert field == (row[name].strip() if name == "from" else row[name])
        strings = (str, int, type(None))
        sound = all(isinstance(v, strings) and not isinstance(v, bool) for v in row.values())
        assert (record.problem is None) is sound


@given(st.binary(max_size=60))
def test_no_body_fails_otherwise_than_by_a_refusal(body: bytes) -> None:
    with pytest.raises(RequestRefused):
        parse_datasend(body)


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
