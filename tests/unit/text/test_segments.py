"""Encodings and segments, checked against 3GPP's tables and the laws of any text."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.text.segments import GSM_BASIC, GSM_EXTENSION, Encoding, measure, split
from tests.cases.reading import rows

# 3GPP TS 23.038 section 6.2.1, a line for each sixteen codes; the escape (0x1B) is a space here.
TABLE = (
    "@£$¥èéùìòÇ\nØø\rÅå"
    "Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./"
    "0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNO"
    "PQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmno"
    "pqrstuvwxyzäöñüà"
)
# Section 6.2.1.1, by code.
EXTENSION = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}
LIMITS = {Encoding.GSM7: (160, 153), Encoding.UCS2: (70, 67)}

gsm_texts = st.text(st.sampled_from(GSM_BASIC + GSM_EXTENSION * 8), max_size=500)
ucs2_texts = st.text(st.sampled_from("aअ😀👍\x1b€"), max_size=400)
texts = gsm_texts | ucs2_texts | st.text(max_size=300)


def units(encoding: Encoding, text: str) -> int:
    """Count a text's units the slow and plain way."""
    if encoding is Encoding.UCS2:
        return len(text.encode("utf-16-be")) // 2
    return sum(2 if character in EXTENSION.values() else 1 for character in text)


def text_of(row: dict[str, Any]) -> str:
    return "".join(character * times for character, times in row["text"])


def test_the_basic_alphabet_is_that_of_3gpp() -> None:
    assert len(TABLE) == 128
    assert TABLE.replace("\x1b", "") == GSM_BASIC


def test_the_extension_table_is_that_of_3gpp() -> None:
    assert "".join(EXTENSION.values()) == GSM_EXTENSION


@pytest.mark.parametrize("character", TABLE.replace("\x1b", ""), ids=ascii)
def test_a_character_of_the_basic_alphabet_takes_one_septet(character: str) -> None:
    assert measure(character) == (Encoding.GSM7, 1, 1)


@pytest.mark.parametrize("character", EXTENSION.values(), ids=ascii)
def test_a_character_of_the_extension_table_takes_two_septets(character: str) -> None:
    assert measure(character) == (Encoding.GSM7, 2, 1)


@pytest.mark.parametrize("row", rows("segments"))
def test_a_text_is_cut_where_the_standard_cuts_it(row: dict[str, Any]) -> None:
    text = text_of(row)
    encoding = Encoding(row["encoding"])
    parts = split(text)
    assert [units(encoding, part) for part in parts] == row["segments"]
    assert "".join(parts) == text
    assert measure(text) == (encoding, sum(row["segments"]), len(row["segments"]))


@given(texts)
def test_joined_segments_restore_the_text(text: str) -> None:
    assert "".join(split(text)) == text


@given(texts)
def test_no_segment_is_longer_than_its_limit_or_empty(text: str) -> None:
    parts = split(text)
    encoding = measure(text).encoding
    single, concatenated = LIMITS[encoding]
    limit = single if len(parts) == 1 else concatenated
    assert all(units(encoding, part) <= limit for part in parts)
    assert text == "" or all(parts)


@given(texts)
def test_a_segment_is_short_only_where_a_pair_would_be_torn(text: str) -> None:
    parts = split(text)
    encoding = measure(text).encoding
    if len(parts) > 1:
        assert units(encoding, text) > LIMITS[encoding][0]
    for part, following in zip(parts, parts[1:], strict=False):
        room = LIMITS[encoding][1] - units(encoding, part)
        assert room in (0, 1)
        assert room < units(encoding, following[0])


@given(texts)
def test_measure_agrees_with_split(text: str) -> None:
    measured = measure(text)
    assert measured.segment_count == len(split(text))
    assert measured.unit_count == units(measured.encoding, text)


@given(st.text(max_size=200))
def test_a_text_is_gsm_exactly_when_all_its_characters_are(text: str) -> None:
    inside = all(character in GSM_BASIC + GSM_EXTENSION for character in text)
    assert (measure(text).encoding is Encoding.GSM7) == inside
