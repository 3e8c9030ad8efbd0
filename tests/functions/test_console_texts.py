"""All words of the console are in one catalogue, so that another language can follow."""

import re
import string
from pathlib import Path

import pytest

import console
from console.pages import TEXTS
from harkara.model.messages import Category, State

FOLDER = Path(console.__file__).parent
TEMPLATES = sorted((FOLDER / "templates").iterdir())
SOURCES = "".join(path.read_text() for path in [*TEMPLATES, *FOLDER.rglob("*.py")])
# Names that templates and screens put together from a prefix and a value.
PREFIXES = sorted(set(re.findall(r'["\']((?:[a-z_]+\.)+)["\'](?: ~|\))', SOURCES)))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.stem)
def test_a_template_has_no_words_of_its_own(path: Path) -> None:
    text = re.sub(
        r"\{% macro (?:about|live|locked)\b.*?\{% endmacro %\}",
        " ",
        path.read_text(),
        flags=re.DOTALL,
    )
    bare = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", " ", text, flags=re.DOTALL)
    bare = re.sub(r"<pre id=\"command\".*?</pre>|<[^>]*>", " ", bare, flags=re.DOTALL)
    assert re.findall(r"[A-Za-z]{2,}", bare) == []


def test_templates_escape_all_values() -> None:
    assert not re.findall(r"\|\s*safe\b|autoescape", "".join(map(Path.read_text, TEMPLATES)))
    unescaped = [path.name for path in FOLDER.rglob("*.py") if "Markup(" in path.read_text()]
    assert unescaped == ["site.py"]  # the field of an operator's forms, whose value it escapes


def test_every_text_is_there_and_used() -> None:
    used = set(re.findall(r'\bt\(\s*["\']([\w.]+)["\'][,)]', SOURCES))
    assert used - TEXTS.keys() == set()
    constant = {name for name in TEXTS if f'"{name}"' in SOURCES or f"'{name}'" in SOURCES}
    built = {name for name in TEXTS if any(name.startswith(prefix) for prefix in PREFIXES)}
    assert TEXTS.keys() - used - constant - built == set()


def test_texts_are_well_formed() -> None:
    for text in TEXTS.values():
        assert text == text.strip() != ""
        assert "<" not in text
        list(string.Formatter().parse(text))  # raises for a lone brace


def test_every_category_and_state_has_a_name() -> None:
    names = {f"category.{each}" for each in Category} | {f"state.{each}" for each in State}
    assert names <= TEXTS.keys()
