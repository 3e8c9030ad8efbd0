"""Every format, byte for byte, and the laws of all formats."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.base.codes import MEANINGS, Code
from harkara.callbacks.formats import FORMATS, group_limit, moengage
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.events import (
    Click,
    Corrected,
    Dlr,
    Event,
    EventKind,
    Read,
    Reply,
    Submitted,
    event_of,
    row_of,
)
from harkara.model.messages import Endpoint, State
from tests.cases.reading import rows

AT_S = 1_700_000_000
FAILED = Dlr("M1", "ref", State.FAILED, AT_S, Code.DND, "919876543210", 1)
# The place of the failure's name in each format.
FAILURES: dict[str, Any] = {
    "clevertap": lambda payload: payload[0]["data"][0]["code"],
    "moengage": lambda payload: payload["reason"],
    "moengage_batch": lambda payload: payload["statuses"][0]["error_message"],
    "webengage": lambda payload: payload["statusCode"],
    "generic": lambda payload: payload["code"],
    "standard": lambda payload: payload["data"]["code"],
}

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
ENDS = st.just((State.DELIVERED, "")) | st.tuples(
    st.sampled_from([State.FAILED, State.EXPIRED, State.UNKNOWN, State.CANCELLED]),
    st.sampled_from(Code),
)
dlrs = st.builds(
    lambda mid, ref, end, count, channel: Dlr(
        mid, ref, end[0], AT_S, end[1], "919876543210", count, "", channel
    ),
    names,
    names | st.just(""),
    ENDS,
    st.integers(1, 10),
    st.sampled_from(["", "rcs"]),
)
replies = st.builds(Reply, names, names, st.just(AT_S), names, names, names)
clicks = st.builds(Click, names, names, st.just(AT_S), names, names, names)
submissions = st.builds(Submitted, names, names, st.just(AT_S), names, st.integers(1, 10))
corrections = st.builds(
    Corrected, names, names, st.just(AT_S), names, st.integers(1, 10), st.sampled_from(State)
)
EVENTS = {
    EventKind.STATUS: dlrs,
    EventKind.REPLIED: replies,
    EventKind.CLICKED: clicks,
    EventKind.SUBMITTED: submissions,
    EventKind.CORRECTED: corrections,
    EventKind.READ: st.builds(Read, names, names, st.just(AT_S), names),
}


def render(name: str, events: list[Event], **fields: Any) -> bytes:
    settings = {"id": "main", "url": "https://acme.example/dlr", "format": name, **fields}
    return FORMATS[name].render(events, CallbackEndpoint.model_validate(settings))


@pytest.mark.parametrize("row", rows("callback_bodies"))
def test_an_event_has_these_bytes(row: dict[str, Any]) -> None:
    events = [event_of(event) for event in row["events"]]
    body = render(row["format"], events, **row.get("settings", {}))
    assert body.decode() == row["body"]


def test_every_format_has_rows_of_every_kind_that_it_carries() -> None:
    tested = {
        (case.values[0]["format"], event[0])  # type: ignore[index]
        for case in rows("callback_bodies")
        for event in case.values[0]["events"]  # type: ignore[index]
    }
    assert tested == {(name, kind) for name in FORMATS for kind in FORMATS[name].kinds}


@pytest.mark.parametrize("code", Code)
@pytest.mark.parametrize("name", FORMATS)
def test_every_code_can_be_told(name: str, code: Code) -> None:
    meaning = MEANINGS[code]
    reported = FAILURES[name](json.loads(render(name, [FAILED._replace(code=code)])))
    assert reported in (code, meaning.clevertap, meaning.webengage, meaning.advice)


@pytest.mark.parametrize("name", FORMATS)
@given(data=st.data())
def test_the_same_events_make_the_same_bytes(name: str, data: st.DataObject) -> None:
    used = FORMATS[name]
    kinds = st.one_of(*(EVENTS[kind] for kind in sorted(used.kinds)))
    limit = 1 if used.one_by_one else min(4, used.member_limit)
    events: list[Event] = data.draw(st.lists(kinds, min_size=1, max_size=limit))
    body = render(name, events)
    # An event may pass through a queue in between.
    assert render(name, [event_of(_row(each)) for each in events]) == body
    json.loads(body)


def _row(event: Event) -> list[Any]:
    row: list[Any] = json.loads(json.dumps(row_of(event)))
    return row


@pytest.mark.parametrize(
    ("name", "limit"), [("clevertap", 100), ("moengage", 1), ("moengage_batch", 50)]
)
def test_a_callback_speaks_of_as_many_as_the_platform_takes(name: str, limit: int) -> None:
    assert FORMATS[name].member_limit == limit


def test_a_body_for_moengage_is_far_below_its_limit() -> None:
    longest = max(Code, key=lambda code: len(MEANINGS[code].advice))
    dlr = FAILED._replace(client_ref="\x00" * 512, code=longest)
    assert len(render("moengage", [dlr])) * 10 < moengage.BODY_LIMIT_BYTES


@pytest.mark.parametrize(
    ("state", "word"),
    [
        (State.FAILED, "FAILED"),
        (State.EXPIRED, "EXPIRED"),
        (State.UNKNOWN, "UNKNOWN"),
        (State.CANCELLED, "CANCELLED"),
    ],
)
def test_moengage_has_a_word_for_each_end_that_it_counts_as_a_failure(
    state: State, word: str
) -> None:
    assert json.loads(render("moengage", [FAILED._replace(state=state)]))["status"] == word


@pytest.mark.parametrize(
    ("name", "as_array", "limit"),
    [
        ("clevertap", False, 100),
        ("moengage", False, 1),
        ("generic", False, 1),
        ("generic", True, 100),
        ("standard", True, 1),
    ],
)
def test_an_endpoint_gets_as_many_at_once_as_it_takes(
    name: str, as_array: bool, limit: int
) -> None:
    assert group_limit(Endpoint("https://acme.example", name, "main", as_array)) == limit


def test_what_was_grouped_for_an_array_stays_one() -> None:
    assert len(json.loads(render("generic", [FAILED, FAILED], as_array=False))) == 2
