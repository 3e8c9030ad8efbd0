"""Answers for people fit the terminal."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.printing import IDS, as_table

WORDS = st.lists(st.text("abc", min_size=1, max_size=9), min_size=1, max_size=20).map(" ".join)
NAMES = st.lists(
    st.sampled_from(["account", "status", "answer", "problem", "name", "url"]),
    min_size=2,
    max_size=6,
    unique=True,
)


@st.composite
def tables(draw: st.DrawFn) -> list[dict[str, str]]:
    names = draw(NAMES)
    cells = st.fixed_dictionaries({name: WORDS for name in names})
    return draw(st.lists(cells, min_size=1, max_size=4))


@pytest.fixture(autouse=True, scope="module")
def columns() -> Iterator[None]:
    """Set the terminal's width."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("COLUMNS", "80")
        yield


@given(rows=tables())
def test_a_table_is_no_wider_than_its_ids_make_it(rows: list[dict[str, str]]) -> None:
    head = [*rows[0]]
    whole = {head[0], *IDS} & {*head}
    least = sum(max(len(each[name]) for each in [*rows, {name: name}]) for name in whole)
    least += sum(max(6, len(name)) + 2 for name in head if name not in whole) + 2 * len(whole)
    assert max(map(len, as_table(rows).splitlines())) <= max(80, least)


@given(rows=tables())
def test_ids_are_whole(rows: list[dict[str, str]]) -> None:
    text = as_table(rows)
    assert all(row[name] in text for row in rows for name in IDS & {*row})


@given(problem=WORDS)
def test_prose_takes_several_lines(problem: str) -> None:
    _, *lines = as_table([{"row": 2, "problem": problem, "url": "u" * 90}]).splitlines()
    cells = " ".join(line.removeprefix("2").partition("  u")[0] for line in lines)
    assert cells.split() == problem.split()


def test_what_is_cut_ends_in_an_ellipsis() -> None:
    lines = as_table([{"id": "x" * 30, "url": "https://" + "a" * 90, "on": True}]).splitlines()
    assert [len(line) for line in lines] == [79, 80]
    assert lines[1].startswith(f"{'x' * 30}  https://aa")
    assert lines[1].endswith("a…  yes")


def test_rows_may_have_other_fields_than_the_first() -> None:
    assert as_table([{"id": 1, "a": "x"}, {"id": 2, "b": "y"}]).splitlines() == [
        "id  a  b",
        "1   x",
        "2      y",
    ]
