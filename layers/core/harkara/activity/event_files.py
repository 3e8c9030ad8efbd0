"""Event files: what happened to messages, hour by hour in S3, for analyses beyond one table.

    events/dt=<yyyy-mm-dd>/hour=<hh>/<first event>-<last event>.json.gz

A line is an event as JSON, without fields that are empty; docs/analytics.md describes the fields.
Days and hours are India's, by the time at which the event was put down. No line has a number, a
text or a customer's reference, so that an erasure finds nothing here.

Events are written at least once. A repeat has the same `id` and lies below the same hour: `id` is
made of the key of the event's item.
"""

import gzip
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from harkara.activity.counting import hour_text
from harkara.activity.exports import FileStore
from harkara.activity.records import (
    DEAD_LETTER,
    UNREADABLE,
    Accepted,
    Apart,
    Ended,
    Event,
    Noted,
    Record,
    Taken,
    created_at_ms,
    event_of,
)
from harkara.base.ids import BATCH_ID_LENGTH, mid_of
from harkara.base.json import encode
from harkara.base.log_events import EventSink, LogEvent
from harkara.model.activity import Facts, facts_of
from harkara.model.ledger import REPLY_KIND

PREFIX = "events/"
_EVENTS = {"click": "clicked", "corrected": "corrected", REPLY_KIND: "replied"} | {
    DEAD_LETTER: "parked"
}
Line = dict[str, Any]


@dataclass(frozen=True, slots=True)
class EventFileService:
    """Writes event files, in the function `files`."""

    files: FileStore
    emit: EventSink

    def write(self, records: Sequence[Record]) -> None:
        """Write the events of a batch of the stream, a file for each hour. Raises StoreUnavailable.

        `activity` reports the records that cannot be read; here they are left out.
        """
        hours: dict[str, list[tuple[str, bytes]]] = defaultdict(list)
        counts = Counter[str]()
        for record in records:
            try:
                lines = list(lines_of(record))
            except UNREADABLE:
                counts["unread"] += 1
                continue
            counts["events"] += len(lines)
            if lines:
                text = b"".join(encode(line) + b"\n" for line in lines)
                hours[hour_text(created_at_ms(record))].append((record["eventID"], text))
        for hour, events in hours.items():
            content = gzip.compress(b"".join(text for _, text in events), 6, mtime=0)
            self.files.put(path_of(hour, events[0][0], events[-1][0]), content)
        counts["files"] = len(hours)
        self.emit(LogEvent("events written", {}, +counts))


def path_of(hour: str, first: str, last: str) -> str:
    """Return the name of a file of an hour of India: of `2026-11-30T14`."""
    day, _, number = hour.partition("T")
    return f"{PREFIX}dt={day}/hour={number}/{first}-{last}.json.gz"


def lines_of(record: Record) -> Iterator[Line]:
    """Yield the events of a record. Raises one of UNREADABLE."""
    event = event_of(record)
    if event is None:
        return
    keys = record["dynamodb"]["Keys"]
    partition, sort_key = keys["pk"]["S"], keys["sk"]["S"]
    for number, line in enumerate(_lines(event, _mid(partition, sort_key), created_at_ms(record))):
        # Ids hold no key: some keys have a customer's words.
        digest = blake2b(encode([partition, sort_key, number]), digest_size=16)
        yield {"id": digest.hexdigest()} | {name: value for name, value in line.items() if value}


def _lines(event: Event, mid: str, at_ms: int) -> Iterator[Line]:
    match event:
        case Accepted(batch):
            for index, message in enumerate(batch.messages):
                line: Line = {
                    "event": "refused" if message.refusal else "accepted",
                    "at_ms": batch.accepted_at_ms,
                    "mid": "" if message.refusal else batch.mid(index),
                    "messages": 1,
                    "code": message.refusal,
                }
                yield line | _described(facts_of(batch, index), batch.accepted_at_ms)
        case Taken(submitted):
            for each in submitted:
                yield {
                    "event": "submitted",
                    "at_ms": at_ms,
                    "account": each.account_id,
                    "carrier": each.carrier,
                    "messages": each.message_count,
                }
        case Ended(facts, accepted_at_ms):
            line = {
                "event": "ended",
                "at_ms": event.at_s * 1000,
                "mid": mid,
                "messages": 1,
                "state": event.state,
                "code": event.code,
                "operator": event.operator,
                "channel": event.channel,
            }
            yield line | _described(facts, accepted_at_ms)
        case Noted(kind, facts, accepted_at_ms):
            line = {"event": _EVENTS.get(kind, kind), "at_ms": at_ms, "mid": mid, "messages": 1}
            noted = {
                "state": event.was,
                "operator": event.operator,
                "channel": event.channel,
            }
            yield line | noted | _described(facts, accepted_at_ms)
        case Apart(kind, account_id, at_ms):
            yield {"event": _EVENTS.get(kind, kind), "at_ms": at_ms, "account": account_id}


def _mid(partition: str, sort_key: str) -> str:
    """Return the message that an entry of a batch is about, "" for any other item."""
    index = sort_key.partition("#")[2].partition("#")[0]
    is_entry = len(partition) == BATCH_ID_LENGTH and index.isdigit()
    return mid_of(partition, int(index)) if is_entry else ""


def _described(facts: Facts, accepted_at_ms: int) -> Line:
    return {
        "account": facts.account_id,
        "category": facts.category,
        "sender": facts.sender_id,
        "template": facts.dlt_template_id,
        "country": facts.country,
        "campaign": facts.campaign_id,
        "carrier": facts.carrier,
        "segments": facts.segment_count,
        "price_millionths": facts.price,
        "accepted_ms": accepted_at_ms,
        "due_ms": facts.due_at_ms,
    }
