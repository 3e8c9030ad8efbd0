"""Count the messages of a table by hand, and count its stream through executions that die."""

import base64
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from harkara.activity.index import Digests
from harkara.activity.service import ActivityService
from harkara.aws.activity import DynamoActivityStore
from harkara.base.errors import StoreUnavailable
from harkara.base.ids import accepted_at_ms
from harkara.base.json import decode
from harkara.model.messages import Message, unpack
from tests.support.dynamo import ACTIVITY, Dynamo
from tests.support.fakes import Faults, ProcessKilled, no_pause
from tests.support.policies import as_function
from tests.support.ports import FakeFailedRecords
from tests.support.streams import SHARD, Record

Totals = Mapping[tuple[str, str], Mapping[str, int]]
RETENTION_S = 30 * 86_400
_CALLS = ("get_item", "batch_get_item", "update_item", "transact_write_items")


class Faulty:
    """A client whose process dies, or that loses an answer, at the calls that `faults` names."""

    def __init__(self, client: Any, faults: Faults) -> None:
        self._client = client
        self.faults = faults
        self.exceptions = client.exceptions

    def __getattr__(self, name: str) -> Any:
        def call(**params: Any) -> Any:
            number = self.faults.before(name)
            answer = getattr(self._client, name)(**params)
            self.faults.after(number)
            if number in self.faults.lose_answer:
                raise StoreUnavailable("the answer was lost")
            return answer

        assert name in _CALLS
        return call


class Counted:
    """The Activity table, and executions of the function that writes it."""

    def __init__(self, clock: Callable[[], float], faults: Faults | None = None) -> None:
        self.dynamo = Dynamo(clock)
        self.table = self.dynamo.tables[ACTIVITY]
        self.faults = faults or Faults()
        self.reports = FakeFailedRecords()
        self.clock = clock
        client: Any = as_function("activity", Faulty(self.dynamo, self.faults))
        self.store = DynamoActivityStore(client, ACTIVITY, RETENTION_S, clock, no_pause)
        self.log_events: list[Any] = []
        self.service = ActivityService(
            self.store, self.reports, Digests(b"pepper"), clock, self.log_events.append
        )

    def count(self, records: Sequence[Record], shard: str = SHARD) -> bool:
        """Run one execution; return whether it lived to its end."""
        try:
            self.service.count(shard, records)
        except (ProcessKilled, StoreUnavailable):
            return False
        return True

    def totals(self) -> Totals:
        """Return all counters, by the items' keys."""
        return {
            key: {
                name: int(value["N"])
                for name, value in item.items()
                if name not in ("pk", "sk", "ttl")
            }
            for key, item in self.table.items.items()
            if key[0].startswith(("account#", "campaigns#"))
        }


def by_hand(items: Mapping[tuple[str, str], Mapping[str, Any]]) -> Totals:
    """Return the counters that a Messages table should lead to, one message after the other."""
    found: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)

    def add(account: str, at_ms: int, campaign: str, **measures: int) -> None:
        moment = datetime.fromtimestamp(at_ms / 1000, UTC) + timedelta(hours=5, minutes=30)
        found[f"account#{account}", moment.strftime("hour#%Y-%m-%dT%H")].update(measures)
        if campaign:
            found[f"campaigns#{account}", campaign].update(measures)

    batches = {
        pk: unpack(pk, item["packed"]["B"]) for (pk, sk), item in items.items() if sk == "batch"
    }
    for batch in batches.values():
        for message in batch.messages:
            measures = (
                {"refused": 1, f"code:{message.refusal}": 1}
                if message.refusal
                else {"accepted": 1, "segments": message.segment_count, "price": price_of(message)}
            )
            add(batch.account_id, batch.accepted_at_ms, message.campaign_id, **measures)
    for (pk, sk), item in items.items():
        if pk.startswith("dead-letter#"):
            add(pk.split("#")[1], int(sk.split("#")[0]), "", parked=1)
        kind, data = sk.split("#")[0], decode(item["data"]["S"]) if "task_id" in item else {}
        if kind == "outcome" and data["taken"]:
            batch = batches[pk]
            add(batch.account_id, batch.accepted_at_ms, "", submitted=len(data["taken"]))
        if kind == "shared":
            for batch_id in data["taken"]:
                add(batches[batch_id].account_id, accepted_at_ms(batch_id), "", submitted=1)
        if kind not in ("final", "click"):
            continue
        batch, message = batches[pk], batches[pk].messages[int(sk.split("#")[1])]
        if message.refusal:
            continue
        measures = {"clicks": 1}
        if kind == "final":
            state = data["state"]
            measures = {state: 1, f"segments:{state}": message.segment_count}
            measures[f"price:{state}"] = price_of(message)
            if data["code"]:
                measures[f"code:{data['code']}"] = 1
            if state == "delivered":
                delay_s = max(0, data["at"] - batch.due_at_ms // 1000)
                name = "otp" if batch.category == "otp" else "delay"
                measures[f"{name}:{min(18, delay_s.bit_length())}"] = 1
        add(batch.account_id, batch.accepted_at_ms, message.campaign_id, **measures)
    return {key: dict(counter) for key, counter in found.items()}


def price_of(message: Message) -> int:
    """Return the price in millionths by the rates of tests/pipeline/test_activity.py."""
    segment = 1_000_000 if message.to.startswith("9198765400") else 122_500
    return message.segment_count * segment


def hours_and_campaigns(totals: Totals) -> Totals:
    """Return the counters that `by_hand` counts: all but those by name."""
    return {key: counts for key, counts in totals.items() if not key[1].startswith("names#")}


def content_of(row: Mapping[str, Any]) -> bytes:
    """Return the content of an index row."""
    content = row["packed"]["B"]
    return content if isinstance(content, bytes) else base64.b64decode(content)
