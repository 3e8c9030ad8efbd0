"""A table's stream, as Lambda passes it on: each new item once, in order, in one shard."""

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.support.tables import Table

Record = dict[str, Any]
SHARD = "shardId-00000001764460800000-0a1b2c3d"
# Longer than the numbers that DynamoDB itself stores.
FIRST_SEQUENCE = 10**38


class Stream:
    """The records of a table's new items since the stream was opened."""

    def __init__(self, table: Table, clock: Callable[[], float]) -> None:
        self.records: list[Record] = []
        self._table = table
        self._clock = clock
        self._seen: set[tuple[str, str]] = set()

    def poll(self) -> Sequence[Record]:
        """Return the records of items that were put since the last call."""
        new = [key for key in self._table.items if key not in self._seen]
        self._seen.update(new)
        records = [
            record_of(
                self._table.items[key], FIRST_SEQUENCE + len(self.records) + at, self._clock()
            )
            for at, key in enumerate(new)
        ]
        self.records += records
        return records


def record_of(item: Mapping[str, Any], sequence: int, at_s: float) -> Record:
    """Return the record of a new item."""
    image = {name: _in_json(value) for name, value in item.items()}
    return {
        "eventID": f"{sequence:x}",
        "eventName": "INSERT",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "ap-south-1",
        "dynamodb": {
            "ApproximateCreationDateTime": at_s,
            "Keys": {"pk": image["pk"], "sk": image["sk"]},
            "NewImage": image,
            "SequenceNumber": str(sequence),
            "SizeBytes": len(str(image)),
            "StreamViewType": "NEW_IMAGE",
        },
        "eventSourceARN": "arn:aws:dynamodb:ap-south-1:123456789012:table/Messages/stream/2026",
    }


def _in_json(value: Mapping[str, Any]) -> Mapping[str, str]:
    ((kind, content),) = value.items()
    return {kind: base64.b64encode(content).decode() if kind == "B" else content}


def event_of(records: Sequence[Record], shard: str = SHARD) -> dict[str, Any]:
    """Return the event with which Lambda invokes a function that has a tumbling window."""
    return {
        "Records": list(records),
        "window": {"start": "2026-11-30T00:00:00Z", "end": "2026-11-30T00:00:30Z"},
        "state": {},
        "shardId": shard,
        "eventSourceARN": "arn:aws:dynamodb:ap-south-1:123456789012:table/Messages/stream/2026",
        "isFinalInvokeForWindow": not records,
        "isWindowTerminatedEarly": False,
    }
