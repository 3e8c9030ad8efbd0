"""MoEngage's contract with partners: up to fifty statuses in one callback."""

from typing import Any

from local.platforms.reading import (
    DELIVERED,
    FAILED,
    Entry,
    Post,
    check,
    check_members,
    check_texts,
)

ENTRY_LIMIT = 50
SUCCESS = "SMS_DELIVERED"
FAILURES = ("SMS_DELIVERY_FAILED", "SMS_SENT_FAILED")


def read(post: Post) -> list[Entry]:
    """Return the entries of a callback. Raises NotTaken."""
    body = post.json()
    check_members(body, "the body", "statuses")
    statuses = body["statuses"]
    check(isinstance(statuses, list) and bool(statuses), "statuses is not an array with entries")
    check(len(statuses) <= ENTRY_LIMIT, f"{len(statuses)} entries in one callback")
    return [_entry(payload) for payload in statuses]


def _entry(payload: Any) -> Entry:
    check_members(payload, "an entry", "status", "callback_data", "timestamp", "error_message")
    check_texts(payload, "status", "callback_data", "timestamp")
    status, timestamp = payload["status"], payload["timestamp"]
    check(status in (SUCCESS, *FAILURES), f"status {status!r} is not final")
    check(timestamp.isdecimal() and len(timestamp) == 10, "timestamp is not a time in seconds")
    check(isinstance(payload["error_message"], str), "error_message is not a text")
    if status == SUCCESS:
        return Entry(payload["callback_data"], DELIVERED)
    return Entry(payload["callback_data"], FAILED, status)
