"""A customer with the format `generic` and its own field names: an object, or an array of them."""

from typing import Any

from local.platforms.reading import (
    CLICKED,
    CORRECTED,
    DELIVERED,
    FAILED,
    READ,
    REPLIED,
    SUBMITTED,
    Entry,
    Post,
    check,
    check_members,
    check_texts,
    check_time,
)

COMMON = ("event", "mid", "smsgid", "to", "ts")
MEMBERS = {
    "status": (*COMMON, "status", "code", "reason", "carrier_code", "carrier_words", "segments"),
    SUBMITTED: (*COMMON, "status", "segments"),
    CORRECTED: (*COMMON, "status", "was", "segments"),
    READ: COMMON,
    REPLIED: (*COMMON, "from", "text"),
    CLICKED: (*COMMON, "url", "short_url"),
}
STATUS_OF = {SUBMITTED: SUBMITTED, CORRECTED: DELIVERED}
FAILURES = (FAILED, "expired", "unknown", "cancelled")
ENTRY_LIMIT = 100


def read(post: Post) -> list[Entry]:
    """Return the entries of a callback. Raises NotTaken."""
    body = post.json()
    objects = body if isinstance(body, list) else [body]
    check(0 < len(objects) <= ENTRY_LIMIT, f"{len(objects)} entries in one callback")
    return [_entry(payload) for payload in objects]


def _entry(payload: Any) -> Entry:
    event = payload.get("event") if isinstance(payload, dict) else None
    check(event in MEMBERS, f"event {event!r} is none of {', '.join(MEMBERS)}")
    by_rcs = event == "status"
    check_members(payload, f"an object of {event}", *MEMBERS[str(event)], by_rcs=by_rcs)
    check_time(payload["ts"])
    check_texts(payload, "to")
    if event in (REPLIED, CLICKED):
        # A reply may be to no message.
        check(event == REPLIED or payload["mid"] != "", "a click without a message")
        return Entry(payload["mid"], str(event), str(payload))
    check_texts(payload, "mid")
    if event == READ:
        return Entry(payload["mid"], READ)
    check(type(payload["segments"]) is int, "segments is not a count")
    if event in (SUBMITTED, CORRECTED):
        check(payload["status"] == STATUS_OF[event], f"{event}, and {payload['status']!r}")
        return Entry(payload["mid"], event)
    if payload["status"] == DELIVERED:
        check(
            payload["code"] == payload["reason"] == "", "a delivered message has no code or reason"
        )
        return Entry(payload["mid"], DELIVERED)
    check(payload["status"] in FAILURES, f"status {payload['status']!r} is not final")
    check_texts(payload, "code", "reason")
    return Entry(payload["mid"], FAILED, payload["code"])
