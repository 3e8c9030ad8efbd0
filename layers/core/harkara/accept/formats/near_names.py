"""Find the field of a format that an unknown name was probably meant for.

A message whose `scheduled_at` is ignored goes out at once.
"""

import difflib
import re
from functools import lru_cache

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


def names_dry_run(name: str) -> bool:
    """Whether a name means `dry_run`, in any case and with any separators."""
    return _plain(name) == _DRY_RUN


@lru_cache(maxsize=1_000)
def meant(name: str, names: tuple[str, ...]) -> str | None:
    """Return the known name that another one was probably meant for, None if none is near."""
    word = _plain(name)
    if len(name) > _NAME_LIMIT or not word:
        return None
    spelled = {_plain(known): known for known in names}
    for known in names:
        spelled |= {other: known for other in _ELSEWHERE.get(known, ()) if other not in spelled}
    near = difflib.get_close_matches(word, spelled, n=1, cutoff=_LEAST_ALIKE)
    if near:
        return spelled[near[0]]
    send_time = next((known for known in names if known in _SEND_TIMES), None)
    return send_time if _says_when(name) else None


def _says_when(name: str) -> bool:
    """Whether a name may be that of a send time: run_at, deferUntil, delay_s, time."""
    words = [each.lower() for each in _WORD.findall(name)]
    return any(map(_LATER.fullmatch, words)) and _OTHER_TIMES.isdisjoint(words)


def _plain(name: str) -> str:
    return _MARKS.sub("", name).lower()
