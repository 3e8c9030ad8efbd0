"""The template of a text among many, and the nearest one if none matches."""

import pickle
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.dlt.index import Entry, TemplateIndex
from harkara.dlt.matching import Matcher, render
from harkara.dlt.templates import kinds

WORDS = ("order", "of", "your", "is", "here.", "Dear")
PIECES = st.sampled_from([*WORDS, "{#var#}", "{#numeric#}", "Rs{#var#}", "{#var#},"])
CONTENTS = st.lists(PIECES, min_size=1, max_size=6).map(" ".join)
VALUES = st.text("1 ,.o", min_size=1, max_size=4) | st.lists(
    st.sampled_from(WORDS), min_size=1, max_size=3
).map(" ".join)
SEEDED = random.Random(7)  # noqa: S311 - the same words at every run
VOCABULARY = ["".join(SEEDED.choices("abcdefgh", k=SEEDED.randrange(2, 8))) for _ in range(300)]
HEADERS = ("ACMEBK", "OTHERS")
ENTRIES = st.tuples(st.sampled_from([(), HEADERS[:1], HEADERS[1:], HEADERS]), CONTENTS)


def entries(*contents: str) -> list[Entry]:
    return [Entry(str(number), (), content) for number, content in enumerate(contents)]


def common(index: TemplateIndex) -> set[str]:
    """Return the ids of the templates in the inverted index's common list."""
    return {index._entries[place].dlt_template_id for place in index._inverted.common}


def least(content: str) -> int:
    return len(render(content, ["1"] * len(kinds(content))))


def best(all_entries: list[Entry], text: str, header: str) -> Entry | None:
    """Return the template that the index must find, by trying each template."""
    matching = [
        entry
        for entry in all_entries
        if entry.belongs_to(header) and Matcher(entry.content).matches(text)
    ]
    return min(
        matching,
        key=lambda entry: (-least(entry.content), len(kinds(entry.content)), entry.dlt_template_id),
        default=None,
    )


@given(st.lists(ENTRIES, min_size=1, max_size=12), st.data())
def test_the_index_finds_what_a_scan_finds(
    rows: list[tuple[tuple[str, ...], str]], data: st.DataObject
) -> None:
    all_entries = [Entry(str(at), headers, content) for at, (headers, content) in enumerate(rows)]
    index = TemplateIndex(all_entries)
    distinguished = [entry for entry in all_entries if entry.dlt_template_id not in common(index)]
    content = data.draw(st.sampled_from([content for _, content in rows]) | CONTENTS)
    for _ in range(4):
        filled = [data.draw(VALUES if kind == "var" else st.just("7")) for kind in kinds(content)]
        text, header = render(content, filled), data.draw(st.sampled_from(HEADERS))
        found, required = index.find(text, header), best(distinguished, text, header)
        if distinguished == all_entries or found is None:
            assert found == required
        else:
            assert best([found], text, header) == found
            assert required is None or least(found.content) >= least(required.content)


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


@pytest.mark.parametrize(
    ("general", "particular", "text"),
    [
        pytest.param("Dear {#var#}", "Dear {#var#} is here", "Dear Asha is here", id="in a value"),
        pytest.param("Dear {#var#} here", "Dear {#var#} is here", "Dear Asha is here",
                     id="half in a value"),
        pytest.param("Dear {#var#}e", "Dear {#var#} is here", "Dear Asha is here",
                     id="an end of it glued to a value"),
        pytest.param("{#var#}ar {#var#}", "Dear {#var#} is here", "Dear Asha is here",
                     id="a value in its beginning"),
        pytest.param("Dear {#var#},{#var#} now", "Dear {#var#} my,own {#var#} now",
                     "Dear Asha my,own order now", id="over fixed text without a space"),
        pytest.param("Dear {#var#} or {#var#} here", "Dear {#var#} or {#var#} is here",
                     "Dear Asha or Ravi is here", id="in the last value"),
    ],
)  # fmt: skip
def test_what_was_found_before_has_no_say(general: str, particular: str, text: str) -> None:
    others = [f"{{#var#}} {word} {word}" for word in VOCABULARY[:20]]
    index = TemplateIndex(entries(general, particular, *others))
    for _ in range(3):
        other = index.find(render(general, ["12", "34"][: len(kinds(general))]))
        assert other is not None
        assert other.content == general
    found = index.find(text)
    assert found is not None
    assert found.content == particular


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
