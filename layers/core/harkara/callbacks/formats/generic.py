"""Harkara's own format: one flat object per event, with names that the customer may choose.

    {"event": "status", "mid": "M1", "smsgid": "...", "to": "919876543210", "status": "delivered",
     "code": "", "reason": "", "carrier_code": "", "carrier_words": "", "segments": 1,
     "ts": 1700000000}
    {"event": "replied", "mid": "M1", "smsgid": "...", "from": "919876543210", "to": "56161",
     "text": "...", "ts": 1700000000}
    {"event": "clicked", "mid": "M1", "smsgid": "...", "to": "919876543210", "url": "...",
     "short_url": "...", "ts": 1700000000}
    {"event": "submitted", "mid": "M1", "smsgid": "...", "to": "919876543210",
     "status": "submitted", "segments": 1, "ts": 1700000000}
    {"event": "corrected", "mid": "M1", "smsgid": "...", "to": "919876543210",
     "status": "delivered", "was": "failed", "segments": 1, "ts": 1700000000}
    {"event": "read", "mid": "M1", "smsgid": "...", "to": "919876543210", "ts": 1700000000}

The final state of a message that ended by RCS has `"channel": "rcs"` too.

`fields` of a callback's settings selects and renames these; if it is empty, all are sent under the
names above. `as_array` puts the objects into an array.
"""

from collections.abc import Sequence
from typing import Any

from harkara.base.json import encode
from harkara.callbacks.formats.contract import ALL_KINDS, Format, advice_of
from harkara.model.callback_settings import EVENT_FIELDS
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.events import KIND_OF, Click, Corrected, Dlr, Event, Read, Reply, Submitted
from harkara.model.messages import State

MEMBER_LIMIT = 100


def render(events: Sequence[Event], settings: CallbackEndpoint) -> bytes:
    """Return the body of a callback: an object, or an array if the settings say so.

    Events that were grouped for an array stay one, even if the setting has changed since.
    """
    objects = [_renamed(_payload(event), settings.fields) for event in events]
    return encode(objects if settings.as_array or len(objects) > 1 else objects[0])


def _renamed(payload: dict[str, Any], fields: dict[str, str]) -> dict[str, Any]:
    names = fields or {name: name for name in EVENT_FIELDS}
    return {
        names[name]: payload[name] for name in EVENT_FIELDS if name in names and name in payload
    }


def _payload(event: Event) -> dict[str, Any]:
    common = {
        "event": KIND_OF[type(event)],
        "mid": event.mid,
        "smsgid": event.client_ref,
        "ts": event.at_s,
    }
    match event:
        case Dlr():
            return common | {
                "to": event.to,
                "status": event.state,
                "code": event.code,
                "reason": advice_of(event),
                "carrier_code": event.carrier_code,
                "carrier_words": event.carrier_words,
                "segments": event.segment_count,
                **({"channel": event.channel} if event.channel else {}),
            }
        case Reply():
            return common | {"from": event.sender, "to": event.receiver, "text": event.text}
        case Click():
            return common | {"to": event.to, "url": event.url, "short_url": event.short_url}
        case Submitted():
            return common | _sent(event, "submitted")
        case Corrected():
            return common | _sent(event, State.DELIVERED) | {"was": event.was}
        case Read():
            return common | {"to": event.to}


def _sent(event: Submitted | Corrected, status: str) -> dict[str, Any]:
    return {"to": event.to, "status": status, "segments": event.segment_count}


FORMAT = Format(render, MEMBER_LIMIT, ALL_KINDS, one_by_one=True, without_message=True)
