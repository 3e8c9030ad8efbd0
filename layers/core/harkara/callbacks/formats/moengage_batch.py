"""MoEngage's contract with partners (docs/integrations/moengage.md): an array of statuses.

    {"statuses": [{"status": "SMS_DELIVERED", "callback_data": "...", "timestamp": "<epoch>",
                   "error_message": "..."}]}

MoEngage knows SMS_SENT and SMS_SENT_FAILED too. Only final states are sent here, and every message
that is not delivered is a failed delivery, no matter where it was refused.
"""

from collections.abc import Sequence
from typing import Any

from harkara.base.json import encode
from harkara.callbacks.formats.contract import STATUS_ONLY, Format, advice_of, reference_of
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.events import Dlr, Event
from harkara.model.messages import State

MEMBER_LIMIT = 50


def render(events: Sequence[Event], _settings: CallbackEndpoint) -> bytes:
    """Return the body of a callback. A message without a `smsgid` is named by its mid."""
    return encode({"statuses": [_entry(event) for event in events if isinstance(event, Dlr)]})


def _entry(dlr: Dlr) -> dict[str, Any]:
    delivered = dlr.state is State.DELIVERED
    return {
        "status": "SMS_DELIVERED" if delivered else "SMS_DELIVERY_FAILED",
        "callback_data": reference_of(dlr),
        "timestamp": str(dlr.at_s),
        "error_message": advice_of(dlr),
    }


FORMAT = Format(render, MEMBER_LIMIT, STATUS_ONLY, "moengage.com")
