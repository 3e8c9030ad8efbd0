"""Parse the times in receipts and replies, in the many forms that providers use."""

import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from dateutil import parser, tz

UNREADABLE = -1
"""The result for a time that is present but cannot be read."""

_HOUR_S = 3600
# India's zone, those of RFC 5322, and Central Europe's: other abbreviations make a time unreadable.
_ZONES = {"IST": 330 * 60, "UTC": 0, "GMT": 0, "Z": 0, "CET": _HOUR_S, "CEST": 2 * _HOUR_S} | {
    f"{zone}{kind}T": (hours + (kind == "D")) * _HOUR_S
    for zone, hours in (("E", -5), ("C", -6), ("M", -7), ("P", -8))
    for kind in "SD"
}
# Divisors of Unix times by their number of digits: milli-, micro- and nanoseconds.
_PER_SECOND = {13: 1000, 16: 10**6, 19: 10**9}
# SMPP has times as YYMMDDhhmm[ss] (3.4, appendix B); others add the century.
_COMPACT = {10: "%y%m%d%H%M", 12: "%y%m%d%H%M%S", 14: "%Y%m%d%H%M%S"}
_WITH_CENTURY = re.compile(r"20[0-9]{10}")
# SMPP's full absolute time, with tenths of a second and the UTC offset in quarters of an hour.
_SMPP = re.compile(r"([0-9]{12})[0-9]([0-4][0-9])([+-])")
_MILLISECONDS = re.compile(r"(20[0-9]{12})[0-9]{3}")
_NUMBER_OF_JSON = re.compile(r"[0-9](?:\.[0-9]{1,18})?[Ee]\+?(?:9|1[0-8])")
_DATE_OF_NET = re.compile(r"\\?/Date\(([0-9]{1,14})(?:[+-][0-9]{4})?\)\\?/")
_DASHES = re.compile(
    r"([0-9]{4})[-/.]([0-9]{2})[-/.]([0-9]{2})[-_]([0-9]{2})[-.]([0-9]{2})[-.]([0-9]{2})"
)
# An offset whose + was not encoded in a form or query, and became a blank.
_LOST_PLUS = re.compile(r"(.*[0-9]:[0-9]{2}(?:\.[0-9]+)?) ([0-9]{2}:?[0-9]{2})")
# JavaScript and Java repeat the zone in brackets after the offset: the offset counts.
_ZONE_AGAIN = re.compile(r"(.*?(?:Z|[+-][0-9]{2}:?[0-9]{2}))\s*(?:\([^()]*\)|\[[^\[\]]*\])")
# For POSIX, and so for dateutil, GMT+5 is west of Greenwich; in practice everybody means east.
_GMT_AND_OFFSET = re.compile(r"(?:GMT|UTC)(?=[+-][0-9])")
_ZONE_NAME = re.compile(r"(.*[0-9])\s*\[?([A-Z][A-Za-z_]+/[A-Za-z_/-]+)\]?")
# Larger numbers of ten digits are SMPP times: as Unix times they would be in 2049 or later.
_UNIX_LIMIT_S = 2_500_000_000
_EARLIEST = datetime(1970, 1, 1)


def time_of(text: str, utc_offset_minutes: int = 0, time_format: str = "") -> int:
    """Return a time in Unix seconds, 0 for an empty text, UNREADABLE for an unreadable one.

    Numbers are Unix time (seconds to nanoseconds) or compact dates; other texts are ISO 8601 or
    any date, the day before the month unless the year comes first; a zone may be an offset, an
    abbreviation of `_ZONES`, or a name such as Asia/Kolkata. `time_format` is a format of
    `strptime` for a provider with another form. A time without a zone is `utc_offset_minutes` ahead
    of UTC.
    """
    text = text.strip()
    if not text:
        return 0
    if not time_format:
        text = _usual(text)
    number, _, fraction = text.partition(".")
    if (
        not time_format
        and number.isascii()
        and number.isdecimal()
        and (fraction.isdecimal() or not fraction)
    ):
        time_format, text = _COMPACT.get(len(number), ""), number
        if _WITH_CENTURY.fullmatch(number) and number[2:4] > "12":  # no month
            time_format = "%Y%m%d%H%M"
        if len(number) in _PER_SECOND:
            return int(number) // _PER_SECOND[len(number)]
        if len(number) < 12 and int(number) < _UNIX_LIMIT_S:
            return int(number)
        if not time_format:
            return UNREADABLE
    zone = timezone(timedelta(minutes=utc_offset_minutes))
    try:
        moment = _moment(text, time_format, utc_offset_minutes)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=zone)
        return int(moment.timestamp()) if moment.replace(tzinfo=None) >= _EARLIEST else UNREADABLE
    except (ValueError, OverflowError):
        return UNREADABLE


def _usual(text: str) -> str:
    """Return a time in one of several rare forms in a usual form, any other unchanged."""
    if match := _DATE_OF_NET.fullmatch(text):
        return str(int(match[1]) // 1000)
    if _NUMBER_OF_JSON.fullmatch(text):
        return str(int(Decimal(text)))
    if match := _MILLISECONDS.fullmatch(text):
        return match[1]
    if match := _SMPP.fullmatch(text):
        hours, quarters = divmod(int(match[2]), 4)
        digits = re.sub("(..)(..)(..)(..)(..)(..)", r"20\1-\2-\3T\4:\5:\6", match[1])
        return f"{digits}{match[3]}{hours:02}:{quarters * 15:02}"
    if match := _DASHES.fullmatch(text):
        return "{}-{}-{} {}:{}:{}".format(*match.groups())
    if match := _LOST_PLUS.fullmatch(text):
        return f"{match[1]}+{match[2]}"
    text = match[1] if (match := _ZONE_AGAIN.fullmatch(text)) else text
    return _GMT_AND_OFFSET.sub("", text)


def _moment(text: str, time_format: str, utc_offset_minutes: int) -> datetime:
    if time_format:
        return datetime.strptime(text, time_format)
    if (match := _ZONE_NAME.fullmatch(text)) and (zone := tz.gettz(match[2])):
        local = _moment(match[1], "", utc_offset_minutes)
        return local.replace(tzinfo=zone)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass

    def offset_s(name: str | None, received_s: int | None) -> int:
        if received_s is not None:
            return received_s
        if name and name not in _ZONES:
            raise ValueError("a zone that is not known")
        return _ZONES[name] if name else utc_offset_minutes * 60

    # A text without a year gets the year 1, and so is unreadable.
    moment: datetime = parser.parse(
        text, dayfirst=not text[:4].isdecimal(), tzinfos=offset_s, default=datetime(1, 1, 1)
    )
    return moment
