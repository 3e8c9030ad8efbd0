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
    said = post.json()
    check_members(said, "the body", "mid", "smsgid", "to", "status", "reason", "ts")
    check_time(said["ts"])
    check_texts(said, "mid", "to", "status")
    status = said["status"]
    check(status in FINAL, f"status {status!r} is not final")
    check(isinstance(said["smsgid"], str), "smsgid is not a text")
    check(isinstance(said["reason"], str), "reason is not a text")
    check(bool(said["reason"]) is (status != SUCCESS), "a failure, and only one, has a reason")
    if status == SUCCESS:
        return [Entry(said["mid"], DELIVERED)]
    return [Entry(said["mid"], FAILED, status)]
