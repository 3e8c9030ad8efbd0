"""WebEngage's private SSP: one status notification per message, under a bearer token."""

from local.platforms.reading import (
    DELIVERED,
    FAILED,
    Entry,
    NotTaken,
    Post,
    check,
    check_members,
    check_texts,
)
from local.settings import WEBENGAGE_TOKEN

COMMON = ("version", "messageId", "toNumber", "status", "statusCode")
# 0 is for sent messages.
STATUS_CODES = {
    *range(2000, 2012),
    2015,
    2022,
    *range(2024, 2028),
    3000,
    9988,
}


def read(post: Post) -> list[Entry]:
    """Return the entry of a callback. Raises NotTaken."""
    if post.headers.get("authorization") != f"Bearer {WEBENGAGE_TOKEN}":
        raise NotTaken("the bearer token is missing or another one", 401)
    said = post.json()
    sent = isinstance(said, dict) and said.get("status") == "sms_sent"
    check_members(said, "the body", *COMMON, "smsCount" if sent else "message")
    check(said["version"] == "1.0", f"version {said['version']!r} is not 1.0")
    check_texts(said, "messageId", "toNumber")
    code = said["statusCode"]
    check(type(code) is int, "statusCode is not a number")
    if sent:
        check(code == 0, f"statusCode {code} of what was sent")
        check(type(said["smsCount"]) is int and said["smsCount"] > 0, "smsCount is not a count")
        return [Entry(said["messageId"], DELIVERED)]
    check(said["status"] == "sms_failed", f"status {said['status']!r} is not final")
    check(code in STATUS_CODES, f"statusCode {code} is not one of WebEngage's")
    check_texts(said, "message")
    return [Entry(said["messageId"], FAILED, str(code))]
