"""Phone numbers as platforms write them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.codes import Code
from harkara.errors import RequestRefused
from harkara.numbers import normalise
from tests.cases.reading import rows


@pytest.mark.parametrize("row", rows("numbers"))
def test_a_number_is_normalised_or_refused(row: tuple[str, str | None, str | None]) -> None:
    number, msisdn, country = row
    if msisdn is None:
        with pytest.raises(RequestRefused) as refused:
            normalise(number)
        assert refused.value.code is Code.INVALID_NUMBER
        assert number == "" or number not in str(refused.value)
    else:
        result = normalise(number)
        assert result[0] == msisdn
        assert country is None or result[1] == country


@given(st.text(max_size=30) | st.text("+0123456789 ()-.", max_size=20))
def test_whatever_comes_in_an_msisdn_of_plain_digits_goes_out(number: str) -> None:
    try:
        msisdn, country = normalise(number)
    except RequestRefused:
        return
    assert re.fullmatch("[1-9][0-9]{6,14}", msisdn)
    assert country


@given(st.from_regex("[6-9][0-9]{9}", fullmatch=True), st.sampled_from(["", "0", "91", "+91"]))
def test_every_spelling_of_an_indian_mobile_number_is_one_msisdn(digits: str, prefix: str) -> None:
    assert normalise(prefix + digits) == ("91" + digits, "IN")


@given(st.text("+0123456789 ()-.", max_size=20))
def test_an_msisdn_with_plus_is_itself(number: str) -> None:
    try:
        msisdn, country = normalise(number)
    except RequestRefused:
        return
    assert normalise("+" + msisdn) == (msisdn, country)
