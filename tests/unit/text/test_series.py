"""The operators to which Indian number series were allotted."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.text.series import TABLE, operator_of, read_table
from tools.renew_series import text_of

TEXT = TABLE.read_text()


def test_the_table_is_as_it_was_written_with_its_origin() -> None:
    head = re.match(r"# phonenumbers (\S+) \(libphonenumber, Apache-2.0\), written by tools/", TEXT)
    assert head
    assert text_of(head[1], read_table(TEXT)) == TEXT
    assert len(read_table(TEXT)) > 3_000


@given(series=st.sampled_from(sorted(read_table(TEXT))), rest=st.text("0123456789", max_size=8))
def test_the_longest_series_of_a_number_counts(series: str, rest: str) -> None:
    table, number = read_table(TEXT), (series + rest)[:12]
    own = max((each for each in table if number.startswith(each)), key=len)
    assert operator_of(number[:7]) == table[own]


@pytest.mark.parametrize("prefix", ["", "91", "9112345", "4479111", "1987654", "98765"])
def test_other_numbers_have_no_operator(prefix: str) -> None:
    assert operator_of(prefix) == ""


@pytest.mark.parametrize("series", ["917", "91700000", ""])
def test_a_table_of_what_no_lookup_finds_is_not_written(series: str) -> None:
    with pytest.raises(ValueError, match="no series"):
        text_of("1.0", {series: "Airtel"})
