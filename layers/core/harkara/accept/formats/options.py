"""Read the values of options, as JSON or a form has them, and suggest names for unknown ones.

A reader raises ValueError for an invalid value; `OptionField.rule` describes the valid ones
(`record_parsing`). Absent values are never passed to a reader: neither null nor an empty string.

An unknown name is compared with the known ones to warn of a misspelling: a message whose
`scheduled_at` is ignored goes out at once.
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

from harkara.accept.formats.record_parsing import string
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.base.json import decode
from harkara.base.time import IST_OFFSET_S
from harkara.model.messages import Category

VALIDITY_S = range(60, 3 * 24 * 3600 + 1)
# A value that one request gives to all of its records counts a thousand times. A template has at
# most 2,000 characters, so at most 285 variables.
CAMPAIGN_ID_LIMIT = 255
VARIABLES_LIMIT = 300
VARIABLES_LENGTH_LIMIT = 10_000

_IST = timezone(timedelta(seconds=IST_OFFSET_S))
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[ Tt]([0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?)"
    r"(?P<offset>[Zz]|[ +-](?:[01][0-9]|2[0-3]):?[0-5][0-9])?"
)
_SECONDS = re.compile(r"([0-9]{1,6})(?:\.0+)?")
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_SEPARATORS = re.compile(r"[\s()_-]+")
_SMS_TYPES = {
    "otp": Category.OTP,
    "transactional": Category.TRANSACTIONAL,
    "trans": Category.TRANSACTIONAL,
    "t": Category.TRANSACTIONAL,
    "service": Category.SERVICE_IMPLICIT,
    "serviceimplicit": Category.SERVICE_IMPLICIT,
    "serviceinferred": Category.SERVICE_IMPLICIT,
    "si": Category.SERVICE_IMPLICIT,
    "serviceexplicit": Category.SERVICE_EXPLICIT,
    "se": Category.SERVICE_EXPLICIT,
    "promotional": Category.PROMOTIONAL,
    "promo": Category.PROMOTIONAL,
    "p": Category.PROMOTIONAL,
    "government": Category.GOVERNMENT,
    "g": Category.GOVERNMENT,
}


CAMPAIGN_RULE = f"a string of at most {CAMPAIGN_ID_LIMIT} characters"
VARIABLES_RULE = (
    "a list of strings, or an object with the names 1, 2, ...: at most"
    f" {VARIABLES_LIMIT}, of {VARIABLES_LENGTH_LIMIT:,} characters in all"
)


def campaign_id(value: Any) -> str:
    """Return a string within the length limit."""
    found = string(value)
    if len(found) > CAMPAIGN_ID_LIMIT:
        raise ValueError
    return found


def sms_type(value: Any) -> Category:
    """Return the category that a DLT word or a TRAI letter names, in any spelling."""
    found = _SMS_TYPES.get(_SEPARATORS.sub("", string(value)).lower())
    if found is None:
        raise ValueError
    return found


def ist_time_ms(value: Any) -> int:
    """Return Unix milliseconds of a time, which is IST if it has no offset."""
    return _time_ms(value, _IST)


def time_ms(value: Any) -> int:
    """Return Unix milliseconds of a time with an offset, or Z."""
    return _time_ms(value, None)


def validity_s(value: Any) -> int:
    """Return whole seconds within the limits, from a number or digits: `3600`, `3600.0`."""
    seconds = value
    if isinstance(value, str) and (match := _SECONDS.fullmatch(value)):
        seconds = int(match[1])
    elif isinstance(value, float) and value.is_integer():
        seconds = int(value)
    if not isinstance(seconds, int) or seconds not in VALIDITY_S:
        raise ValueError
    return seconds


def flag(value: Any) -> bool:
    """Return true or false, also from 0, 1 and strings."""
    found = _FLAGS.get(str(value).lower())
    if found is None:
        raise ValueError
    return found


def variables(value: Any) -> tuple[tuple[str, str], ...]:
    """Return a template's variables as (name, value). Raises ValueError.

    Those of a list are called 1, 2 and so on; in an object `var1` stands for 1.
    """
    if isinstance(value, list):
        value = {str(position): each for position, each in enumerate(value, 1)}
    if not isinstance(value, dict) or len(value) > VARIABLES_LIMIT:
        raise ValueError
    named = {name.removeprefix("var"): _value(each) for name, each in value.items()}
    length = sum(map(len, named)) + sum(map(len, named.values()))
    if len(named) < len(value) or length > VARIABLES_LENGTH_LIMIT:
        raise ValueError
    return tuple(named.items())


def template_variables(value: Any) -> tuple[tuple[str, str], ...]:
    """Return variables of a list, an object, or a string: JSON of one, or values between `|`."""
    if not isinstance(value, str):
        return variables(value)
    try:
        written = decode(value) if value[:1] in ("[", "{") else None
    except ValueError:  # a plain value that begins like JSON
        written = None
    return variables(value.split("|") if written is None else written)


def _time_ms(value: Any, zone: timezone | None) -> int:
    match = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or (zone is None and match["offset"] is None):
        raise ValueError
    # A blank in front of an offset is a + that a form or query did not encode.
    offset = (match["offset"] or "").upper().replace(" ", "+")
    time = datetime.fromisoformat(f"{match[1]}T{match[2]}{offset}")
    found = int((time if time.tzinfo else time.replace(tzinfo=zone)).timestamp() * 1000)
    # 0 means no send time, and a time before 1970 is a mistake.
    if found <= 0:
        raise ValueError
    return found


def _value(value: Any) -> str:
    return str(value) if isinstance(value, float) else string(value)


DRY_RUN_RULE = "(only POST /v1/messages has a dry run: ?dry_run=true in its URL)"
_DRY_RUN = "dryrun"
_NAME_LIMIT = 40
_LEAST_ALIKE = 0.75
_MARKS = re.compile(r"[\s_.-]+")
# Words in the names of send times, and in the names of other times.
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_LATER = re.compile(
    r"sched\w*|sch|later|delay\w*|defer\w*|wait|when|eta|date|datetime|time|timestamp|at|after|before|until"
    r"|schtime|runat|timetosend|executeat"
)
_OTHER_TIMES = frozenset(
    {"created", "updated", "received", "requested", "generated", "sent", "accepted", "zone", "out"}
)
_SEND_TIMES = ("send_at", "scheduletime")
# Names of our fields at other gateways, without separators and in lower case.
_ELSEWHERE = {
    "to": ("recipient", "receiver", "destination", "phone", "mobile", "msisdn", "phonenumber"),
    "from": ("sender", "senderid", "source", "header", "originator"),
    "text": ("smstext", "message", "body", "content", "sms"),
    "client_ref": ("smsgid", "smsmsgid", "reference", "ref", "messageid", "externalid", "id"),
    "pe_id": ("peid", "entityid", "principalentityid", "dltentityid"),
    "template_id": ("templateid", "dlttemplateid", "contenttemplateid", "dltcontentid"),
    "callback_url": ("dlrurl", "callback", "webhook", "webhookurl", "statuscallback"),
    "category": ("smstype", "type", "messagetype", "route"),
    "campaign_id": ("campaign",),
    "send_at": ("scheduletime", "sendtime", "senddate", "deliverat", "starttime", "sendon", "time"),
    "validity_period_s": ("validity", "validityperiod", "ttl", "expiry", "expires", "expireat"),
    "variables": ("templatevariables", "vars", "params", "parameters", "values"),
    "shorten_urls": ("urlshortening", "shortenlinks", "shorturl"),
    "messages": ("smstosend", "records", "recipients"),
    "scheduletime": ("sendat", "sendtime", "senddate", "deliverat", "starttime", "sendon"),
    "validity": ("validityperiods", "ttl", "expiry", "expires", "expireat"),
}


def refuse_dry_run(names: Iterable[str]) -> None:
    """Raise RequestRefused if a name means `dry_run`, in any case and with any separators."""
    if any(map(names_dry_run, names)):
        raise RequestRefused(Code.INVALID_REQUEST, DRY_RUN_RULE)


def is_dry_run(query: Mapping[str, str]) -> bool:
    """Whether a query asks for a dry run, in any spelling: an unrecognised one would send."""
    value = next((value for name, value in query.items() if names_dry_run(name)), "0")
    try:
        return flag(value)
    except ValueError as error:
        raise RequestRefused(Code.INVALID_REQUEST, "(dry_run: true or false)") from error


def names_dry_run(name: str) -> bool:
    """Whether a name means `dry_run`, in any case and with any separators."""
    return _plain(name) == _DRY_RUN


@lru_cache(maxsize=1_000)
def meant(name: str, names: tuple[str, ...]) -> str | None:
    """Return the known name that another one was probably meant for, None if none is near."""
    word = _plain(name)
    if len(name) > _NAME_LIMIT or not word:
        return None
    spelled = {_plain(canonical): canonical for canonical in names}
    for canonical in names:
        spelled |= {
            other: canonical for other in _ELSEWHERE.get(canonical, ()) if other not in spelled
        }
    near = difflib.get_close_matches(word, spelled, n=1, cutoff=_LEAST_ALIKE)
    if near:
        return spelled[near[0]]
    send_time = next((canonical for canonical in names if canonical in _SEND_TIMES), None)
    return send_time if _says_when(name) else None


def _says_when(name: str) -> bool:
    """Whether a name may be that of a send time: run_at, deferUntil, delay_s, time."""
    words = [each.lower() for each in _WORD.findall(name)]
    return any(map(_LATER.fullmatch, words)) and _OTHER_TIMES.isdisjoint(words)


def _plain(name: str) -> str:
    return _MARKS.sub("", name).lower()
