"""Count the messages of a table by hand, and count its stream through executions that die."""

import base64
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from harkara.aws.activity import DynamoActivityStore
from harkara.base.errors import StoreUnavailable
from harkara.base.ids import mid_of, split_mid
from harkara.base.json import decode
from harkara.model.messages import Message, MessageBatch, unpack
from harkara.model.rates import Rate
from harkara.model.rcs import Channel
from harkara.model.tasks import decode_dlr
from harkara.wiring.activity import wire
from tests.functions.invoking import Context, load
from tests.support.dynamo import ACTIVITY, Dynamo
from tests.support.fakes import Faults, ProcessKilled, no_pause
from tests.support.policies import as_function
from tests.support.ports import FakeFailedRecords
from tests.support.streams import SHARD, Record, event_of

Totals = Mapping[tuple[str, str], Mapping[str, int]]
RETENTION_S = 30 * 86_400
_CALLS = (
    *("get_item", "batch_get_item", "query", "update_item", "transact_write_items"),
    *("put_object", "get_object", "head_object"),
    *("create_multipart_upload", "upload_part", "complete_multipart_upload"),
)


class Faulty:
    """A client whose process dies, or that loses an answer, at the calls that `faults` names."""

    def __init__(self, client: Any, faults: Faults) -> None:
        self._client = client
        self.faults = faults
        self.exceptions = getattr(client, "exceptions", None)

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
        self.log_events: list[Any] = []
        self._app = load("activity")
        self.start(self.faults)

    def start(self, faults: Faults) -> None:
        """Start a process of the function, which dies as `faults` says."""
        self.faults = faults
        client: Any = as_function("activity", Faulty(self.dynamo, faults))
        service = wire(
            store=DynamoActivityStore(client, ACTIVITY, RETENTION_S, self.clock, no_pause),
            failed=self.reports,
            pepper=b"pepper",
            clock=self.clock,
            emit=self.log_events.append,
        )
        self._app.services = lambda: service  # type: ignore[attr-defined]

    def activity(self) -> DynamoActivityStore:
        """Return the table's adapter for a process that does not die."""
        return DynamoActivityStore(self.dynamo, ACTIVITY, RETENTION_S, self.clock, no_pause)

    def count(self, records: Sequence[Record], shard: str = SHARD) -> bool:
        """Run one execution; return whether it lived to its end."""
        try:
            self._app.handler(event_of(records, shard), Context())
        except (ProcessKilled, StoreUnavailable):
            return False
        return True

    def totals(self) -> Totals:
        """Return all counters, by the items' keys; those of carriers without their parts."""
        found: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        for (partition, sort_key), item in self.table.items.items():
            if partition.startswith(("account#", "campaigns#", "carrier#")):
                if partition.startswith("carrier#"):
                    sort_key = sort_key.rpartition("#")[0]
                counts = {
                    name: int(value["N"])
                    for name, value in item.items()
                    if name not in ("pk", "sk", "ttl")
                }
                found[partition, sort_key].update(counts)
        return {key: dict(counts) for key, counts in found.items()}


Measures = Mapping[str, int]
_ENDED = ("delivered", "failed", "expired", "unknown", "cancelled")
_REPORTED = ("accepted", "refused", "segments", "price", *_ENDED)
_SAME = ("corrected", "read")
_MARKS = {"click": "clicks", "bot": "bots", "reply": "replies", **{each: each for each in _SAME}}


class ByHand:
    """The counters that a Messages table should lead to, one message after the other."""

    def __init__(self, items: Mapping[tuple[str, str], Mapping[str, Any]]) -> None:
        self.items = items
        self.found: defaultdict[tuple[str, str], Counter[str]] = defaultdict(Counter)
        self.batches = {
            pk: unpack(pk, item["packed"]["B"]) for (pk, sk), item in items.items() if sk == "batch"
        }
        for batch in self.batches.values():
            for message in batch.messages:
                self._message(batch, message, _accepted(message))
                if batch.category == "otp" and not message.refusal:
                    prefix = {"prefix": f"+{message.to[:4]}"}
                    self._add(batch.account_id, batch.accepted_at_ms, {}, prefix, {"accepted": 1})
        for (pk, sk), item in items.items():
            data = decode(item["data"]["S"]) if "task_id" in item else {}
            self._entry(pk, *sk.split("#"), data=data)

    def _entry(self, pk: str, kind: str, *rest: str, data: Mapping[str, Any]) -> None:
        if pk.startswith("dead-letter#"):
            self._parked(pk.split("#")[1], int(kind), decode_dlr(data["task"]))
        elif kind == "outcome" and data["taken"]:
            claim = decode(self.items[pk, "#".join(["claim", *rest])]["data"]["S"])
            by_rcs = {index for *_, indexes in claim.get("rcs", ()) for index in indexes}
            for index, _ in data["taken"]:
                self._taken(self.batches[pk], index, "rcs" if index in by_rcs else "sim")
        elif kind == "shared":
            for batch_id in data["taken"]:
                self._taken(self.batches[batch_id], 0)
        elif kind == "reply" and rest:
            return  # for the timeline
        elif kind == "reply" and "mid" not in data:
            self._add(data["account"], data["at"], {"replies": 1})
        elif kind in ("final", "feedback", *_MARKS):
            mid = data.get("mid") or mid_of(pk, int(rest[0]))
            batch_id, index = split_mid(mid)
            batch = self.batches[batch_id]
            message = batch.messages[index]
            if kind == "final" and not message.refusal:
                late = {"carrier": data["of"][1], "operator": data.get("operator", "")}
                late["channel"] = data.get("channel", "")
                self._message(batch, message, _ended(batch, message, data), late)
            elif kind == "feedback":
                said = "verified" if data["verified"] else "unverified"
                self._message(batch, message, {said: 1}, {"prefix": f"+{message.to[:4]}"})
            elif kind in _MARKS:
                was = {f"corrected:{data['was']}": 1} if "was" in data else {}
                late = {"carrier": "sim", "operator": data.get("operator", "")} if was else {}
                if kind == "read":
                    late = {"carrier": data["of"][1], "channel": data["channel"]}
                self._message(batch, message, {_MARKS[kind]: 1, **was}, late)

    def _message(
        self,
        batch: MessageBatch,
        message: Message,
        measures: Measures,
        late: Mapping[str, str] | None = None,
    ) -> None:
        """Count a message in its hour, campaign and names; `late` are carrier and operator."""
        country = "IN" if message.to else ""  # all numbers here are of India
        names = {
            "category": batch.category,
            "sender": message.sender_id,
            "template": message.dlt_template_id,
            "country": country,
            "crossed": f"{batch.category}|{country}|{message.sender_id}",
            **({"series": "Airtel"} if message.to and batch.category == "otp" else {}),
            **{dimension: name for dimension, name in (late or {}).items() if name},
        }
        self._add(batch.account_id, batch.accepted_at_ms, measures, names)
        if message.campaign_id:
            self.found[f"campaigns#{batch.account_id}", message.campaign_id].update(measures)
        if carrier := names.get("carrier"):
            self._at_carrier(carrier, batch.accepted_at_ms, measures)

    def _taken(self, batch: MessageBatch, index: int, carrier: str = "sim") -> None:
        names = {"carrier": carrier, "category": batch.category}
        self._add(batch.account_id, batch.accepted_at_ms, {"submitted": 1}, names)
        if campaign_id := batch.messages[index].campaign_id:
            self.found[f"campaigns#{batch.account_id}", campaign_id]["submitted"] += 1
        self._at_carrier(carrier, batch.accepted_at_ms, {"submitted": 1})

    def _at_carrier(self, carrier: str, at_ms: int, measures: Measures) -> None:
        kept = {
            name: count
            for name, count in measures.items()
            if not name.startswith(("segments:", "price:", "corrected:", "read"))
        }
        self.found[f"carrier#{carrier}", f"hour#{_hour(at_ms)}"].update(kept)

    def _parked(self, account: str, at_ms: int, task: Any) -> None:
        self._add(account, at_ms, {"parked": 1})
        places = [split_mid(member.mid) for member in task.members]
        for name in {self.batches[pk].messages[index].campaign_id for pk, index in places} - {""}:
            self.found[f"campaigns#{account}", name]["parked"] += 1

    def _add(
        self,
        account: str,
        at_ms: int,
        measures: Measures,
        names: Mapping[str, str] = MappingProxyType({}),
        of_names: Measures = MappingProxyType({}),
    ) -> None:
        hour, names_of = _hour(at_ms), f"names#{_hour(at_ms)}"
        self.found[f"account#{account}", f"hour#{hour}"].update(measures)
        for measure, count in {**measures, **of_names}.items():
            for dimension, name in names.items():
                sparse = dimension in ("carrier", "operator", "channel", "series")
                is_kept = ":" not in measure or (sparse and measure.startswith("otp:"))
                if dimension == "crossed":
                    is_kept = measure.split(":")[0] in _REPORTED
                if dimension == "channel" and measure.startswith("price:"):
                    self.found[f"account#{account}", names_of]["channel:rcs:price"] += count
                if is_kept:
                    kind = f"hour#{hour}" if dimension == "category" else names_of
                    name_of = measure.replace(":", "/")
                    self.found[f"account#{account}", kind][f"{dimension}:{name}:{name_of}"] += count
                    if dimension == "carrier" and measure.startswith("otp:"):
                        own = self.found[f"account#{account}", f"hour#{hour}"]
                        own[f"carrier:{name}:{name_of}"] += count


def _hour(at_ms: int) -> str:
    moment = datetime.fromtimestamp(at_ms / 1000, UTC) + timedelta(hours=5, minutes=30)
    return moment.strftime("%Y-%m-%dT%H")


def _accepted(message: Message) -> Measures:
    if message.refusal:
        return {"refused": 1, f"code:{message.refusal}": 1}
    return {"accepted": 1, "segments": message.segment_count, "price": price_of(message)}


def _ended(batch: MessageBatch, message: Message, data: Mapping[str, Any]) -> Measures:
    state = data["state"]
    measures = {state: 1, f"segments:{state}": message.segment_count}
    measures[f"price:{state}"] = price_of(message, data.get("channel", ""))
    if data["code"]:
        measures[f"code:{data['code']}"] = 1
    if state == "delivered":
        delay_s = max(0, data["at"] - batch.due_at_ms // 1000)
        name = "otp" if batch.category == "otp" else "delay"
        measures[f"{name}:{min(18, delay_s.bit_length())}"] = 1
    return measures


def by_hand(items: Mapping[tuple[str, str], Mapping[str, Any]]) -> Totals:
    """Return the counters that a Messages table should lead to, without names of campaigns."""
    found = ByHand(items).found
    return {key: dict(each) for key, counter in found.items() if (each := +counter)}


RATES = (
    Rate(prefix="91", price=Decimal("0.1225")),
    Rate(prefix="9198765400", price=Decimal(1)),
    Rate(prefix="91", price=Decimal("0.3"), channel=Channel.RCS),
)


def price_of(message: Message, channel: str = "") -> int:
    """Return the price in millionths by RATES."""
    if channel:
        return 300_000
    segment = 1_000_000 if message.to.startswith("9198765400") else 122_500
    return message.segment_count * segment


def but_names_of_campaigns(totals: Totals) -> Totals:
    """Return the counters that `by_hand` counts: there are too many campaigns to name them all."""
    kept = {
        key: {name: count for name, count in counts.items() if not name.startswith("campaign:")}
        for key, counts in totals.items()
    }
    return {key: counts for key, counts in kept.items() if counts}


def content_of(row: Mapping[str, Any]) -> bytes:
    """Return the content of an index row."""
    content = row["packed"]["B"]
    return content if isinstance(content, bytes) else base64.b64decode(content)
