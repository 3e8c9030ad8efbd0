"""Plain forms of typographic characters: only where they save Unicode, and never of a letter."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.text.segments import GSM_BASIC, GSM_EXTENSION, Encoding, measure, plainly


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        pytest.param("It\u2019s \u201chere\u201d", 'It\'s "here"', id="quotes"),
        pytest.param("9\u201310 \u2014 today", "9-10 - today", id="dashes"),
        pytest.param("Rs\u00a0500\u2026", "Rs 500...", id="a fixed space and an ellipsis"),
        pytest.param("a\u200bb\ufeff", "ab", id="characters of no width"),
        pytest.param("`x`\t", "'x' ", id="ASCII that GSM has not"),
        pytest.param(
            "cafe\u0301 \u201cn\u0303\u201d", 'caf\u00e9 "\u00f1"', id="accents of their own"
        ),
        pytest.param("a\u2028b\u2029c\x0bd\x85e", "a\nb\nc\nd\ne", id="ends of lines"),
        pytest.param("a\u200d\u200cb\u200e\u200f\u202ac\u202c\u2066d\u2069", "abcd", id="joiners"),
        pytest.param("a\x00b\x07c\u00add\u2060", "abcd", id="nothing that is shown"),
        pytest.param("a\u2017b", "a_b", id="a double low line"),
        pytest.param(
            "\u0915\u094d\u200d\u0937\u2028",
            "\u0915\u094d\u200d\u0937\u2028",
            id="a joiner in Hindi",
        ),
        pytest.param(
            "\U0001f468\u200d\U0001f469", "\U0001f468\u200d\U0001f469", id="a joiner of emoji"
        ),
        pytest.param("It's \u00fcber", "It's \u00fcber", id="GSM as it is"),
        pytest.param("\u201cनमस्ते\u201d", "\u201cनमस्ते\u201d", id="Unicode all the same"),
        pytest.param("caf\u0113 \u2019", "caf\u0113 \u2019", id="a letter is not transliterated"),
    ],
)
def test_a_text_goes_out_plainly(text: str, plain: str) -> None:
    assert plainly(text) == plain


@given(st.text(st.sampled_from("ab '\u2018\u201d\u2013\u2026\u00a0\u200b€^अ"), max_size=30))
def test_what_changes_goes_out_in_gsm_with_its_letters(text: str) -> None:
    plain = plainly(text)
    if plain != text:
        assert measure(text).encoding is Encoding.UCS2
        assert set(plain) <= set(GSM_BASIC + GSM_EXTENSION)
    letters = [each for each in text if unicodedata.category(each).startswith("L")]
    assert [each for each in plain if unicodedata.category(each).startswith("L")] == letters
    assert plainly(plain) == plain
