"""CleverTap's delivery callback (docs/integrations/clevertap.md): a JSON array of events.

    [{"event": "delivered", "data": [{"ts": 1435322805, "meta": "<smsgid>", "description": "..."}]},
     {"event": "failed", "data": [{"ts": ..., "meta": "...", "code": "901", "description": "..."}]},
     {"event": "replied", "data": [{"ts": ..., "meta": "...", "toPhone": "56161",
                                    "incomingText": "STOP"}]},
     {"event": "clicked", "data": [{"ts": ..., "meta": "...", "url": "...", "shorturl": "..."}]}]

CleverTap knows no other outcome: every final state but delivered is "failed", with a code.
"""

from collections.abc import Sequence
from itertools import islice
from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field
from typing_extensions import TypedDict

from harkara.base.json import decode, encode
from harkara.callbacks.formats.contract import (
    USUAL_KINDS,
    Format,
    Unprocessed,
    meaning_of,
    reference_of,
)
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.events import Click, Dlr, Event, Reply

MEMBER_LIMIT = 100
INCOMING_TEXT_LENGTH = 512
# "Retry after 10 minutes with exponential backoff" (CleverTap, "Other (Generic)" SMS provider).
RETRY_DELAYS_S = (600, 1_200, 2_400, 4_800, 9_600, 19_200, 38_400)
_EVENTS = ("delivered", "failed", "replied", "clicked")


class CleverTapEntry(TypedDict):
    """What happened to one message."""

    ts: Annotated[int, Field(description="Unix seconds.")]
    meta: Annotated[str, Field(description="Your own id of the message, or ours if it has none.")]
    description: NotRequired[str]
    code: NotRequired[Annotated[str, Field(description="With `failed`: CleverTap's code.")]]
    toPhone: NotRequired[str]
    incomingText: NotRequired[str]
    url: NotRequired[str]
    shorturl: NotRequired[str]


class CleverTapEvent(TypedDict):
    """Messages to which the same happened."""

    event: Literal["delivered", "failed", "replied", "clicked"]
    data: list[CleverTapEntry]


def render(events: Sequence[Event], _settings: CallbackEndpoint) -> bytes:
    """Return the body of a callback. A message without a `smsgid` is named by its mid."""
    data: dict[str, list[dict[str, Any]]] = {name: [] for name in _EVENTS}
    for event in events:
        name, payload = _payload(event)
        data[name].append({"ts": event.at_s, "meta": reference_of(event), **payload})
    return encode([{"event": name, "data": each} for name, each in data.items() if each])


def _payload(event: Event) -> tuple[str, dict[str, Any]]:
    match event:
        case Dlr():
            meaning = meaning_of(event)
            if meaning is None:
                return "delivered", {"description": "Delivered to handset"}
            return "failed", {"code": meaning.clevertap, "description": meaning.advice}
        case Reply():
            text = event.text[:INCOMING_TEXT_LENGTH]
            return "replied", {"toPhone": event.receiver, "incomingText": text}
        case Click():
            return "clicked", {"url": event.url, "shorturl": event.short_url}
        case _:  # it has no other kinds
            raise ValueError(event.mid)


def unprocessed(answer: bytes) -> Unprocessed:
    """Return up to 100 entries that CleverTap took but did not process: (client_ref, code).

    Its answer is `{"status": "partial", "processed": 1, "unprocessed": [{"code": 400, "error":
    "...", "record": {...}}]}`; a record is one of our entries, or an event with its entries.
    """
    try:
        received = decode(answer)
    except ValueError:
        return ()
    found = (
        (meta, _code(failure.get("code")))
        for failure in _objects(received.get("unprocessed") if isinstance(received, dict) else None)
        for meta in _metas(failure.get("record"))
    )
    return tuple(islice(found, MEMBER_LIMIT))


def _code(value: Any) -> str:
    # `str` of a deeply nested array would raise RecursionError.
    return str(value)[:20] if isinstance(value, str | int | float) else ""


def _metas(record: Any) -> list[str]:
    entries = [
        entry for each in _objects([record]) for entry in (each, *_objects(each.get("data")))
    ]
    return [entry["meta"] for entry in entries if isinstance(entry.get("meta"), str)]


def _objects(listed: Any) -> list[dict[str, Any]]:
    return [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []


FORMAT = Format(
    render,
    MEMBER_LIMIT,
    USUAL_KINDS,
    "clevertap.com",
    unprocessed,
    retry_delays_s=RETRY_DELAYS_S,
)
