"""A customer with Standard Webhooks, whose own package verifies callbacks."""

import re

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from local.platforms.reading import (
    CLICKED,
    CORRECTED,
    DELIVERED,
    FAILED,
    READ,
    REPLIED,
    SUBMITTED,
    Entry,
    NotTaken,
    Post,
    check,
    check_members,
)
from local.settings import SIGNING_SECRET

COMMON = ("mid", "client_ref", "to")
FAILURE = (*COMMON, "segments", "code", "reason", "carrier_code", "carrier_words")
MEMBERS = {
    f"message.{DELIVERED}": (*COMMON, "segments"),
    f"message.{SUBMITTED}": (*COMMON, "segments"),
    f"message.{CORRECTED}": (*COMMON, "segments", "was"),
    f"message.{READ}": COMMON,
    **{f"message.{end}": FAILURE for end in (FAILED, "expired", "unknown", "cancelled")},
    f"message.{REPLIED}": (*COMMON, "from", "text"),
    f"message.{CLICKED}": (*COMMON, "url", "short_url"),
}
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def read(post: Post) -> list[Entry]:
    """Return the entry of a callback. Raises NotTaken."""
    try:
        Webhook(SIGNING_SECRET).verify(post.body, dict(post.headers), json_parse=False)
    except (WebhookVerificationError, ValueError) as error:
        raise NotTaken(f"the signature does not verify: {error}", 401) from error
    event = post.json()
    check_members(event, "the body", "type", "timestamp", "data")
    kind, data = event["type"], event["data"]
    check(kind in MEMBERS, f"type {kind!r} is none of {', '.join(MEMBERS)}")
    check(TIMESTAMP.fullmatch(str(event["timestamp"])) is not None, "timestamp is not in UTC")
    check_members(data, f"data of {kind}", *MEMBERS[kind], by_rcs=True)
    what = kind.removeprefix("message.")
    if what in (REPLIED, CLICKED):
        return [Entry(data["mid"], what, str(event))]
    if what in (DELIVERED, SUBMITTED, CORRECTED, READ):
        return [Entry(data["mid"], what)]
    return [Entry(data["mid"], FAILED, data["code"])]
