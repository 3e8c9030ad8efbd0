"""ICS's options: their accepted spellings, and their places in a request."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic_core import to_json

from harkara.accept.formats.ics import OPTIONS
from harkara.accept.requests import NO_OPTIONS, Record, SendRequest
from harkara.base.codes import Code
from tests.cases.reading import rows
from tests.support.ics_bodies import parse_datasend
from tests.unit.json_values import json_values
from tests.unit.options import options_of

STRINGS = ("to", "from", "smstext", "smsgid", "peid", "templateid", "dlrurl")
# One name of each option: a record's value under one name overrides the request's under another,
# which a merged dictionary cannot express.
FIELDS = (*STRINGS, *(name for name in OPTIONS if name != "urlshortening"))
records = st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=6)


def request_of(*records: object, **shared: object) -> SendRequest:
    return parse_datasend(to_json({**shared, "smstosend": records}))[1]


@pytest.mark.parametrize("row", rows("ics_options"))
def test_an_option_is_read_in_a_record(row: dict[str, Any]) -> None:
    problem = Code(row["problem"]) if "problem" in row else None
    request = request_of({"to": "1", **row["fields"]}, {"to": "2"})
    assert request.records == [
        Record(to="1", options=options_of(row), problem=problem),
        Record(to="2"),
    ]
    assert request.details == ({0: row["detail"]} if problem else {})


@pytest.mark.parametrize("row", rows("ics_options"))
def test_an_option_of_the_request_is_that_of_each_record(row: dict[str, Any]) -> None:
    shared = {name: value for name, value in row["fields"].items() if name in OPTIONS}
    own = {name: value for name, value in row["fields"].items() if name not in OPTIONS}
    assert request_of(own, own, **shared) == request_of(row["fields"], row["fields"])


@given(records, records)
def test_a_records_own_option_goes_before_the_requests(
    record: dict[str, Any], shared: dict[str, Any]
) -> None:
    shared = {name: value for name, value in shared.items() if name in OPTIONS}
    own = {name: value for name, value in record.items() if value is not None and value != ""}
    assert request_of(record, {}, **shared) == request_of({**shared, **own}, shared)


@given(st.lists(records | json_values, min_size=1, max_size=4))
@example([{"EXPY": None}, {"run_at": "x"}])
def test_a_record_is_read_alike_alone_and_among_others(batch: list[Any]) -> None:
    alone = [request_of(record) for record in batch]
    # A random name may resemble that of a time: only the first of several gets a warning.
    assert request_of(*batch)._replace(warning="") == SendRequest(
        [request.records[0] for request in alone],
        details={
            index: request.details[0] for index, request in enumerate(alone) if request.details
        },
    )


def test_a_record_without_options_has_the_common_ones() -> None:
    plain, with_null, among_others, _ = request_of(
        {"to": "1"}, {"validity": None}, {"smstype": ""}, {"validity": 60}
    ).records
    assert plain.options is NO_OPTIONS
    assert with_null.options is NO_OPTIONS
    assert among_others.options is NO_OPTIONS
    assert request_of({"to": "1"}).records[0].options is NO_OPTIONS


def test_equal_options_are_one_object() -> None:
    row = {"smstype": "otp", "validity": 60, "templatevariables": ["a"]}
    first, second, other = request_of(row, row, {**row, "validity": 61}).records
    assert first.options is second.options
    assert other.options != first.options


@pytest.mark.parametrize(
    ("name", "value", "sound"),
    [
        pytest.param("campaignid", "c" * 255, True, id="the longest campaign"),
        pytest.param("campaignid", "c" * 256, False, id="a longer one"),
        pytest.param("templatevariables", ["x"] * 300, True, id="the most variables"),
        pytest.param("templatevariables", ["x"] * 301, False, id="one more"),
        pytest.param("templatevariables", "|" * 300, False, id="one more between bars"),
        pytest.param("templatevariables", ["x" * 9_999], True, id="the longest variable"),
        pytest.param("templatevariables", ["x" * 10_000], False, id="a longer one"),
        pytest.param("templatevariables", {"1" * 10_001: ""}, False, id="too long a name"),
    ],
)
def test_an_option_that_would_multiply_with_the_records_has_limits(
    name: str, value: object, sound: bool
) -> None:
    (record,) = request_of({}, **{name: value}).records
    assert (record.problem is None) is sound
    assert (record.options is NO_OPTIONS) is not sound


def test_an_option_of_the_request_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def read(value: str) -> str:
        calls.append(value)
        return value

    counting = OPTIONS["campaignid"]._replace(read=read)
    monkeypatch.setitem(OPTIONS, "campaignid", counting)
    request_of(*[{}] * 1000, campaignid="c")
    assert calls == ["c"]


@pytest.mark.parametrize(
    ("shared", "asked"),
    [
        ({}, [False, True, None]),
        ({"shorten_urls": True}, [False, True, True]),
        ({"urlshortening": 1}, [False, True, True]),
        ({"urlshortening": 0}, [False, True, False]),
    ],
)
def test_a_record_asks_for_links_by_either_name(
    shared: dict[str, Any], asked: list[bool | None]
) -> None:
    request = request_of({"urlshortening": 0}, {"shorten_urls": True}, {"to": "1"}, **shared)
    assert [record.options.shorten_urls for record in request.records] == asked
