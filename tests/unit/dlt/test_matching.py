"""Whether a text matches a DLT template, and the number of steps to decide it."""

from collections import Counter
from collections.abc import Sequence
from itertools import chain
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from harkara.base.errors import VariableRefused
from harkara.dlt.inverted_index import whole_words
from harkara.dlt.matching import Matcher, render
from harkara.dlt.positions import Positions, fits
from harkara.dlt.templates import DEFAULT_RULES, KINDS, USUAL_MARKS, Kind, Rules, kinds, parse
from tests.cases.reading import rows
from tests.unit.steps import steps

# With hostile ones: marks that turn the direction of writing, control characters.
FIXED = "abc ,\u200f\u202e\x00\x1f\x85"
TAGS = [f"{{#{kind}#}}" for kind in Kind]
VALUES: dict[Kind, st.SearchStrategy[str]] = {
    Kind.VAR: st.text(min_size=1, max_size=30),
    Kind.NUMERIC: st.text("0123456789", min_size=1, max_size=40),
    Kind.ALPHANUMERIC: st.text("abcXYZ019", min_size=1, max_size=40),
    Kind.URL: st.from_regex(r"\A(https?://)?[a-z0-9-]{1,9}(\.[a-z]{2,4}){1,2}(/[!-~]{0,20})?\Z"),
    Kind.URLOTT: st.from_regex(r"\Ahttps://[a-z]{1,9}\.in(\?[!-~]{0,20})?\Z"),
    Kind.CBN: st.from_regex(r"\A\+?[0-9][0-9 -]{1,15}[0-9]\Z"),
    Kind.EMAIL: st.from_regex(r"\A[a-z.+]{1,9}@[a-z-]{1,9}\.[a-z]{2,3}\Z"),
}
LITERALS = st.text(max_size=8) | st.text("a, {#}\u200f\u202e\x00\x1f\x85", max_size=4)
CONTENTS = st.lists(LITERALS | st.sampled_from(TAGS), max_size=8).map("".join)


@st.composite
def rendered(draw: st.DrawFn) -> tuple[str, str]:
    """Draw a content, and its text with allowed values."""
    content = draw(CONTENTS)
    return content, render(content, [draw(VALUES[kind]) for kind in kinds(content)])


def ways(content: str, text: str) -> bool:
    """Whether a text matches, by exhaustive search: the reference for `Matcher`."""
    parts = parse(content)

    def rest(part: int, start: int) -> bool:
        if part == len(parts):
            return start == len(text)
        if part % 2 == 0:
            literal = parts[part]
            return text.startswith(literal, start) and rest(part + 1, start + len(literal))
        return any(
            fits(text[start:end], Kind(parts[part]), DEFAULT_RULES) and rest(part + 1, end)
            for end in range(start + 1, len(text) + 1)
        )

    return rest(0, 0)


@pytest.mark.parametrize("case", rows("dlt_matches"))
def test_a_text_matches_or_not(case: dict[str, Any]) -> None:
    rules = TypeAdapter(Rules).validate_python(case.get("rules", {}))
    assert Matcher(case["template"], rules).matches(case["text"]) is case["matches"]


SPELLINGS = st.sampled_from([*KINDS]).flatmap(
    lambda name: st.tuples(
        st.just(KINDS[name]),
        st.sampled_from([name, name.upper(), name.title()]),
        st.sampled_from(["", " ", "\t"]),
        st.sampled_from(["", " ", "  "]),
    )
)


@given(st.lists(st.tuples(st.text("abc {#}", max_size=3), SPELLINGS), max_size=5))
def test_a_variable_is_known_by_each_of_the_portals_spellings(
    pieces: list[tuple[str, tuple[Kind, str, str, str]]],
) -> None:
    content = "".join(f"{text}{{#{before}{name}{behind}#}}"
                      for text, (_, name, before, behind) in pieces)  # fmt: skip
    assert kinds(content) == [kind for _, (kind, *_) in pieces]


USUAL = Rules(alphanumeric_marks=USUAL_MARKS)
# Of the categories of Unicode: letters, their marks, decimal digits.
TAKEN = st.characters(categories=("L", "M", "Nd"))


@given(st.text(TAKEN | st.sampled_from(USUAL_MARKS), min_size=1, max_size=40))
def test_letters_marks_digits_and_usual_marks_are_alphanumeric(value: str) -> None:
    assert fits(value, Kind.ALPHANUMERIC, USUAL)
    assert Matcher("{#alp#}", USUAL).matches(value)


@given(st.characters(exclude_categories=("L", "M", "Nd"),
                     exclude_characters=USUAL_MARKS + "\u200c\u200d"))  # fmt: skip
def test_no_other_character_is_alphanumeric_unless_any_is(character: str) -> None:
    assert not fits(f"a{character}", Kind.ALPHANUMERIC, USUAL)
    assert not Matcher("{#alp#}.", USUAL).matches(f"a{character}.")
    assert Matcher("{#alp#}.").matches(f"a{character}.")


@given(st.characters(exclude_characters="0123456789"))
def test_digits_alone_are_numeric(character: str) -> None:
    assert not fits(f"1{character}", Kind.NUMERIC, DEFAULT_RULES)


@given(rendered())
def test_what_was_rendered_matches(template_and_text: tuple[str, str]) -> None:
    content, text = template_and_text
    assert Matcher(content).matches(text)


@given(
    st.lists(st.text(FIXED, min_size=1, max_size=5), min_size=2, max_size=6),
    st.data(),
)
def test_a_changed_fixed_character_never_matches(literals: list[str], data: st.DataObject) -> None:
    # Values of digits only, so that fixed characters are recognisable in the text.
    values = [data.draw(st.text("0123456789", min_size=1, max_size=30)) for _ in literals[1:]]
    content = "{#var#}".join(literals)
    text = render(content, values)
    index = data.draw(st.sampled_from([at for at, each in enumerate(text) if each in FIXED]))
    other = data.draw(st.sampled_from([each for each in FIXED + "A-" if each != text[index]]))
    assert Matcher(content).matches(text)
    assert not Matcher(content).matches(text[:index] + other + text[index + 1 :])


@given(
    st.lists(st.text("a,", max_size=2) | st.sampled_from(TAGS[:3]), max_size=6).map("".join),
    st.text("a,1", max_size=12),
)
def test_the_quick_way_and_the_walk_say_what_trying_everything_says(
    content: str, text: str
) -> None:
    assert Matcher(content).matches(text) is ways(content, text)


@given(
    st.lists(st.text("ab ,", max_size=8), min_size=2, max_size=5),
    st.lists(st.from_regex(r"\A[0-9]( ?[0-9]){0,5}\Z"), min_size=4, max_size=4),
)
def test_a_text_has_its_templates_whole_words_and_those_that_values_touch(
    literals: list[str], values: list[str]
) -> None:
    content = "{#var#}".join(literals)
    text = render(content, values[: len(literals) - 1])
    words = Counter(text.split(" "))
    touched = Counter(word for word in words.elements() if any(map(str.isdigit, word)))
    assert words - touched == Counter(chain.from_iterable(whole_words(parse(content))))


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize(
    "rules",
    [
        DEFAULT_RULES,
        Rules(
            var_limit=3,
            numeric_limit=2,
            alphanumeric_limit=4,
            alphanumeric_marks=" -",
            url_limit=5,
            urls=("a.in", "http://b", "A.in/t/", "a.in?b=", "hTTp://p/1{#var#}"),
            call_back_numbers=("18 00", "+18", "9188888888"),
        ),
    ],
    ids=["any", "registered"],
)
@given(
    value=st.text("ab.in:/?#h tp1é\n+- @8०²½नी\u200d", max_size=14)
    | st.from_regex(r"(https?://)?a\.in.*")
    | st.from_regex(r"\A(?:[hH][tT][tT]p://)?(?:[aA]\.in|p)[/?]?[1tbh=]*[ ?/]?[a1]*\Z")
    | st.from_regex(r"\A\+?[018 -]{1,21}\Z")
    | st.from_regex(r"\A\+?(0|91|091)?[ -]?91[ .]?8{4}[ ()-]{0,3}8{4}\Z")
    | st.from_regex(r"\A[a.+]{1,9}@[a.-]{1,9}\.[ab1]{1,3}\Z")
)
def test_a_value_that_fits_is_one_within_a_text(kind: Kind, rules: Rules, value: str) -> None:
    positions = Positions(value)
    within = bool(positions.variable(1, kind, rules) & positions.end)
    assert fits(value, kind, rules) is within


def steps_a_character(content: str, text: str) -> float:
    taken = steps(lambda: Matcher(content).matches(text))
    return taken / (len(content) + len(text))


NORMAL = steps_a_character(
    "Dear {#var#}, order {#var#} of {#numeric#} is here. Acme",
    "Dear Asha, order 17, order 18 of 12 is here, of 13 is here. Acme",
)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        pytest.param("{#var#}" * 285, "x" * 1530, id="only variables"),
        pytest.param("{#var#}," * 90, "," * 1530, id="90 commas in commas"),
        pytest.param("{#var#}," * 90 + "!", "a," * 765, id="90 commas, another end"),
        pytest.param("{#var#}a" * 90 + "b", "a" * 1529 + "b", id="90 letters in the same letter"),
        pytest.param("{#numeric#}1" * 90, "1" * 1530, id="digits in digits"),
        pytest.param("{#url#}.in" * 60, "a.in" * 380, id="URLs in URLs"),
        pytest.param("{#email#}@" * 60, "a@b.in" * 250, id="addresses in addresses"),
        pytest.param("{#alphanumeric#}{#var#}" * 60, "a" * 1530, id="two kinds in turn"),
        pytest.param(
            "{#var#}".join("a" * n for n in range(1, 56)), "a" * 1530, id="ever longer texts"
        ),
    ],
)  # fmt: skip
def test_a_hostile_template_takes_as_many_steps_a_character_as_a_normal_one(
    content: str, text: str
) -> None:
    assert steps_a_character(content, text) < 5 * NORMAL


@given(st.text("ab", min_size=60, max_size=200), st.text("ab", max_size=4))
def test_a_fixed_text_is_found_however_often_it_stands_there(text: str, literal: str) -> None:
    positions = Positions(text)
    anywhere = (2 << len(text)) - 1
    ends = [at + len(literal) for at in range(len(text) + 1) if text.startswith(literal, at)]
    assert positions.fixed(anywhere, literal) == sum(1 << end for end in ends)


# Rendering


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(["Asha", "17"], id="a list"),
        pytest.param({"1": "Asha", "2": "17"}, id="by number"),
        pytest.param({"var2": "17", "var1": "Asha"}, id="by name"),
    ],
)
def test_a_template_is_rendered(values: Any) -> None:
    assert render("Dear {#var#}, {#numeric#}!", values) == "Dear Asha, 17!"


@pytest.mark.parametrize(
    ("values", "number", "rule"),
    [
        pytest.param(["Asha", "x"], 2, "({#numeric#}) takes 1 to 40 digits", id="the wrong kind"),
        pytest.param(["a" * 31, "1"], 1, "({#var#}) takes 1 to 30 characters", id="too long"),
        pytest.param(["", "1"], 1, "is empty", id="empty"),
        pytest.param(["Asha", ""], 2, "is empty", id="the second is empty"),
        *(
            pytest.param([value, "1"], 1, "holds a placeholder that nothing was put in place of",
                         id=value)
            for value in ("{#var#}", "Mr {# Numeric #}!", "{#name#}", "{##}", "$$Name", "a $$uid b")
        ),
        pytest.param(["Asha"], 2, "has no value", id="too few"),
        pytest.param({"2": "1"}, 1, "has no value", id="the first is missing"),
        pytest.param(["a", "1", "x"], 3, "is not in the template, which has 2", id="too many"),
        pytest.param({"1": "a", "2": "1", "name": "x"}, 3,
                     "is not in the template, which has 2", id="an unknown name"),
    ],
)  # fmt: skip
def test_a_value_that_breaks_a_rule_is_named(values: Sequence[str], number: int, rule: str) -> None:
    with pytest.raises(VariableRefused) as refused:
        render("Dear {#var#}, {#numeric#}!", values)
    assert refused.value.number == number
    assert str(refused.value) == f"variable {number} {rule}"


@pytest.mark.parametrize(
    ("kind", "rules", "rule"),
    [
        ("url", DEFAULT_RULES, "a URL"),
        ("urlott", Rules(urls=("https://acme.in",)), "a registered URL"),
        ("cbn", DEFAULT_RULES, "a phone number"),
        ("cbn", Rules(call_back_numbers=("1800",)), "a registered call-back number"),
        ("email", DEFAULT_RULES, "an e-mail address"),
        (
            "alphanumeric",
            Rules(alphanumeric_limit=9, alphanumeric_marks=""),
            "1 to 9 letters and digits",
        ),
        (
            "alp",
            Rules(alphanumeric_limit=9, alphanumeric_marks=" /"),
            "1 to 9 letters, digits, blanks and /",
        ),
    ],
)
def test_a_rule_is_said_in_words(kind: str, rules: Rules, rule: str) -> None:
    with pytest.raises(VariableRefused) as refused:
        render(f"{{#{kind}#}}", ["-"], rules)
    assert str(refused.value) == f"variable 1 ({{#{KINDS[kind]}#}}) takes {rule}"
