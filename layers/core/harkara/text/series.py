"""Tell to which operator the series of an Indian mobile number was allotted.

Numbers are allotted in series (Department of Telecommunications, National Numbering Plan); the
table is libphonenumber's. Since people keep their numbers when they change the operator, that of
today may be another.
"""

from functools import cache
from pathlib import Path

from harkara.text.phone_numbers import PREFIX_DIGITS

# `make series` writes it.
TABLE = Path(__file__).with_name("series.txt")


def read_table(text: str) -> dict[str, str]:
    """Return operators by the digits of their series, country code included.

    A line has an operator, a tab, and its series without the country code.
    """
    lines = (line.split("\t") for line in text.splitlines() if not line.startswith("#"))
    return {f"91{series}": operator for operator, all in lines for series in all.split()}


@cache
def _table() -> dict[str, str]:
    return read_table(TABLE.read_text())


def operator_of(prefix: str) -> str:
    """Return the operator of the longest series that a number's first digits begin with, or ""."""
    if not prefix.startswith("91"):
        return ""
    found = (_table().get(prefix[:length]) for length in range(PREFIX_DIGITS, 3, -1))
    return next(filter(None, found), "")
