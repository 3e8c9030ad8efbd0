"""Turn events into increments of counters. Each message counts in the hour of its acceptance.

    account#<id>   hour#<yyyy-mm-ddThh>        totals of an hour
                   names#<yyyy-mm-ddThh>       the same by dimension and name
    campaigns#<id> <campaign id>               totals of a campaign
    carrier#<name> hour#<yyyy-mm-ddThh>#<n>    an hour of a carrier, over all accounts, in parts

Hours are those of India. Attributes, all whole numbers; prices are in millionths:

    accepted, refused, submitted, delivered, failed, expired, unknown, cancelled
    clicks, bots                               links that a person, or a machine, opened
    replies
    verified, unverified                       OTPs by their feedback
    corrected, corrected:<state>               deliveries after another final state, which stands
    read                                       messages that were opened, by RCS
    segments, price                            of accepted messages, as if all went by SMS
    segments:<state>, price:<state>            of ended messages, at the rates of their channel
    code:<code>                                of ended messages, and of refused records
    delay:<n>, otp:<n>                         messages delivered in less than 2^n s
    parked                                     callbacks that became dead letters, in this hour
    category:<name>:<measure>                  in `hour#` alone: there are few categories
    carrier:<name>:otp/<n>                     in `hour#` too: a page shows them every few seconds

In `names#` an attribute is `<dimension>:<name>:<measure>`, of measures without a colon; those of
SPARSE_DIMENSIONS have `otp/<n>` too, channels the price of what ended, prefixes OF_PREFIXES alone,
and the dimension CROSSED also has `segments/<state>` and `price/<state>`; `harkara.activity.names`
bounds them. An item of a carrier has what its outcomes and final states tell: OF_CARRIERS, codes
and delays.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from harkara.activity.index import ROWS_A_GROUP
from harkara.activity.names import CROSSED, crossed_name, within_limits
from harkara.activity.records import DEAD_LETTER, Accepted, Apart, Ended, Event, Noted, Taken
from harkara.base.time import IST_OFFSET_S
from harkara.model.activity import Facts, Submitted, facts_of, hour_of
from harkara.model.ledger import REPLY_KIND
from harkara.model.messages import Category, MessageBatch, State
from harkara.text.series import operator_of

DIMENSIONS = (
    *("sender", "template", "country", "campaign"),
    *("carrier", "operator", "channel", "series", "prefix"),
)
# A message may have no name of these: a carrier and an operator are known once it was taken and
# ended, so is a channel, of which SMS is the one without a name, and series are counted of OTPs to
# India.
SPARSE_DIMENSIONS = ("carrier", "operator", "channel", "series")
OF_PREFIXES = ("accepted", "verified", "unverified")
"""What is counted of OTPs by prefix, the first four digits of a number."""
_MEASURES = {
    "click": "clicks",
    "bot": "bots",
    "corrected": "corrected",
    "read": "read",
    "verified": "verified",
    "unverified": "unverified",
    REPLY_KIND: "replies",
    DEAD_LETTER: "parked",
}
"""The measure that counts an event, by the kind of its item."""
CARRIERS = "carrier#"
STATES = tuple(map(str, State))
OF_CARRIERS = ("submitted", *STATES, "corrected")
_OF_CARRIERS = re.compile(rf"({'|'.join(OF_CARRIERS)})|(code|delay|otp):.*")
_REPORTED = ("accepted", "refused", *STATES, "segments", "price")
# An update's expression has at most 4 KB, and 300 operators.
ATTRIBUTES_LIMIT = 250
# A transaction has a hundred writes: the watermark's, and an event's counters and index rows.
TRANSACTION_LIMIT = 99
EVENT_ITEMS_LIMIT = TRANSACTION_LIMIT - ROWS_A_GROUP
_LONGEST_DELAY = 18  # 2^18 s are three days


class CounterKey(NamedTuple):
    """The key of an item of counters."""

    partition: str
    sort_key: str


Counts = dict[CounterKey, Counter[str]]
Attributes = Mapping[CounterKey, frozenset[str]]
"""The names of the counters that stored items have."""


def account_partition(account_id: str) -> str:
    """Return the partition of an account's hours."""
    return f"account#{account_id}"


def campaigns_partition(account_id: str) -> str:
    """Return the partition of an account's campaigns."""
    return f"campaigns#{account_id}"


def carrier_partition(carrier: str) -> str:
    """Return the partition of a carrier's hours."""
    return f"{CARRIERS}{carrier}"


def hour_text(at_ms: int) -> str:
    """Return an hour as in sort keys, by the clocks of India: `2026-11-30T14`."""
    moment = datetime.fromtimestamp(hour_of(at_ms) / 1000, UTC) + timedelta(seconds=IST_OFFSET_S)
    return f"{moment:%Y-%m-%dT%H}"


def counts_of(event: Event) -> Counts:
    """Return the increments of an event, with all names as they are."""
    counts: Counts = {}
    match event:
        case Accepted(batch):
            for facts, measures in _accepted(batch).items():
                _add(counts, facts, batch.accepted_at_ms, +measures)
        case Taken(submitted):
            for each in submitted:
                _add_taken(counts, each)
        case Ended(facts, accepted_at_ms):
            _add(counts, facts, accepted_at_ms, _ended(event), event.operator, event.channel)
        case Noted(kind, facts, accepted_at_ms):
            measures = Counter({_MEASURES[kind]: 1})
            if event.was:
                measures[f"{_MEASURES[kind]}:{event.was}"] = 1
            _add(counts, facts, accepted_at_ms, measures, event.operator, event.channel)
        case Apart(kind, account_id, at_ms, campaigns):
            measure = _MEASURES[kind]
            _counter(counts, "hour", account_id, at_ms)[measure] = 1
            for campaign_id in campaigns:
                named = _counter(counts, "names", account_id, at_ms)
                named[f"campaign:{campaign_id}:{measure}"] = 1
                _campaign(counts, account_id, campaign_id)[measure] = 1
    return counts


def parts_of(counts: Counts) -> list[Counts]:
    """Return increments in parts that each fit into a transaction; the same at every call."""
    parts: list[Counts] = [{}]
    for key, counter in sorted(counts.items()):
        attributes = sorted(counter)
        for at in range(0, len(attributes), ATTRIBUTES_LIMIT):
            piece = attributes[at : at + ATTRIBUTES_LIMIT]
            if at or len(parts[-1]) == EVENT_ITEMS_LIMIT:
                parts.append({})
            parts[-1][key] = Counter({name: counter[name] for name in piece})
    return parts


def bounded(counts: Counts, stored: Attributes) -> Counts:
    """Return the increments with surplus new names replaced by OTHER."""
    return {
        key: within_limits(counter, stored.get(key, frozenset())) if is_bounded(key) else counter
        for key, counter in counts.items()
    }


def is_bounded(key: CounterKey) -> bool:
    """Return whether an item's names are bounded."""
    return key.sort_key.startswith("names#")


def _counter(counts: Counts, kind: str, account_id: str, at_ms: int) -> Counter[str]:
    key = CounterKey(account_partition(account_id), f"{kind}#{hour_text(at_ms)}")
    return counts.setdefault(key, Counter())


def _campaign(counts: Counts, account_id: str, campaign_id: str) -> Counter[str]:
    return counts.setdefault(CounterKey(campaigns_partition(account_id), campaign_id), Counter())


def _carrier(counts: Counts, carrier: str, at_ms: int) -> Counter[str]:
    key = CounterKey(carrier_partition(carrier), f"hour#{hour_text(at_ms)}")
    return counts.setdefault(key, Counter())


def _add(
    counts: Counts,
    facts: Facts,
    at_ms: int,
    measures: Mapping[str, int],
    operator: str = "",
    channel: str = "",
) -> None:
    """Count a message's measures in its hour, under its names, and in its campaign."""
    # States, segments and prices are told apart by name; codes and most delays are not.
    plain = {name: count for name, count in measures.items() if ":" not in name}
    hour = _counter(counts, "hour", facts.account_id, at_ms)
    hour.update(measures)
    hour.update({f"category:{facts.category}:{each}": count for each, count in plain.items()})
    delays = {
        name.replace(":", "/"): count for name, count in measures.items() if name[:4] == "otp:"
    }
    if facts.carrier:
        hour.update({f"carrier:{facts.carrier}:{each}": count for each, count in delays.items()})
    sparse = plain | delays
    named = _counter(counts, "names", facts.account_id, at_ms)
    prefix = facts.prefix and f"+{facts.prefix[:4]}"
    names = (*_names(facts), operator, channel, operator_of(facts.prefix), prefix)
    for dimension, name in zip(DIMENSIONS, names, strict=True):
        kept = sparse if dimension in SPARSE_DIMENSIONS else plain
        if dimension == "prefix":
            kept = {each: plain[each] for each in OF_PREFIXES if each in plain}
        if dimension == "channel":
            costs = [count for each, count in measures.items() if each.startswith("price:")]
            kept = sparse | ({"price": sum(costs)} if costs else {})
        if name or kept is plain:
            named.update({f"{dimension}:{name}:{each}": count for each, count in kept.items()})
    crossed = crossed_name(facts.category, facts.country, facts.sender_id)
    named.update(
        {
            f"{CROSSED}:{crossed}:{name.replace(':', '/')}": count
            for name, count in measures.items()
            if name.partition(":")[0] in _REPORTED
        }
    )
    if facts.campaign_id:
        _campaign(counts, facts.account_id, facts.campaign_id).update(measures)
    if facts.carrier:
        _carrier(counts, facts.carrier, at_ms).update(
            {name: count for name, count in measures.items() if _OF_CARRIERS.fullmatch(name)}
        )


def _add_taken(counts: Counts, taken: Submitted) -> None:
    """Count messages that a carrier took: an outcome names nothing else of them."""
    account_id, carrier, category, campaign_id, hour_ms, count = taken
    hour = _counter(counts, "hour", account_id, hour_ms)
    hour.update({"submitted": count, f"category:{category}:submitted": count})
    named = _counter(counts, "names", account_id, hour_ms)
    named.update(
        {f"carrier:{carrier}:submitted": count, f"campaign:{campaign_id}:submitted": count}
    )
    if campaign_id:
        _campaign(counts, account_id, campaign_id)["submitted"] += count
    _carrier(counts, carrier, hour_ms)["submitted"] += count


def _names(facts: Facts) -> Sequence[str]:
    return (
        facts.sender_id,
        facts.dlt_template_id,
        facts.country,
        facts.campaign_id,
        facts.carrier,
    )


def _accepted(batch: MessageBatch) -> Mapping[Facts, Counter[str]]:
    """Return a batch's measures by the facts that messages have in common."""
    found: dict[Facts, Counter[str]] = {}
    for index, message in enumerate(batch.messages):
        facts = facts_of(batch, index)
        shared = facts._replace(segment_count=0, price=0)
        measures = found.setdefault(shared, Counter())
        if message.refusal:
            measures["refused"] += 1
            measures[f"code:{message.refusal}"] += 1
        else:
            measures["accepted"] += 1
            measures["segments"] += facts.segment_count
            measures["price"] += facts.price
    return found


def _ended(event: Ended) -> Counter[str]:
    facts, state = event.facts, event.state
    measures = Counter(
        {
            state: 1,
            f"segments:{state}": facts.segment_count,
            f"price:{state}": facts.price,
            f"code:{event.code}": 1 if event.code else 0,
        }
    )
    if state == State.DELIVERED:
        delay_s = max(0, event.at_s - facts.due_at_ms // 1000)
        kind = "otp" if facts.category == Category.OTP else "delay"
        measures[f"{kind}:{min(delay_s.bit_length(), _LONGEST_DELAY)}"] = 1
    return +measures
