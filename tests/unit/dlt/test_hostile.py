"""Many templates, hostile ones among them: the found template, and the number of steps.

Steps are executed lines: they do not depend on the machine.
"""

import tracemalloc
from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.dlt.index import TemplateIndex
from harkara.dlt.inverted_index import COMMON_LIMIT, FEW_CANDIDATES
from harkara.dlt.matching import render
from harkara.dlt.templates import kinds
from tests.unit.dlt.test_index import SEEDED, VOCABULARY, common, entries
from tests.unit.dlt.test_matching import FIXED, TAGS, VALUES
from tests.unit.steps import steps

COUNT = 2_000
VAR = "{#var#}"
LONG = " ".join(SEEDED.choices(VOCABULARY, k=400))[:1_990]


def normal(number: int) -> str:
    words = SEEDED.choices(VOCABULARY, k=12)
    return f"Dear {VAR}, {' '.join(words)} {VAR} {number % 50}. Acme"


HOSTILE: dict[str, Callable[[int], str]] = {
    "the same words": lambda n: f"Dear {VAR}, code{VAR}{n}x is yours",
    "numbers beside variables": lambda n: f"{VAR}{n:05d}{VAR}",
    "only variables": lambda n: VAR * (n % 280 + 1) + " " * (n // 280),
    "only variables of two kinds": lambda n: (VAR + "{#numeric#}") * (n % 90 + 1) + " " * (n // 90),
    "commas": lambda n: f"{VAR}," * (n % 90 + 1) + "." * (n // 90),
    "commas between variables": lambda n: ",".join([VAR] * (n % 90 + 2)) + "." * (n // 90),
    "one and the same": lambda n: f"Dear {VAR}, your order is here",
    "the same but for a space": lambda n: f"Dear {VAR}, your" + " " * n + "order",
    "long, the same but for a number": lambda n: f"{LONG[:900]}{n}{LONG[900:]}",
    "long, the same but for a number beside variables": (
        lambda n: f"Dear {VAR} {LONG[:900]}{VAR}{n}{VAR}{LONG[900:1_950]}"
    ),
    "control characters": lambda n: f"\x00\x1f{VAR}{chr(n % 32) * 9}{VAR}" + "\x85" * (n // 32),
    "right-to-left marks": lambda n: "\u200f" * (n % 100) + VAR + "\u202e" * (n // 100) + VAR,
    "one shared word": lambda n: f"Dear {VAR * (n % 100 + 1)}" + " " * (n // 100),
    "a word that some share": lambda n: f"{VAR} {VOCABULARY[n % 300]} {VAR * (n % 7 + 1)}",
}


@cache
def made(name: str) -> tuple[TemplateIndex, list[str]]:
    """Return an index of many templates, and texts of ten of them."""
    contents = [HOSTILE.get(name, normal)(number) for number in range(COUNT)]
    texts = [render(content, ["12"] * len(kinds(content))) for content in contents[:: COUNT // 10]]
    return TemplateIndex(entries(*contents)), texts


def find_steps(index: TemplateIndex, texts: list[str]) -> float:
    """Return the steps of finding a text's template, with all matchers built before."""
    for text in texts:
        index.find(text)
    return steps(lambda: [index.find(text) for text in texts]) / len(texts)


NORMAL_TEXTS = made("normal")[1]
NORMAL_STEPS = find_steps(*made("normal"))


def test_it_takes_no_longer_among_many() -> None:
    few = TemplateIndex(entries(*(normal(number) for number in range(10))))
    texts = [render(few._entries[at].content, ["12", "34"]) for at in range(10)]
    assert all(few.find(text) for text in texts)
    assert all(made("normal")[0].find(text) for text in NORMAL_TEXTS)
    assert NORMAL_STEPS / find_steps(few, texts) < 1.5


@pytest.mark.parametrize("name", HOSTILE)
def test_a_text_takes_few_steps_more_among_hostile_templates(name: str) -> None:
    index, _ = made(name)
    assert find_steps(index, NORMAL_TEXTS) < 4 * NORMAL_STEPS


@pytest.mark.parametrize("name", HOSTILE)
def test_a_text_of_a_hostile_template_takes_steps_for_its_length(name: str) -> None:
    index, texts = made(name)
    length = sum(map(len, texts)) / len(texts)
    assert find_steps(index, texts) < 3 * NORMAL_STEPS + COMMON_LIMIT * length


@pytest.mark.parametrize("name", HOSTILE)
def test_an_index_of_hostile_templates_takes_steps_for_their_length(name: str) -> None:
    def made_of(name: str) -> tuple[int, int]:
        contents = [HOSTILE.get(name, normal)(number) for number in range(100)]
        return steps(lambda: TemplateIndex(entries(*contents))), sum(map(len, contents))

    (taken, length), (usual, usual_length) = made_of(name), made_of("normal")
    assert taken < 4 * usual * max(1, length / usual_length)


@pytest.mark.parametrize("name", [name for name in HOSTILE if name.startswith("long")])
def test_an_index_of_long_templates_takes_memory_for_few_of_their_runs(name: str) -> None:
    contents = [HOSTILE[name](number) for number in range(200)]
    tracemalloc.start()
    TemplateIndex(entries(*contents))
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 12 * sum(map(len, contents))


@pytest.mark.parametrize("name", ["normal", "one and the same", "long, the same but for a number"])
def test_templates_that_differ_in_a_word_are_all_found(name: str) -> None:
    index, texts = made(name)
    assert not common(index)
    assert all(map(index.find, texts))


def test_few_that_nothing_tells_apart_are_all_found() -> None:
    contents = [f"Dear {VAR}, code{VAR}{n}x{VAR} is yours" for n in range(FEW_CANDIDATES)]
    index = TemplateIndex(entries(*contents))
    for content in contents:
        found = index.find(render(content, ["1 of 2"] * 3))
        assert found is not None
        assert found.content == content


def test_of_many_that_nothing_tells_apart_those_that_can_be_as_short_are_compared() -> None:
    index = TemplateIndex(entries(*(VAR * number for number in range(1, 50))))
    found = index.find("x" * 17)
    assert found is not None
    assert found.content == VAR * 17


def test_of_many_that_nothing_tells_apart_each_matches_where_its_id_is_given() -> None:
    index, _ = made("numbers beside variables")
    text = render(HOSTILE["numbers beside variables"](17), ["12"] * 2)
    assert "17" in common(index)
    matcher = index.matcher("17")
    assert matcher is not None
    assert matcher.matches(text)


@given(
    st.lists(
        st.lists(st.text(FIXED, max_size=6) | st.sampled_from(TAGS), max_size=5).map("".join),
        min_size=1,
        max_size=20,
    ),
    st.data(),
)
def test_what_was_rendered_is_found_unless_many_are_alike(
    contents: list[str], data: st.DataObject
) -> None:
    index = TemplateIndex(entries(*contents))
    at = data.draw(st.integers(0, len(contents) - 1))
    text = render(contents[at], [data.draw(VALUES[kind]) for kind in kinds(contents[at])])
    found = index.find(text)
    if found is None:
        assert contents[at] in {contents[int(key)] for key in common(index)}
    else:
        matcher = index.matcher(found.dlt_template_id)
        assert matcher is not None
        assert matcher.matches(text)
