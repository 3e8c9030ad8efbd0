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
from harkara.jsons import decode, encode
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


def unprocessed(answer: bytes) -> tuple[tuple[str, str], ...]:
    """Return what CleverTap took and did not process: (client_ref, code) each.

    Its answer is `{"status": "partial", "processed": 1, "unprocessed": [{"code": 400, "error":
    "...", "record": {...}}]}`; a record is one of our entries, or an event with its entries.
    """
    try:
        said = decode(answer)
    except ValueError:
        return ()
    return tuple(
        (meta, str(failure.get("code", ""))[:20])
        for failure in _objects(said.get("unprocessed") if isinstance(said, dict) else None)
        for meta in _metas(failure.get("record"))
    )


def _metas(record: Any) -> list[str]:
    entries = [
        entry for each in _objects([record]) for entry in (each, *_objects(each.get("data")))
    ]
    return [entry["meta"] for entry in entries if isinstance(entry.get("meta"), str)]


def _objects(listed: Any) -> list[dict[str, Any]]:
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
