"""Group the reasons of failed messages into a few metrics, by the party that can help."""

from harkara.base.codes import Code
from harkara.model.messages import State

_CLASSES = {
    "failed_dlt": (
        Code.DLT_ENTITY,
        Code.DLT_HEADER,
        Code.DLT_TEMPLATE,
        Code.DLT_CONSENT,
        Code.DLT_PLATFORM,
        Code.URL_NOT_ALLOWED,
        Code.PROMOTIONAL_HOURS,
    ),
    "failed_subscriber": (Code.ABSENT_SUBSCRIBER, Code.UNKNOWN_SUBSCRIBER, Code.DND),
    "failed_carrier": (Code.REFUSED_BY_CARRIER, Code.UNDELIVERED),
}
_CLASS_OF: dict[str, str] = {code: name for name, codes in _CLASSES.items() for code in codes}


def metric_of(state: str, code: str) -> str:
    """Return the metric that counts a final state; that of a failure depends on its code.

    `failed_record` counts messages that never reached a carrier: refused records and duplicates.
    """
    return _CLASS_OF.get(code, "failed_record") if state == State.FAILED else state
