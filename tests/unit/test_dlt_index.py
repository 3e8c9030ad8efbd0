"""The template of a text among many, and the nearest one where there is none."""

import pickle
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.dlt.index import CROWDED_LIMIT, Entry, TemplateIndex
from harkara.dlt.matching import Matcher
from harkara.dlt.mismatch import Part, departure
from harkara.dlt.rendering import render
from harkara.dlt.templates import kinds
from tests.cases.reading import rows
from tests.unit.steps import steps

WORDS = ("order", "of", "your", "is", "here.", "Dear")
PIECES = st.sampled_from([*WORDS, "{#var#}", "{#numeric#}", "Rs{#var#}", "{#var#},"])
CONTENTS = st.lists(PIECES, min_size=1, max_size=6).map(" ".join)


def entries(*contents: str) -> list[Entry]:
    return [Entry(str(number), (), content) for number, content in enumerate(contents)]


def scan(index: list[Entry], text: str) -> set[str]:
    """Return the ids of all templates that match, by asking each."""
    return {entry.dlt_template_id for entry in index if Matcher(entry.content).matches(text)}


def least(content: str) -> int:
    return len(render(content, ["1"] * len(kinds(content))))


@given(st.lists(CONTENTS, min_size=1, max_size=12), st.data())
def test_the_index_finds_what_a_scan_finds(contents: list[str], data: st.DataObject) -> None:
    all_entries = entries(*contents)
    content = data.draw(st.sampled_from(contents) | CONTENTS)
    values = st.text("1 ,.o", min_size=1, max_size=4)
    filled = [data.draw(values if kind == "var" else st.just("7")) for kind in kinds(content)]
    text = render(content, filled)
    found = TemplateIndex(all_entries).find(text)
    matching = scan(all_entries, text)
    assert bool(found) == bool(matching)
    if found:
        assert found.dlt_template_id in matching
        best = max(least(each.content) for each in all_entries if each.dlt_template_id in matching)
        assert least(found.content) == best


OF_HEADERS = TemplateIndex(
    [
        Entry("1", ("OTHERS", "FOURTH"), "Dear {#var#}, your order is here"),
        Entry("2", ("ACMEBK", "FOURTH"), "Dear {#var#} is here"),
        Entry("3", (), "Dear {#var#}"),
    ]
)


@pytest.mark.parametrize(
    ("header", "dlt_template_id"),
    [("ACMEBK", "2"), ("OTHERS", "1"), ("FOURTH", "1"), ("FIFTHS", "3"), ("", "3")],
)
def test_a_template_of_the_header_is_found_or_one_of_none(
    header: str, dlt_template_id: str
) -> None:
    found = OF_HEADERS.find("Dear Asha, your order is here", header)
    assert found == OF_HEADERS.entry(dlt_template_id)


def test_a_template_of_other_headers_is_not_found() -> None:
    index = TemplateIndex([Entry("1", ("OTHERS",), "Dear {#var#}")])
    assert index.find("Dear Asha", "ACMEBK") is None
    assert index.find("Dear Asha", "OTHERS") == index.entry("1")


def test_an_empty_index_finds_nothing() -> None:
    index = TemplateIndex([])
    assert len(index) == 0
    assert (index.find("x"), index.nearest("x"), index.matcher("1"), index.entry("1")) == (
        None, None, None, None,
    )  # fmt: skip


def test_an_index_can_be_pickled() -> None:
    index = TemplateIndex(entries("Dear {#var#}", "{#var#} is here"))
    index.find("Dear Asha")
    again = pickle.loads(pickle.dumps(index))  # noqa: S301 - our own bytes
    assert again.find("Asha is here") == index.find("Asha is here")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("{#var#}", id="only a variable"),
        pytest.param("{#var#}{#var#} {#var#}", id="only variables and a space"),
        pytest.param("Rs{#var#}due", id="no whole word"),
        pytest.param("a{#var#}b", id="two letters"),
        pytest.param("", id="nothing"),
    ],
)
def test_a_template_without_words_is_found_too(content: str) -> None:
    index = TemplateIndex(entries("Dear {#var#}, your order is here", content))
    found = index.find(render(content, ["12 34"] * len(kinds(content))))
    assert found is not None
    assert found.content == content


# Many templates. Steps are executed lines: they do not depend on the machine.

LUCK = random.Random(7)  # noqa: S311 - the same templates at every run
VOCABULARY = ["".join(LUCK.choices("abcdefgh", k=LUCK.randrange(2, 8))) for _ in range(300)]
COUNT = 2_000


def normal(number: int) -> str:
    words = LUCK.choices(VOCABULARY, k=12)
    return f"Dear {{#var#}}, {' '.join(words)} {{#var#}} {number % 50}. Acme"


HOSTILE: dict[str, Callable[[int], str]] = {
    "the same words": lambda n: f"Dear {{#var#}}, code{{#var#}}{n}x is yours",
    "numbers beside variables": lambda n: f"{{#var#}}{n:05d}{{#var#}}",
    "only variables": lambda n: "{#var#}" * (n % 280 + 1) + " " * (n // 280),
    "commas": lambda n: "{#var#}," * (n % 90 + 1) + "." * (n // 90),
    "one and the same": lambda n: "Dear {#var#}, your order is here",
    "the same but for a space": lambda n: "Dear {#var#}, your" + " " * n + "order",
}


def find_steps(index: TemplateIndex, texts: list[str]) -> float:
    """Return the steps of finding, a text; the matchers have been made before."""
    for text in texts:
        index.find(text)
    return steps(lambda: [index.find(text) for text in texts]) / len(texts)


def made(contents: list[str]) -> tuple[TemplateIndex, list[str]]:
    chosen = [content for content in contents[:: len(contents) // 10 or 1] if len(content) < 1500]
    texts = [render(content, ["12"] * len(kinds(content))) for content in chosen]
    return TemplateIndex(entries(*contents)), texts


FEW, FEW_TEXTS = made([normal(n) for n in range(10)])
MANY, MANY_TEXTS = made([normal(n) for n in range(COUNT)])


def test_it_takes_no_longer_among_many() -> None:
    assert all(MANY.find(text) for text in MANY_TEXTS)
    assert find_steps(MANY, MANY_TEXTS) < 2 * find_steps(FEW, FEW_TEXTS)


@pytest.mark.parametrize("name", HOSTILE)
def test_among_hostile_templates_it_takes_as_long_as_the_crowded_limit_says(name: str) -> None:
    index, texts = made([HOSTILE[name](n) for n in range(COUNT)])
    bound = find_steps(MANY, MANY_TEXTS) + CROWDED_LIMIT * 8 + 8 * max(map(len, texts))
    assert find_steps(index, texts) < bound


@pytest.mark.parametrize("name", ["the same words", "numbers beside variables", "one and the same"])
def test_templates_that_differ_in_fixed_text_are_all_found(name: str) -> None:
    index, texts = made([HOSTILE[name](n) for n in range(COUNT)])
    assert all(index.find(text) for text in texts)


# What came nearest


@pytest.mark.parametrize("case", rows("dlt_mismatches"))
def test_where_a_text_departs(case: dict[str, Any]) -> None:
    mismatch = departure("1107", Matcher(case["template"]), case["text"])
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
        ("Hi", "Hi A", "Template 1107 at character 3: expected the end."),
    ],
    ids=list(Part),
)  # fmt: skip
def test_a_mismatch_is_a_sentence(template: str, text: str, sentence: str) -> None:
    assert str(departure("1107", Matcher(template), text)) == sentence


@given(CONTENTS, st.text("ordesyui Dh,.17\n", max_size=60) | CONTENTS)
def test_a_text_departs_from_what_it_does_not_match(content: str, text: str) -> None:
    matcher = Matcher(content)
    mismatch = departure("1107", matcher, text)
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
