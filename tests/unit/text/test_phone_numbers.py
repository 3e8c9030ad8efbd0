"""Phone numbers as platforms write them."""

import re

import phonenumbers
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.text.phone_numbers import normalise, with_plus
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


def test_a_long_text_is_refused_unread() -> None:
    """Each of a request's thousand records may be as long as this."""
    with pytest.raises(RequestRefused):
        normalise("9" + " " * 100 + "876543210")


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


MARKS = " -.()/\u00a0\u2011\u2013\uff0f\uff0e\u200b\u200e\u2060\u00ad\ufeff"
DIGIT_ZEROS = "0\uff10\u0966\u09e6\u0be6\u0660\u06f0"
FRONTS = ["", "'", "tel:", "\u202a", "\u2068", "\ufeff", " ", "\n"]
BEHINDS = ["", "\u202c", "\u2069", " ", "\n"]


def mobile_numbers() -> dict[str, phonenumbers.PhoneNumber]:
    """Return the library's example of a mobile number for each region that has one."""
    kind = phonenumbers.PhoneNumberType.MOBILE
    regions = {*phonenumbers.SUPPORTED_REGIONS, *map(str, (881, 882))}
    examples = {
        region: phonenumbers.example_number_for_non_geo_entity(int(region))
        if region.isdecimal()
        else phonenumbers.example_number_for_type(region, kind)
        for region in regions
    }
    return {region: number for region, number in examples.items() if number}


EXAMPLES = mobile_numbers()


@st.composite
def msisdns(draw: st.DrawFn) -> str:
    """Draw a mobile number of any region: the library's example with other last digits."""
    example = EXAMPLES[draw(st.sampled_from(sorted(EXAMPLES)))]
    formatted = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)
    msisdn = str(formatted).removeprefix("+")
    other = msisdn[:-4] + draw(st.from_regex("[0-9]{4}", fullmatch=True))
    return other if is_mobile(other) else msisdn


def is_mobile(msisdn: str) -> bool:
    try:
        return normalise(f"+{msisdn}")[0] == msisdn
    except RequestRefused:
        return False


@st.composite
def spellings(draw: st.DrawFn, msisdn: str, plus: str = "") -> str:
    """Draw a spelling with marks between any of the digits, in digits of any script."""
    zero = draw(st.sampled_from(DIGIT_ZEROS))
    marks = st.text(MARKS, max_size=2) if draw(st.booleans()) else st.just("")
    digits = "".join(draw(marks) + chr(ord(zero) + int(digit)) for digit in msisdn)
    return draw(st.sampled_from(FRONTS)) + plus + digits + draw(st.sampled_from(BEHINDS))


def read(number: str) -> str | None:
    try:
        return normalise(number)[0]
    except RequestRefused:
        return None


@pytest.mark.parametrize("region", sorted(EXAMPLES))
def test_the_example_of_each_region_is_taken_in_every_usual_spelling(region: str) -> None:
    number = EXAMPLES[region]
    forms = phonenumbers.PhoneNumberFormat
    msisdn = phonenumbers.format_number(number, forms.E164).removeprefix("+")
    usual = phonenumbers.format_number(number, forms.INTERNATIONAL)
    spelled = [
        f"+{msisdn}",
        usual,
        f"00{msisdn}",
        phonenumbers.format_number(number, forms.RFC3966),
    ]
    assert {read(each) for each in spelled} == {msisdn}


@given(st.data(), msisdns())
def test_no_spelling_of_a_number_with_plus_is_another_number(
    data: st.DataObject, msisdn: str
) -> None:
    plus = data.draw(st.sampled_from("+\uff0b\ufe62"))
    assert read(data.draw(spellings(msisdn, plus))) in (msisdn, None)


@given(st.data(), msisdns())
def test_no_spelling_of_a_number_without_plus_is_another_number(
    data: st.DataObject, msisdn: str
) -> None:
    found = read(data.draw(spellings(msisdn)))
    # Ten digits are Indian, as documented: numbers of other countries are written with +.
    assert found in (msisdn, None) or (len(msisdn) == 10 and found == "91" + msisdn)


@given(msisdns(), st.sampled_from([".0", ".00", "\uff0e0", ".000"]))
def test_no_decimal_of_a_spreadsheet_is_another_number(msisdn: str, zeros: str) -> None:
    assert read(f"+{msisdn}{zeros}") in (msisdn, None)
    assert len(msisdn) <= 10 or read(msisdn + zeros) in (msisdn, None)
    bare = msisdn.removeprefix("91")
    assert len(bare) != 10 or read(bare + zeros) in ("91" + bare, None)


@given(msisdns())
@example("6421123456")
@example("9607712345")
@example("6797012345")
@example("6737123456")
@example("6785912345")
def test_a_plus_that_came_as_a_blank_is_a_plus_in_a_form_and_nowhere_another_number(
    msisdn: str,
) -> None:
    assert with_plus(f" {msisdn}") == f"+{msisdn}"
    assert read(f" {msisdn}") in (msisdn, None)


@given(st.from_regex("[6-9][0-9]{9}", fullmatch=True))
def test_a_blank_before_an_indian_number_of_a_form_is_a_plus_only_where_that_is_a_number(
    digits: str,
) -> None:
    number = with_plus(f" {digits}")
    if number.startswith("+"):
        assert read(number) == digits
    else:
        assert read(number) == f"91{digits}"


@pytest.mark.parametrize("region", ["SG", "NZ", "MV", "FJ", "VU", "BN"])
@pytest.mark.parametrize("pattern", ["{}-{}", "({}) {}", "{} {}", "{}.{}", " {}/{} "])
def test_ten_digits_behind_their_country_code_are_nobody_elses(region: str, pattern: str) -> None:
    number = EXAMPLES[region]
    national = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.NATIONAL)
    spelled = pattern.format(number.country_code, national.removeprefix("0"))
    msisdn = f"{number.country_code}{number.national_number}"
    assert read(spelled) in (msisdn, None)
    assert read(f"+{spelled.strip()}") == msisdn


@pytest.mark.parametrize(
    "number", ["98765 43210", "987-654-3210", "(987) 654 3210", "98 7654 3210", "9 876 543 210"]
)
def test_an_indian_number_in_groups_is_read(number: str) -> None:
    assert read(number) == "919876543210"


@pytest.mark.parametrize("number", ["9.19877E+11", "9,19877e11", " 9.198765432E+11 ", "9E+09"])
def test_a_number_that_a_spreadsheet_has_rounded_says_so(number: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        normalise(number)
    assert "a spreadsheet has rounded this" in refused.value.message
