"""Reads the values of variables from a text that a provider will render from its template."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harkara.base.codes import Code
from harkara.carriers.contract import Refused
from harkara.carriers.http_placeholders import pieces, values_in
from tests.unit.carrier_cases import CASES, ScriptedExchange, settings_of
from tests.unit.carriers.test_kinds import http_answer, submission_of, submit

NAMES = st.from_regex(r"[A-Za-z0-9_]{1,4}", fullmatch=True)
# Few letters, so that values contain fixed texts too.
TEXTS = st.text("ab# ", max_size=6)


def render(template: str, values: dict[str, str]) -> str:
    parts = pieces(template)
    return "".join(values[part] if at % 2 else part for at, part in enumerate(parts))


@st.composite
def templates(draw: st.DrawFn) -> tuple[str, list[str]]:
    """Draw a template and its variables' names."""
    names = draw(st.lists(NAMES, max_size=4))
    fixed = [draw(st.text("ab ", min_size=1, max_size=4)) for _ in names]
    ends = draw(st.tuples(st.text("ab ", max_size=3), st.text("ab ", max_size=3)))
    body = "".join(f"##{name}##{text}" for name, text in zip(names, fixed, strict=True))
    body = body[: -len(fixed[-1])] if names else body
    return ends[0] + body + ends[1], names


@given(templates(), st.data())
def test_what_a_template_made_is_read_so_that_it_makes_it_again(
    template: tuple[str, list[str]], data: st.DataObject
) -> None:
    text, names = template
    made = render(text, {name: data.draw(TEXTS) for name in names})
    found = values_in(made, text)
    # A repeated name must have one value: then only a unique reading is always found.
    if len(set(names)) == len(names):
        assert found is not None
    if found is not None:
        assert found.keys() == set(names)
        assert render(text, dict(found)) == made


@given(templates(), TEXTS)
def test_a_text_that_is_read_is_one_that_the_template_makes(
    template: tuple[str, list[str]], text: str
) -> None:
    found = values_in(text, template[0])
    if found is not None:
        assert render(template[0], dict(found)) == text
    elif len(set(template[1])) == len(template[1]):
        parts = pieces(template[0])
        pattern = "".join(".*" if at % 2 else re.escape(part) for at, part in enumerate(parts))
        assert not re.fullmatch(pattern, text, re.DOTALL)


@pytest.mark.parametrize(
    ("text", "template", "expected"),
    [
        ("4711 is your code.", "##otp## is your code.", {"otp": "4711"}),
        ("Hi नीता, 5% off", "Hi ##name##, ##rate##% off", {"name": "नीता", "rate": "5"}),
        ("Hi , % off", "Hi ##name##, ##rate##% off", {"name": "", "rate": ""}),
        ("a b a", "##x## b ##x##", {"x": "a"}),
        ("a b c", "##x## b ##x##", None),
        ("Hi Ann", "Hi ##name##!", None),
        ("Hi!", "Hi!", {}),
        ("Hi", "Hi!", None),
        ("aa", "aa##x##aa", None),
    ],
)
def test_values_are_what_stands_between_the_fixed_texts(
    text: str, template: str, expected: dict[str, str] | None
) -> None:
    assert values_in(text, template) == expected


# Of a carrier


def carrier(**templates: Any) -> Any:
    body = {"to": "{to}", "template": "{template_id}", "of": [{"{variables}": "", "x": "{from}"}]}
    options = {**CASES["http"]["carrier"]["http"], "json_body": body, "query": {"r": "{reference}"}}
    return settings_of("http", http={**options, "templates": templates})


def test_a_carrier_gets_id_and_values_in_place_of_the_text() -> None:
    exchange = ScriptedExchange(http_answer({"body": {}}))
    settings = carrier(**{"1107": {"id": "flow-1", "text": "Dear ##name##, ##x##"}})
    submit(settings, exchange, submission_of({"text": 'Dear "A", b'}))
    assert exchange.requests[0]["body"] == (
        '{"to":"919876543210","template":"flow-1","of":[{"name":"\\"A\\"","x":"ACMEBK"}]}'
    )


@pytest.mark.parametrize(
    ("template_id", "code"),
    [("1107", Code.TEMPLATE_MISMATCH), ("1108", Code.TEMPLATE_NOT_REGISTERED)],
)
def test_what_is_of_no_template_is_refused_and_not_sent(template_id: str, code: Code) -> None:
    settings = carrier(**{"1107": {"id": "flow-1", "text": "Dear ##name##,"}})
    exchange = ScriptedExchange()
    submission = submission_of({"text": "Hello", "dlt_template_id": template_id})
    assert submit(settings, exchange, submission) == [Refused(code, "")]
    assert exchange.requests == []


@pytest.mark.parametrize(
    ("templates", "says"),
    [
        ({}, "{template_id} takes the provider's templates"),
        ({"1107": {"id": "f", "text": "##a####b##"}}, "two variables stand side by side"),
        ({"1107": {"id": "", "text": "a"}}, "templates.1107.id"),
        ({"1107": {"id": "f"}}, "templates.1107.text"),
    ],
)
def test_templates_that_cannot_be_are_refused(templates: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as error:
        carrier(**templates)
    assert says in str(error.value)
