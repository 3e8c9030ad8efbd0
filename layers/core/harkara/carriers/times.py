"""Read the times of receipts and replies in the forms in which providers write them."""

from datetime import datetime, timedelta, timezone

from dateutil import parser

UNREADABLE = -1
"""Stands for a time that was given and cannot be read."""

_ZONES = {"IST": 330 * 60, "UTC": 0, "GMT": 0, "Z": 0}
# Unix time of more than eleven digits, by their number: milli-, micro- and nanoseconds.
_PER_SECOND = {13: 1000, 16: 10**6, 19: 10**9}
# SMPP writes a time as YYMMDDhhmm[ss] (3.4, appendix B), others with the century.
_COMPACT = {10: "%y%m%d%H%M", 12: "%y%m%d%H%M%S", 14: "%Y%m%d%H%M%S"}
# Ten digits beyond this are SMPP's: as Unix time they would be in 2049 or later.
_UNIX_LIMIT_S = 2_500_000_000
_EARLIEST = datetime(1970, 1, 1)


def time_of(text: str, utc_offset_minutes: int = 0, time_format: str = "") -> int:
    """Return a time in Unix seconds, 0 for an empty text, UNREADABLE for what is none.

    Numbers are Unix time (seconds to nanoseconds) or compact dates; other texts are ISO 8601 or
    any date, the day before the month unless the year comes first. `time_format` is a format of
    `strptime` for a provider that writes them otherwise. A time without a zone is
    `utc_offset_minutes` ahead of UTC.
    """
    text = text.strip()
    if not text:
        return 0
    number, _, fraction = text.partition(".")
    if (
        not time_format
        and number.isascii()
        and number.isdecimal()
        and (fraction.isdecimal() or not fraction)
    ):
        time_format, text = _COMPACT.get(len(number), ""), number
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


def _moment(text: str, time_format: str, utc_offset_minutes: int) -> datetime:
    if time_format:
        return datetime.strptime(text, time_format)
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass

    def offset_s(name: str | None, given_s: int | None) -> int:
        return _ZONES.get(name or "", utc_offset_minutes * 60) if given_s is None else given_s

    # What a text leaves out makes it one of the year 1: no date.
    moment: datetime = parser.parse(
        text, dayfirst=not text[:4].isdecimal(), tzinfos=offset_s, default=datetime(1, 1, 1)
    )
    return moment
