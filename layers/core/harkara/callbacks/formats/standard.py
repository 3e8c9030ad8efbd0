"""Events as Standard Webhooks 1.0.0 recommends: a type, a time and the data, one per callback.

    {"type": "message.delivered", "timestamp": "2026-01-01T09:00:00Z",
     "data": {"mid": "M1", "client_ref": "...", "to": "919876543210", "segments": 1}}
    {"type": "message.failed", ...,
     "data": {..., "code": "DND", "reason": "...", "carrier_code": "650",
              "carrier_words": "UNDELIV"}}
    {"type": "message.replied", ..., "data": {..., "from": "...", "to": "...", "text": "..."}}
    {"type": "message.clicked", ..., "data": {..., "to": "...", "url": "...", "short_url": "..."}}
    {"type": "message.submitted", ..., "data": {..., "to": "...", "segments": 1}}
    {"type": "message.corrected", ..., "data": {..., "to": "...", "segments": 1, "was": "failed"}}
    {"type": "message.read", ..., "data": {..., "to": "..."}}

The other final states are `message.expired`, `message.unknown` and `message.cancelled`. The data of
the final state of a message that ended by RCS have `"channel": "rcs"` too.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from harkara.base.json import encode
from harkara.callbacks.formats.contract import ALL_KINDS, Format, advice_of
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.events import KIND_OF, Click, Corrected, Dlr, Event, Read, Reply, Submitted
from harkara.model.messages import State


def render(events: Sequence[Event], _settings: CallbackEndpoint) -> bytes:
    """Return the body of a callback that reports one event."""
    (event,) = events
    what = event.state if isinstance(event, Dlr) else KIND_OF[type(event)]
    at = datetime.fromtimestamp(event.at_s, UTC)
    return encode(
        {
            "type": f"message.{what}",
            "timestamp": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "data": {"mid": event.mid, "client_ref": event.client_ref, **_data(event)},
        }
    )


def _data(event: Event) -> dict[str, Any]:
    match event:
        case Dlr():
            payload: dict[str, Any] = {"to": event.to, "segments": event.segment_count}
            if event.channel:
                payload["channel"] = event.channel
            failure = {
                "code": event.code,
                "reason": advice_of(event),
                "carrier_code": event.carrier_code,
                "carrier_words": event.carrier_words,
            }
            return payload if event.state is State.DELIVERED else payload | failure
        case Reply():
            return {"from": event.sender, "to": event.receiver, "text": event.text}
        case Click():
            return {"to": event.to, "url": event.url, "short_url": event.short_url}
        case Submitted():
            return {"to": event.to, "segments": event.segment_count}
        case Corrected():
            return {"to": event.to, "segments": event.segment_count, "was": event.was}
        case Read():
            return {"to": event.to}


FORMAT = Format(render, 1, ALL_KINDS, without_message=True)
