"""MoEngage's custom connector: a flat object per final state (docs/integrations/moengage.md).

    {"mid": "M1", "smsgid": "...", "to": "919876543210", "status": "DELIVERED", "reason": "",
     "ts": 1700000000}

The customer maps these names to MoEngage's fields, and `DELIVERED` to its success: any other status
is a failure there. So only final states are sent. `mid` is the one in the answer to the send.
"""

from collections.abc import Sequence

from harkara.base.json import encode
from harkara.callbacks.formats.contract import STATUS_ONLY, Format, advice_of
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.events import Dlr, Event

BODY_LIMIT_BYTES = 150 * 1024
"""MoEngage's limit; a message's own limits keep a body far below."""


def render(events: Sequence[Event], _settings: CallbackEndpoint) -> bytes:
    """Return the body of a callback that reports one final state."""
    (dlr,) = (event for event in events if isinstance(event, Dlr))
    return encode(
        {
            "mid": dlr.mid,
            "smsgid": dlr.client_ref,
            "to": dlr.to,
            "status": dlr.state.upper(),
            "reason": advice_of(dlr),
            "ts": dlr.at_s,
        }
    )


FORMAT = Format(render, 1, STATUS_ONLY, "moengage.com")
