"""Normalise phone numbers: any usual spelling becomes an msisdn and its country.

A spelling that can be read as two numbers is refused: the message might reach a stranger.
"""

import re
import unicodedata
from contextlib import suppress

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused

INDIA = "IN"
PREFIX_DIGITS = 7
"""So many first digits of an Indian number tell its series (`harkara.text.series`)."""

# Indian mobile numbers begin with 6 to 9 (National Numbering Plan). These expressions read them,
# the common spelling first, 60 times faster than the library.
_INDIAN_MSISDN = re.compile(r"91[6-9][0-9]{9}")
_INDIAN_MOBILE = re.compile(r"(?:\+?91|0)?([6-9][0-9]{9})")
_OTHER = re.compile(r"(?:\+|00)?([1-9][0-9]{6,14})")

# The expressions below read the result of `_plain_spelling`: digits, `+`, and these three marks.
_MARKS = re.compile(r"[ .-]+")
# The apostrophe that a spreadsheet puts before a number, and the scheme of a URI (RFC 3966).
_PREFIX = re.compile(r"\s*(?:['\u2019]|tel:)", re.IGNORECASE)
_DECIMAL = re.compile(r"([^.]+)\.0+ *")
# Ten digits, then a mark and one or two digits more: an extension, or the end of another number.
_INDIAN_AND_MORE = re.compile(r"[ .-]*0?[6-9](?:[ .-]*[0-9]){9}[ .-]+[0-9]{1,2}[ .-]*")
# Ten digits whose first group may be a country code: 65-8123-4567, (960) 771 2345.
_GROUPED = re.compile(r"[ .-]*([6-9][0-9]{1,2})[ .-]+((?:[0-9][ .-]*){7,8})")
# A number has at most 15 digits (ITU-T E.164, 6). Long texts would take long to read.
_SPELLING_LIMIT = 100
# A number as a spreadsheet shows it: 9.19877E+11, 9,19877e11.
_ROUNDED = re.compile(r"\s*[0-9](?:[.,][0-9]+)?\s*[Ee]\s*\+?\s*[0-9]{1,2}\s*")
_SPREADSHEET = "(a spreadsheet has rounded this: make its column text, and export it anew)"
_AMBIGUOUS = "(this can be read as two numbers: put + and the country code first, nothing behind)"
_NOT_MOBILE = "(this is the number of a landline or a service)"

# It reverses the display of the digits behind it: the intended order is unknown.
_RIGHT_TO_LEFT = "\u202e"


def normalise(number: str) -> tuple[str, str]:
    """Return (msisdn, ISO country code) of a number as a platform writes it.

    A bare ten-digit number is Indian. Raises RequestRefused(INVALID_NUMBER).
    """
    if _INDIAN_MSISDN.fullmatch(number):
        return number, INDIA
    if match := _INDIAN_MOBILE.fullmatch(number):
        return "91" + match[1], INDIA
    if len(number) > _SPELLING_LIMIT:
        raise RequestRefused(Code.INVALID_NUMBER)
    if _ROUNDED.fullmatch(number):
        raise RequestRefused(Code.INVALID_NUMBER, _SPREADSHEET)
    return _read_spelling(_plain_spelling(number))


def country_of(msisdn: str) -> str | None:
    """Return the country of an accepted message's number, None if it is valid no more."""
    try:
        return normalise("+" + msisdn)[1]
    except RequestRefused:
        return None


def may_begin_number(prefix: str) -> bool:
    """Return whether numbers in international form may begin with these digits."""
    import phonenumbers

    codes = map(str, phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
    return any(prefix.startswith(code) or code.startswith(prefix) for code in codes)


def with_plus(number: str) -> str:
    """Return a number from a form with a leading blank turned back into `+`.

    A `+` that was not encoded arrives as a blank. The text stays unchanged if that gives no valid
    number.
    """
    if not number.startswith(" "):
        return number
    international = f"+{number.lstrip()}"
    try:
        normalise(international)
    except RequestRefused:
        return number
    return international


def _plain_spelling(number: str) -> str:
    """Return a number in ASCII: digits, `+`, blanks and dots of all scripts; other marks as `-`.

    Invisible characters are dropped, and so is a leading apostrophe or `tel:`. Raises
    RequestRefused.
    """
    if _RIGHT_TO_LEFT in number:
        raise RequestRefused(Code.INVALID_NUMBER)
    visible = "".join(each for each in number if unicodedata.category(each) != "Cf")
    prefix = _PREFIX.match(visible)
    return "".join(map(_plain_character, visible[prefix.end() if prefix else 0 :]))


def _plain_character(character: str) -> str:
    if character.isdecimal():
        return str(unicodedata.decimal(character))
    if character.isspace():
        return " "
    plain = unicodedata.normalize("NFKC", character)  # for full-width forms and the like
    if plain in ("+", "."):
        return plain
    if plain in ("/", "\u2212") or unicodedata.category(character) in ("Pd", "Ps", "Pe"):
        return "-"
    raise RequestRefused(Code.INVALID_NUMBER)


def _read_spelling(spelling: str) -> tuple[str, str]:
    """Return the number of a plain spelling. Raises RequestRefused for none, or two of them."""
    if decimal := _DECIMAL.fullmatch(spelling):  # from a spreadsheet: 9876543210.0
        if _numbers_of(_MARKS.sub("", spelling)):
            raise RequestRefused(Code.INVALID_NUMBER, _AMBIGUOUS)
        spelling = decimal[1]
    digits = _MARKS.sub("", spelling)
    readings = [digits]
    if spelling.startswith(" ") and not digits.startswith("+"):
        readings.append(f"+{digits}")  # a form did not encode the +, so it became a blank
    elif (grouped := _GROUPED.fullmatch(spelling)) and _has_country_code(digits, grouped[1]):
        readings.append(f"+{digits}")
    found = _numbers_of(*readings)
    if len(found) > 1 or _INDIAN_AND_MORE.fullmatch(spelling):
        raise RequestRefused(Code.INVALID_NUMBER, _AMBIGUOUS)
    return found.pop() if found else _read(digits)


def _has_country_code(digits: str, group: str) -> bool:
    """Return whether the first group of digits is the number's country code, read with a `+`."""
    import phonenumbers

    try:
        parsed = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return False
    return str(parsed.country_code) == group


def _numbers_of(*readings: str) -> set[tuple[str, str]]:
    found = set()
    for reading in readings:
        with suppress(RequestRefused):
            found.add(_read(reading))
    return found


def _read(digits: str) -> tuple[str, str]:
    """Return the number that these digits, with or without `+`, mean. Raises RequestRefused."""
    if match := _INDIAN_MOBILE.fullmatch(digits):
        return "91" + match[1], INDIA
    other = _OTHER.fullmatch(digits)
    # Ten digits have no country code, so they are an Indian number: here an invalid one.
    if other is None or (digits[0] not in "+0" and len(digits) <= 10):
        raise RequestRefused(Code.INVALID_NUMBER)
    return _read_international(other[1])


def _read_international(digits: str) -> tuple[str, str]:
    # Imported on first use: a campaign within India does not need it.
    import phonenumbers

    try:
        parsed = phonenumbers.parse("+" + digits)
    except phonenumbers.NumberParseException as error:
        raise RequestRefused(Code.INVALID_NUMBER) from error
    country = phonenumbers.region_code_for_number(parsed)
    if country is None or not phonenumbers.is_valid_number(parsed):
        raise RequestRefused(Code.INVALID_NUMBER)
    kinds = phonenumbers.PhoneNumberType
    if phonenumbers.number_type(parsed) not in (kinds.MOBILE, kinds.FIXED_LINE_OR_MOBILE):
        raise RequestRefused(Code.INVALID_NUMBER, _NOT_MOBILE)
    # Formatted again, because people write a trunk zero after the country code: +44 (0)7400 123456.
    e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    msisdn = str(e164).removeprefix("+")
    if country == INDIA and not _INDIAN_MSISDN.fullmatch(msisdn):  # a landline
        raise RequestRefused(Code.INVALID_NUMBER, _NOT_MOBILE)
    return msisdn, country
