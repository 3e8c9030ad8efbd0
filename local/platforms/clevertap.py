"""CleverTap: an array of events, each with entries. Repeated posts are counted again."""

from collections.abc import Sequence
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

# There is no 911.
FAILURE_CODES = {str(code) for code in range(900, 921) if code != 911}
ENTRY_LIMIT = 100
INCOMING_TEXT_LENGTH = 512
MEMBERS = {
    DELIVERED: ("ts", "meta", "description"),
    FAILED: ("ts", "meta", "code", "description"),
    REPLIED: ("ts", "meta", "toPhone", "incomingText"),
    CLICKED: ("ts", "meta", "url", "shorturl"),
}


def read(post: Post) -> list[Entry]:
    """Return the entries of a callback. Raises NotTaken."""
    events = post.json()
    check(isinstance(events, list) and bool(events), "the body is not an array of events")
    entries: list[Entry] = []
    for event in events:
        check_members(event, "an event", "event", "data")
        what, data = event["event"], event["data"]
        check(what in MEMBERS, f"event {what!r} is none of {', '.join(MEMBERS)}")
        check(isinstance(data, list) and bool(data), "data is not an array with entries")
        entries += [_entry(what, payload) for payload in data]
    check(len(entries) <= ENTRY_LIMIT, f"{len(entries)} entries in one callback")
    return entries


def answer(entries: Sequence[Entry], unused: int) -> Any:
    """Return the body of a 200 answer."""
    records = [
        {"code": 400, "error": "no such message", "record": {"meta": entry.ref}}
        for entry in entries[len(entries) - unused :]
    ]
    processed = len(entries) - len(records)
    word = ("partial" if processed else "fail") if records else "success"
    return {"status": word, "processed": processed, "unprocessed": records}


def _entry(what: str, payload: Any) -> Entry:
    check_members(payload, f"an entry of {what}", *MEMBERS[what])
    check_time(payload["ts"])
    check_texts(payload, "meta")
    # A phone may send an empty reply.
    texts = [payload[name] for name in MEMBERS[what][2:]]
    check(all(isinstance(text, str) for text in texts), f"{MEMBERS[what][2:]} are not texts")
    if what == FAILED:
        code = payload["code"]
        check(code in FAILURE_CODES, f"code {code!r} is not one of CleverTap's")
        return Entry(payload["meta"], what, code)
    if what == REPLIED:
        check(len(payload["incomingText"]) <= INCOMING_TEXT_LENGTH, "incomingText is too long")
    return Entry(payload["meta"], what, "" if what == DELIVERED else f"{payload['ts']} {texts}")
