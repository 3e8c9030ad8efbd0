"""WebEngage's status notification (docs/integrations/webengage.md): one message per callback.

    {"version": "1.0", "messageId": "...", "toNumber": "919999999999", "status": "sms_sent",
     "statusCode": 0, "smsCount": 1}
    {"version": "1.0", "messageId": "...", "toNumber": "...", "status": "sms_failed",
     "statusCode": 2007, "message": "EXCEEDING MAX LENGTH"}

`sms_sent` is WebEngage's word for delivered. It requires a bearer token: the callback's `token`.
"""

from collections.abc import Sequence
from typing import Any

from harkara.base.json import encode
from harkara.callbacks.formats.contract import STATUS_ONLY, Format, meaning_of, reference_of
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.events import Dlr, Event


def render(events: Sequence[Event], _settings: CallbackEndpoint) -> bytes:
    """Return the body of a callback that reports one final state."""
    (dlr,) = (event for event in events if isinstance(event, Dlr))
    return encode(
        {
            "version": "1.0",
            "messageId": reference_of(dlr),
            "toNumber": dlr.to,
            **_status(dlr),
        }
    )


def _status(dlr: Dlr) -> dict[str, Any]:
    meaning = meaning_of(dlr)
    if meaning is None:
        return {"status": "sms_sent", "statusCode": 0, "smsCount": dlr.segment_count}
    return {"status": "sms_failed", "statusCode": meaning.webengage, "message": meaning.advice}


FORMAT = Format(render, 1, STATUS_ONLY, "webengage.com")
