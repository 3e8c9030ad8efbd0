"""MoEngage's custom connector, its fields mapped as in docs/integrations/moengage.md.

MoEngage counts every status as a failure that it does not know as a success. So a state that is not
final is refused here, before it could appear in a report.
"""

from local.platforms.reading import (
    DELIVERED,
    FAILED,
    Entry,
    NotTaken,
    Post,
    check,
    check_members,
    check_texts,
    check_time,
)

BODY_LIMIT_BYTES = 150 * 1024
SUCCESS = "DELIVERED"
FINAL = (SUCCESS, "FAILED", "EXPIRED", "UNKNOWN", "CANCELLED")


def read(post: Post) -> list[Entry]:
    """Return the entry of a callback. Raises NotTaken."""
    if len(post.body) > BODY_LIMIT_BYTES:
        raise NotTaken(f"the body has {len(post.body)} bytes", 413)
    payload = post.json()
    check_members(payload, "the body", "mid", "smsgid", "to", "status", "reason", "ts")
    check_time(payload["ts"])
    check_texts(payload, "mid", "to", "status")
    status = payload["status"]
    check(status in FINAL, f"status {status!r} is not final")
    check(isinstance(payload["smsgid"], str), "smsgid is not a text")
    check(isinstance(payload["reason"], str), "reason is not a text")
    check(bool(payload["reason"]) is (status != SUCCESS), "a failure, and only one, has a reason")
    if status == SUCCESS:
        return [Entry(payload["mid"], DELIVERED)]
    return [Entry(payload["mid"], FAILED, status)]
