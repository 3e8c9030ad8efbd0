"""The RCS content of a message: its bounds, and its place in a batch."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from harkara.accept.formats import native
from harkara.base.codes import Code
from harkara.model.messages import pack, unpack
from harkara.model.rcs import (
    LABEL_LIMIT,
    NAME_LIMIT,
    SUGGESTIONS_LIMIT,
    TEXT_LIMIT,
    URL_LIMIT,
    VALUE_LIMIT,
    VARIABLES_LIMIT,
    Rcs,
    Suggestion,
    read_rcs,
)
from tests.unit.model.test_messages import ACCEPTED, batch_of

URL = {"text": "Open", "url": "https://acme.example/"}
DIAL = {"text": "Call", "phone": "+919876543210"}
TEXTS = st.text(min_size=1, max_size=30)
SUGGESTIONS = st.builds(Suggestion, TEXTS, st.just("https://a.example/?q=1"), st.just("")) | (
    st.builds(Suggestion, TEXTS, st.just(""), st.just("+919876543210"))
)
CONTENTS = st.builds(
    Rcs, TEXTS, st.just(""), st.just(()), st.lists(SUGGESTIONS, max_size=3).map(tuple)
) | st.builds(
    Rcs, st.just(""), TEXTS, st.dictionaries(TEXTS, TEXTS, max_size=3).map(lambda d: (*d.items(),))
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"text": "x" * TEXT_LIMIT}, Rcs("x" * TEXT_LIMIT)),
        ({"template_id": "t" * NAME_LIMIT}, Rcs("", "t" * NAME_LIMIT)),
        (
            {"template_id": "t", "variables": {"a": "v" * VALUE_LIMIT, "b": ""}},
            Rcs("", "t", (("a", "v" * VALUE_LIMIT), ("b", ""))),
        ),
        (
            {"text": "x", "suggestions": [URL, DIAL]},
            Rcs(
                "x",
                suggestions=(
                    Suggestion("Open", "https://acme.example/"),
                    Suggestion("Call", "", "+919876543210"),
                ),
            ),
        ),
        ({"text": "x", "suggestions": [URL] * SUGGESTIONS_LIMIT}, None),
        ({"text": "x", "suggestions": [{**URL, "text": "l" * LABEL_LIMIT}]}, None),
        ({"text": "x", "suggestions": []}, Rcs("x")),
    ],
)
def test_content_within_the_bounds_is_read(value: Any, expected: Rcs | None) -> None:
    found = read_rcs(value)
    assert expected is None or found == expected


@pytest.mark.parametrize(
    "value",
    [
        *("text", 1, [], {}, {"text": ""}, {"text": " \n"}, {"text": 1}, {"text": None}),
        {"text": "x" * (TEXT_LIMIT + 1)},
        {"text": "x", "template_id": "t"},
        {"text": " ", "template_id": "t"},
        {"template_id": " "},
        {"template_id": "t" * (NAME_LIMIT + 1)},
        {"text": "x", "variables": {"a": "b"}},
        {"template_id": "t", "suggestions": [URL]},
        {"template_id": "t", "variables": {"a": 1}},
        {"template_id": "t", "variables": {"": "a"}},
        {"template_id": "t", "variables": ["a"]},
        {"template_id": "t", "variables": {"a": "v" * (VALUE_LIMIT + 1)}},
        {"template_id": "t", "variables": {str(n): "" for n in range(VARIABLES_LIMIT + 1)}},
        {"text": "x", "suggestions": [URL] * (SUGGESTIONS_LIMIT + 1)},
        {"text": "x", "suggestions": [{"text": "Neither"}]},
        {"text": "x", "suggestions": [{**URL, **DIAL}]},
        {"text": "x", "suggestions": [{**URL, "text": ""}]},
        {"text": "x", "suggestions": [{**URL, "text": "l" * (LABEL_LIMIT + 1)}]},
        {"text": "x", "suggestions": [{**URL, "url": "javascript:alert(1)"}]},
        {"text": "x", "suggestions": [{**URL, "url": "https:///path"}]},
        {"text": "x", "suggestions": [{**URL, "url": "https://a.example/a b"}]},
        {"text": "x", "suggestions": [{**URL, "url": "https://a.example/" + "u" * URL_LIMIT}]},
        *({"text": "x", "suggestions": [{**DIAL, "phone": n}]} for n in ("919876543210", "+0", "")),
        {"text": "x", "image": "https://a.example/1.png"},
        {"text": "x", "suggestions": [{**URL, "postback": "x"}]},
    ],
)
def test_other_content_is_refused_with_what_is_expected(value: Any) -> None:
    message = {"to": "919876543210", "from": "ACMEBK", "text": "Hello"}
    request = native.parse(to_json({"messages": [{**message, "rcs": value}, message]}))
    assert [record.problem for record in request.records] == [Code.INVALID_RECORD, None]
    assert request.details[0].startswith("(rcs: text of at most 3,072 characters")
    assert [record.options.rcs for record in request.records] == [None, None]


def test_null_counts_as_absent() -> None:
    (record,) = native.parse('{"messages": [{"to": "1", "rcs": null}]}').records
    assert (record.options.rcs, record.problem) == (None, None)


@given(st.lists(st.none() | CONTENTS, min_size=1, max_size=4))
def test_content_comes_back_out_of_a_batch(contents: list[Rcs | None]) -> None:
    batch = batch_of(*(ACCEPTED._replace(rcs=content) for content in contents))
    assert unpack(batch.id, pack(batch)) == batch


def test_a_batch_without_content_has_not_a_byte_more() -> None:
    batch = batch_of(*[ACCEPTED] * 1000)
    assert b'"rcs"' not in pack(batch)
    rows = [message[:-1] for message in batch.messages]
    assert len(rows[0]) == 10
    assert len(pack(batch_of(ACCEPTED._replace(rcs=Rcs("x"))))) > len(pack(batch_of(ACCEPTED)))
