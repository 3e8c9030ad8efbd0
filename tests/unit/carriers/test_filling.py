"""Filling a request to a provider: its words for our values, its units, its numbers."""

import json
from typing import Any

import pytest
import xmltodict
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harkara.base.codes import Code
from harkara.carriers.contract import InDoubt, Outcome, Refused, Submission, Taken
from harkara.carriers.filling import fill_fields, fill_json, fill_xml, values_of
from harkara.carriers.generic_http import parse_receipts
from harkara.carriers.http_options import DEFAULT, MAPPED_PLACEHOLDERS, HttpOptions
from harkara.carriers.receipts import ReceiptRequest
from harkara.model.messages import Category, State
from tests.unit.carrier_cases import CASES, MESSAGE, SECRETS, SIGNER, ScriptedExchange, settings_of
from tests.unit.carriers.test_kinds import http_answer, submission_of, submit

ENCODINGS = ["GSM7", "UCS2"]
WORDS = st.text(st.characters(categories=["L", "N"]), max_size=8)
MAPPED = st.booleans() | st.integers() | WORDS


def options_with(**changes: Any) -> HttpOptions:
    return HttpOptions.model_validate({**CASES["http"]["carrier"]["http"], **changes})


def filled(template: Any, submission: Submission, **changes: Any) -> Any:
    options = options_with(**changes)
    return fill_json(template, values_of(submission, "harkara", SECRETS, options))


def tables(existing: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Return maps that have all of these values, or a default."""
    whole = st.fixed_dictionaries({name: MAPPED for name in existing})
    partial = st.fixed_dictionaries({DEFAULT: MAPPED}, optional={name: MAPPED for name in existing})
    return whole | partial


@given(
    tables(ENCODINGS),
    tables([*Category]),
    st.sampled_from(Category),
    st.sampled_from(["Hello", "नमस्ते"]),
)
def test_a_map_of_known_values_has_a_word_for_each(
    encodings: dict[str, Any], categories: dict[str, Any], category: Category, text: str
) -> None:
    sent = filled(
        {"encoding": "{encoding}", "category": "{category}"},
        submission_of({"text": text, "category": category}),
        values={"encoding": encodings, "category": categories},
    )
    encoding = "GSM7" if text == "Hello" else "UCS2"
    expected = {
        "encoding": encodings.get(encoding, encodings.get(DEFAULT)),
        "category": categories.get(category, categories.get(DEFAULT)),
    }
    assert sent == {name: value for name, value in expected.items() if value != ""}
    assert list(map(type, sent.values())) == [
        type(value) for value in expected.values() if value != ""
    ]


@given(st.sampled_from([("encoding", ENCODINGS), ("category", [*Category])]), st.data())
def test_a_map_that_lacks_a_value_is_refused(
    placeholder: tuple[str, list[str]], data: st.DataObject
) -> None:
    name, existing = placeholder
    left_out = data.draw(st.sampled_from(existing))
    table = {each: "x" for each in existing if each != left_out}
    with pytest.raises(ValidationError, match=f"{left_out} has no value"):
        options_with(values={name: table})


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"encoding": {"GSM7": "a", "UCS2": "b", "latin1": "c"}}, "it has the values GSM7, UCS2"),
        (
            {"category": {"marketing": "a", "default": "b"}},
            "it has the values government, otp, promotional",
        ),
        ({"text": {"default": "x"}}, "there are maps of account_id, category"),
        ({"password": {"default": "x"}}, "there are maps of"),
        ({"from": {"ACMEFD": "x\ny: z"}}, "one printable line"),
        ({"from": {"ACMEFD": ["x"]}}, "values.from"),
    ],
)
def test_a_map_that_cannot_be_is_refused(values: Any, says: str) -> None:
    with pytest.raises(ValidationError) as error:
        options_with(values=values)
    assert says in str(error.value)


@pytest.mark.parametrize("name", sorted(MAPPED_PLACEHOLDERS - {"encoding", "category"}))
def test_what_an_open_map_does_not_name_stays(name: str) -> None:
    submission = submission_of({}, account_id="acme", telemarketer_ids=("1102",))
    (before,) = filled([f"{{{name}}}"], submission)
    assert filled([f"{{{name}}}"], submission, values={name: {"another": "x"}}) == [before]
    assert filled([f"{{{name}}}"], submission, values={name: {before: "x"}}) == ["x"]


def test_mapped_values_are_text_in_a_form() -> None:
    options = options_with(values={"encoding": {"GSM7": False, "UCS2": True}})
    values = values_of(submission_of({"text": "Hello"}), "harkara", SECRETS, options)
    assert fill_fields({"unicode": "{encoding}", "x": "a{encoding}"}, values) == {
        "unicode": "false",
        "x": "afalse",
    }


def test_a_mapped_value_goes_out_where_it_stands() -> None:
    fields = {"type": "{encoding}", "to": "{to}", "text": "{text}"}
    options = {**CASES["http"]["carrier"]["http"], "json_body": None, "form": fields}
    options["values"] = {"encoding": {"GSM7": "", "UCS2": "unicode"}}
    settings = settings_of(
        "http", http={**options, "query": {"ref": "{reference}", "u": "{receipt_url}"}}
    )
    exchange = ScriptedExchange(*[http_answer({"body": {}})] * 2)
    submit(settings, exchange, submission_of({"text": "a"}), submission_of({"text": "आ"}))
    assert [request["body"] for request in exchange.requests] == [
        "to=919876543210&text=a",
        "type=unicode&to=919876543210&text=%E0%A4%86",
    ]


@pytest.mark.parametrize(
    ("validity", "left_s", "expected"),
    [
        ({}, 90, 90),
        ({"unit": "minutes"}, 90, 1),
        ({"unit": "minutes"}, 59, 1),
        ({"unit": "minutes", "least": 5}, 90, 5),
        ({"unit": "minutes", "most": 1440}, 200_000, 1440),
        ({"most": 36_000}, 86_400, 36_000),
        ({"unit": "milliseconds", "least": 20_000}, 30, 30_000),
        ({"unit": "hours", "most": 48}, 7200, 2),
    ],
)
def test_a_validity_is_in_the_providers_unit_and_within_its_bounds(
    validity: dict[str, Any], left_s: int, expected: int
) -> None:
    template = {"text": "{validity}", "number": "{validity:number}", "other": "{validity_s:number}"}
    submission = submission_of({}, validity_s=left_s)
    assert filled(template, submission, validity=validity) == {
        "text": str(expected),
        "number": expected,
        "other": left_s,
    }
    assert filled(template, submission_of({}), validity=validity) == {}


@pytest.mark.parametrize(
    ("validity", "left_s", "expected"),
    [
        ({}, 90, "2026-01-01T09:01:30Z"),
        ({"unit": "minutes"}, 90, "2026-01-01T09:01:00Z"),
        ({"least": 120}, 90, "2026-01-01T09:02:00Z"),
        ({"unit": "hours", "most": 24}, 259_200, "2026-01-02T09:00:00Z"),
        ({"unit": "milliseconds"}, 3600, "2026-01-01T10:00:00Z"),
    ],
)
def test_the_end_of_a_validity_is_a_date_within_its_bounds(
    validity: dict[str, Any], left_s: int, expected: str
) -> None:
    submitted_s = 1_767_258_000
    submission = submission_of({}, validity_s=left_s, expires_at_s=submitted_s + left_s)
    sent = filled({"at": "{expires_at}"}, submission, validity=validity)
    assert sent == {"at": expected}
    for unknown in ({"validity_s": left_s}, {"expires_at_s": submitted_s}):
        assert filled({"at": "{expires_at}"}, submission_of({}, **unknown)) == {}


def test_bounds_of_a_validity_are_in_order() -> None:
    with pytest.raises(ValidationError, match="most is at least"):
        options_with(validity={"least": 5, "most": 4})


def test_the_telemarketers_of_the_chain_are_sent() -> None:
    template = ["{telemarketer_id}", "{telemarketer_ids}"]
    submission = submission_of({}, telemarketer_ids=("1102", "1303"))
    assert filled(template, submission) == ["1303", "1102,1303"]
    assert filled(template, submission_of({})) == []


# XML


@given(st.text())
def test_a_text_cannot_leave_its_place_in_xml(text: str) -> None:
    template = '<m v="{text}"><t>{text}</t></m>'
    values = values_of(submission_of({"text": text}), "harkara", SECRETS, options_with())
    held = "".join(
        each for each in text if each in "\t\n\r" or (each >= " " and each not in "\ufffe\uffff")
    )
    found = xmltodict.parse(fill_xml(template, values), strip_whitespace=False)
    assert found == {"m": {"@v": held, "t": held or None}}


def test_a_provider_is_spoken_with_in_xml() -> None:
    options = {
        **CASES["http"]["carrier"]["http"],
        "json_body": None,
        "xml_body": '<MESSAGE><SMS TEXT="{text}" CODING="{encoding}"><TO>{to}</TO></SMS></MESSAGE>',
        "values": {"encoding": {"GSM7": 1, "UCS2": 2}},
        "query": {"ref": "{reference}"},
        "answer": {"format": "xml", "id": "/ACK/GUID/ID", "error": "/ACK/GUID/ERROR/CODE"},
    }
    settings = settings_of("http", http=options)
    taken = '<?xml version="1.0"?><ACK><GUID ID="k1"/></ACK>'
    refused = '<ACK><GUID ID="k1"><ERROR SEQ="1" CODE="28682"/></GUID></ACK>'
    exchange = ScriptedExchange(*[http_answer({"body": each}) for each in (taken, refused, "<ACK")])
    messages = [submission_of({"text": 'a "b" <c>\n'})] * 3
    assert submit(settings, exchange, *messages) == [
        Taken("k1"),
        Refused(Code.REFUSED_BY_CARRIER, "28682"),
        InDoubt(),
    ]
    request = exchange.requests[0]
    assert request["headers"]["content-type"] == "text/xml; charset=utf-8"
    assert request["body"] == (
        '<MESSAGE><SMS TEXT="a &quot;b&quot; &lt;c&gt;&#10;" CODING="1">'
        "<TO>919876543210</TO></SMS></MESSAGE>"
    )


# Ids inside a text


@pytest.mark.parametrize(
    ("cut", "written", "expected"),
    [
        ({"id_after": ":"}, "919876543210:a-b", "a-b"),
        ({"id_after": ":"}, "919876543210:a:b", "a:b"),
        ({"id_after": ":"}, "a-b", "a-b"),
        ({"id_before": ","}, "a-b,919876543210:c", "a-b"),
        ({"id_after": ":", "id_before": ","}, "9198:a-b,9199:c", "a-b"),
        ({}, " a:b ", "a:b"),
    ],
)
def test_an_id_is_cut_out_of_its_text(cut: dict[str, str], written: str, expected: str) -> None:
    text = {"format": "text", "status": "/0", "taken": ["1701"], "error": "/0", "id": "/1"}
    receipts = {"id": "/id", "state": "/state", "states": {"ok": "delivered"}, **cut}
    options = {**CASES["http"]["carrier"]["http"], "answer": {**text, **cut}, "receipts": receipts}
    settings = settings_of("http", http=options, echoes_reference=False)

    def outcome(body: str) -> Outcome:
        return submit(settings, ScriptedExchange(http_answer({"body": body})), submission_of({}))[0]

    assert outcome(f"1701|{written}") == Taken(expected)
    assert outcome("1706|") == Refused(Code.REFUSED_BY_CARRIER, "1706")
    body = json.dumps({"id": written, "state": "ok"}).encode()
    received = parse_receipts(ReceiptRequest("POST", {}, {}, body), settings, SIGNER)
    ((carrier_id, receipt),) = received.by_carrier_id
    assert (carrier_id, receipt.state) == (expected, State.DELIVERED)
    assert MESSAGE.to not in carrier_id
