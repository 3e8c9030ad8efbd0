"""The place where a text departs from a template, and the choice of the nearest template."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.dlt.index import Entry, TemplateIndex
from harkara.dlt.matching import Matcher
from harkara.dlt.mismatch import Part, diff
from tests.cases.reading import rows
from tests.unit.dlt.test_index import CONTENTS, entries


@pytest.mark.parametrize("case", rows("dlt_mismatches"))
def test_where_a_text_differs(case: dict[str, Any]) -> None:
    mismatch = diff("1107", Matcher(case["template"]), case["text"])
    assert mismatch is not None
    assert (mismatch.part, mismatch.position, mismatch.expected, mismatch.variable) == (
        case["part"], case["position"], case["expected"], case["variable"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("template", "text", "sentence"),
    [
        ("Hi {#var#}. Acme", "Hi A. Acne",
         'Template 1107 at character 9: expected the fixed text "me".'),
        ("Hi {#numeric#}", "Hi A",
         "Template 1107 at character 4: variable 1 takes 1 to 40 digits."),
        ("Hi {#var#}!", "Hi !", "Template 1107 at character 4: variable 1 is empty."),
        ("Hi", "Hi A", "Template 1107 at character 3: expected the end."),
    ],
    ids=[Part.FIXED, Part.VARIABLE, "no value", Part.END],
)  # fmt: skip
def test_a_mismatch_is_a_sentence(template: str, text: str, sentence: str) -> None:
    assert str(diff("1107", Matcher(template), text)) == sentence


@given(CONTENTS, st.text("ordesyui Dh,.17\n", max_size=60) | CONTENTS)
def test_a_text_differs_from_a_template_that_it_does_not_match(content: str, text: str) -> None:
    matcher = Matcher(content)
    mismatch = diff("1107", matcher, text)
    assert (mismatch is None) is matcher.matches(text)
    if mismatch is not None:
        assert 0 <= mismatch.position <= len(text)
        if mismatch.part is Part.FIXED:
            assert mismatch.expected in content
            assert not text.startswith(mismatch.expected, mismatch.position)


def test_the_nearest_template_shares_the_most_words() -> None:
    index = TemplateIndex(
        entries(
            "Dear {#var#}, your order {#var#} was shipped",
            "Dear {#var#}, your order {#var#} was cancelled",
            "{#numeric#} is your password",
            "shipped",
        )
    )
    mismatch = index.nearest("Dear Asha, your ordr 17 was cancelled")
    assert mismatch is not None
    assert (mismatch.dlt_template_id, mismatch.position) == ("1", 19)


@pytest.mark.parametrize(
    ("header", "dlt_template_id"),
    [
        pytest.param("ACMEBK", "2", id="its own"),
        pytest.param("OTHERS", "1", id="its own, nearer still"),
        pytest.param("FIFTHS", "1", id="any, where it has none"),
    ],
)
def test_the_nearest_template_is_one_of_the_header(header: str, dlt_template_id: str) -> None:
    index = TemplateIndex(
        [
            Entry("1", ("OTHERS",), "Dear {#var#}, your order is here"),
            Entry("2", ("ACMEBK",), "Dear {#var#}"),
        ]
    )
    mismatch = index.nearest("Dear, your order is here", header)
    assert mismatch is not None
    assert mismatch.dlt_template_id == dlt_template_id


def test_without_a_word_in_common_there_is_a_nearest_template_all_the_same() -> None:
    assert TemplateIndex(entries("Dear {#var#}")).nearest("xyz") is not None
