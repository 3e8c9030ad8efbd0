"""Plain forms of typographic characters: only where they save Unicode, and never of a letter."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.segments import GSM_BASIC, GSM_EXTENSION, Encoding, measure
from harkara.typography import plainly


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        pytest.param("It\u2019s \u201chere\u201d", 'It\'s "here"', id="quotes"),
        pytest.param("9\u201310 \u2014 today", "9-10 - today", id="dashes"),
        pytest.param("Rs\u00a0500\u2026", "Rs 500...", id="a fixed space and an ellipsis"),
        pytest.param("a\u200bb\ufeff", "ab", id="characters of no width"),
        pytest.param("`x`\t", "'x' ", id="ASCII that GSM has not"),
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
