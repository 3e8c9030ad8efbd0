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
    payload = post.json()
    sent = isinstance(payload, dict) and payload.get("status") == "sms_sent"
    check_members(payload, "the body", *COMMON, "smsCount" if sent else "message")
    check(payload["version"] == "1.0", f"version {payload['version']!r} is not 1.0")
    check_texts(payload, "messageId", "toNumber")
    code = payload["statusCode"]
    check(type(code) is int, "statusCode is not a number")
    if sent:
        check(code == 0, f"statusCode {code} of what was sent")
        check(
            type(payload["smsCount"]) is int and payload["smsCount"] > 0, "smsCount is not a count"
        )
        return [Entry(payload["messageId"], DELIVERED)]
    check(payload["status"] == "sms_failed", f"status {payload['status']!r} is not final")
    check(code in STATUS_CODES, f"statusCode {code} is not one of WebEngage's")
    check_texts(payload, "message")
    return [Entry(payload["messageId"], FAILED, str(code))]
