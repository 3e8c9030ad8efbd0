"""CleverTap's delivery callback (wire-formats section 2): a JSON array of events.

    [{"event": "delivered", "data": [{"ts": 1435322805, "meta": "<smsgid>", "description": "..."}]},
     {"event": "failed", "data": [{"ts": ..., "meta": "...", "code": "901", "description": "..."}]}]

Every final state that is not delivered is a failure there, with a code that says which.
"""

from collections.abc import Sequence
from typing import Any

from harkara.callback_settings import CallbackEndpoint
from harkara.codes import MEANINGS, Code
from harkara.events import Dlr, Event
from harkara.jsons import encode
from harkara.messages import State

DELIVERED_TEXT = "Delivered to handset"


def render(events: Sequence[Event], _settings: CallbackEndpoint) -> bytes:
    """Return the body of a callback. A message without a `smsgid` goes by its mid."""
    dlrs = [event for event in events if isinstance(event, Dlr)]
    delivered = [_entry(dlr, DELIVERED_TEXT) for dlr in dlrs if dlr.state is State.DELIVERED]
    failed = [_failure(dlr) for dlr in dlrs if dlr.state is not State.DELIVERED]
    parts = [{"event": "delivered", "data": delivered}, {"event": "failed", "data": failed}]
    return encode([part for part in parts if part["data"]])


def _entry(dlr: Dlr, description: str) -> dict[str, Any]:
    return {"ts": dlr.at_s, "meta": dlr.client_ref or dlr.mid, "description": description}


def _failure(dlr: Dlr) -> dict[str, Any]:
    meaning = MEANINGS[Code(dlr.code)]
    return {**_entry(dlr, meaning.advice), "code": meaning.clevertap}
