"""SMPP's states and error codes of messages, which carriers pass on in receipts.

A delivery receipt's text is `id:... sub:001 dlvrd:001 submit date:... done date:... stat:DELIVRD
err:000 text:...` (SMPP 3.4, appendix B); operators write it in upper, lower or mixed case.
"""

import re
from collections.abc import Mapping

from harkara.base.codes import Code
from harkara.model.messages import State

# SMPP 3.4 section 5.2.28 and appendix B, and the same states in full as in SMPP 5.0 section 4.7.15.
# None: not final.
STATES: Mapping[str, State | None] = {
    "SCHEDULED": None,
    "ENROUTE": None,
    "ACCEPTD": None,
    "DELIVRD": State.DELIVERED,
    "EXPIRED": State.EXPIRED,
    "DELETED": State.CANCELLED,
    "UNDELIV": State.FAILED,
    "REJECTD": State.FAILED,
    "UNKNOWN": State.UNKNOWN,
    "ACCEPTED": None,
    "DELIVERED": State.DELIVERED,
    "UNDELIVERED": State.FAILED,
    "UNDELIVERABLE": State.FAILED,
    "REJECTED": State.FAILED,
    "FAILED": State.FAILED,
    "SKIPPED": State.FAILED,
}

# GSM MAP errors, and the codes of operators' DLT scrubbing, without leading zeros. Codes from 666
# on, except 670 and 811 to 813, and code 195 are only in one vendor's list. A carrier's settings
# (`failures`) extend and override this table.
FAILURES: Mapping[str, Code] = {
    "1": Code.UNKNOWN_SUBSCRIBER,
    "27": Code.ABSENT_SUBSCRIBER,
    **dict.fromkeys(("642", "700", "701"), Code.URL_NOT_ALLOWED),
    **dict.fromkeys(("650", "652"), Code.DND),
    "651": Code.PROMOTIONAL_HOURS,
    "660": Code.DLT_CONSENT,
    **dict.fromkeys(map(str, range(600, 606)), Code.DLT_ENTITY),
    **dict.fromkeys(map(str, (195, *range(610, 619), 670, 677, 678, 680)), Code.DLT_PLATFORM),
    **dict.fromkeys(("811", "812", "813", "5601"), Code.DLT_PLATFORM),
    **dict.fromkeys(map(str, range(620, 626)), Code.DLT_HEADER),
    **dict.fromkeys(map(str, range(630, 638)), Code.DLT_TEMPLATE),
    **dict.fromkeys(("666", "687"), Code.DLT_TEMPLATE),
    "683": Code.DLT_HEADER,
    **dict.fromkeys(("801", "802"), Code.DLT_ENTITY),
    **dict.fromkeys(("803", "804"), Code.DLT_HEADER),
}

_FIELD = re.compile(r"\b(stat|err):([0-9A-Za-z]+)", re.IGNORECASE)


def status_and_error(text: str) -> tuple[str, str]:
    """Return `stat`, in upper case, and `err` of a receipt's text; "" for an absent field."""
    fields: dict[str, str] = {}
    # The first occurrence counts: the message's text comes last, and may look like a field.
    for name, value in _FIELD.findall(text):
        fields.setdefault(name.lower(), value)
    return fields.get("stat", "").upper(), fields.get("err", "")
