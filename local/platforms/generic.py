"""A customer with the format `generic` and its own field names: an object, or an array of them."""

from typing import Any

from local.platforms.reading import (
    CLICKED,
    DELIVERED,
    FAILED,
    REPLIED,
    Entry,
    Post,
    check,
    check_members,
    check_texts,
    check_time,
)

COMMON = ("event", "mid", "smsgid", "to", "ts")
MEMBERS = {
    "status": (*COMMON, "status", "code", "reason", "segments"),
    REPLIED: (*COMMON, "from", "text"),
    CLICKED: (*COMMON, "url", "short_url"),
}
FAILURES = (FAILED, "expired", "unknown", "cancelled")
ENTRY_LIMIT = 100


def read(post: Post) -> list[Entry]:
    """Return the entries of a callback. Raises NotTaken."""
    body = post.json()
    objects = body if isinstance(body, list) else [body]
    check(0 < len(objects) <= ENTRY_LIMIT, f"{len(objects)} entries in one callback")
    return [_entry(said) for said in objects]


def _entry(said: Any) -> Entry:
    event = said.get("event") if isinstance(said, dict) else None
    check(event in MEMBERS, f"event {event!r} is none of {', '.join(MEMBERS)}")
    check_members(said, f"an object of {event}", *MEMBERS[str(event)])
    check_time(said["ts"])
    check_texts(said, "to")
    if event != "status":
        # A reply may be to no message.
        check(event == REPLIED or said["mid"] != "", "a click without a message")
        return Entry(said["mid"], str(event), str(said))
    check_texts(said, "mid")
    check(type(said["segments"]) is int, "segments is not a count")
    if said["status"] == DELIVERED:
        check(said["code"] == said["reason"] == "", "a delivered message has no code or reason")
        return Entry(said["mid"], DELIVERED)
    check(said["status"] in FAILURES, f"status {said['status']!r} is not final")
    check_texts(said, "code", "reason")
    return Entry(said["mid"], FAILED, said["code"])
