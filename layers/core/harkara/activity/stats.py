"""Statistics of an account: sums of counters, in groups."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, cast

from pydantic import Field
from typing_extensions import TypedDict

from harkara.activity.counting import (
    OF_PREFIXES,
    SPARSE_DIMENSIONS,
    STATES,
    account_partition,
    campaigns_partition,
    hour_text,
    split_name,
)
from harkara.activity.filters import StatsQuery
from harkara.activity.store import ActivityReader
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.base.time import Clock, utc_text
from harkara.model.accounts import Account
from harkara.model.activity import PRICE_SCALE
from harkara.model.messages import State

_EVENTS = ("corrected", "clicks", "bots", "replies", "verified", "unverified", "parked")
_HOURLY = ("accepted", "refused", "submitted", *STATES, *_EVENTS, "segments", "price")
# Which carrier a message goes to is known once one took it; an outcome names nothing else of it.
_OF_CAMPAIGNS = tuple(name for name in _HOURLY if name != "submitted")
# A callback may be of several messages.
_NAMED = tuple(name for name in _OF_CAMPAIGNS if name != "parked")
_BY = {
    "campaign": _OF_CAMPAIGNS,
    "carrier": ("submitted", *STATES, "corrected"),
    "operator": (*STATES, "corrected"),
    "series": ("accepted", *STATES, "corrected", "segments", "price"),
    "prefix": OF_PREFIXES,
}
Count = Annotated[int, Field(ge=0)]


class Delay(TypedDict):
    """How long messages took from their send time to their delivery, in seconds.

    Percentiles are estimated from counts: evenly within a range, as `histogram_quantile` of
    Prometheus does. So they are off by less than a factor of two, or by a second.
    """

    p50: float
    p95: float
    counts: Annotated[
        Mapping[str, Count],
        Field(
            description="How many took less than so many seconds, and no less than half of that.",
            examples=[{"4": 812, "8": 96}],
        ),
    ]


class Measures(TypedDict, total=False):
    """Counts of messages; a message counts in the hour in which it was accepted."""

    accepted: Count
    refused: Annotated[
        Count,
        Field(
            description="Records that were never sent; a request refused as a whole counts as one."
        ),
    ]
    submitted: Annotated[
        Count, Field(description="Taken by a carrier; known by hour, day and carrier alone.")
    ]
    delivered: Count
    failed: Count
    expired: Count
    unknown: Count
    cancelled: Count
    corrected: Annotated[
        Count,
        Field(description="Delivered after another final state, which stands and counts too."),
    ]
    clicks: Annotated[Count, Field(description="First clicks on links.")]
    bots: Annotated[Count, Field(description="Links that a machine opened, each once.")]
    replies: Annotated[
        Count, Field(description="Phones' texts, each to its number's last message.")
    ]
    verified: Annotated[Count, Field(description="OTPs by their feedback; others got none.")]
    unverified: Count
    parked: Annotated[
        Count, Field(description="Callbacks that were parked in this time, by campaign too.")
    ]
    segments: Annotated[Count, Field(description="Of accepted messages.")]
    price: Annotated[
        str | None, Field(description="Of accepted messages; null without a rate card.")
    ]


class Totals(Measures, total=False):
    """Counts of messages, with what only a whole has."""

    segments_by_state: Mapping[State, Count]
    price_by_state: Mapping[State, str]
    corrected_by_state: Annotated[
        Mapping[State, Count], Field(description="Corrected messages by the state that stands.")
    ]
    codes: Annotated[
        Mapping[Code, Count], Field(description="Why messages failed or records were refused.")
    ]
    delay: Annotated[Delay | None, Field(description="Of messages that are no OTP.")]
    otp_delay: Delay | None


class Group(Measures, total=False):
    """The messages that have something in common."""

    key: Annotated[str, Field(description="What they have in common; empty for none.")]
    messages: Annotated[Count, Field(description="By state and by code: how many.")]
    otp_delay: Annotated[
        Delay | None, Field(description="By carrier, operator and series: of delivered OTPs.")
    ]


class Stats(TypedDict):
    """Statistics of a time."""

    totals: Totals
    groups: list[Group]
    as_of: Annotated[
        str | None,
        Field(
            description="What happened up to then is counted; null: nothing is.",
            json_schema_extra={"format": "date-time"},
        ),
    ]


class Campaign(Totals):
    """Statistics of a campaign."""

    campaign: str


class CampaignPage(TypedDict):
    """A page of campaigns, by id."""

    campaigns: list[Campaign]
    next: Annotated[str | None, Field(description="The `after` of the next page; null: none.")]
    as_of: str | None


@dataclass(frozen=True, slots=True)
class StatsService:
    """Sums up counters, in the `manage` function."""

    store: ActivityReader
    clock: Clock

    def stats(self, account: Account, query: StatsQuery) -> Stats:
        """Return an account's statistics. Raises RequestRefused(RANGE_TOO_LONG)."""
        from_ms, to_ms = query.bounds(int(self.clock() * 1000))
        as_of = self._as_of()
        hours = list(self._items(account.id, "hour", from_ms, to_ms))
        total = sum((Counter(counts) for _, counts in hours), Counter[str]())
        match query.by:
            case "hour" | "day":
                length = len("2026-11-30T14") if query.by == "hour" else len("2026-11-30")
                grouped: dict[str, Counter[str]] = {}
                for hour, counts in hours:
                    grouped.setdefault(hour[:length], Counter()).update(counts)
                groups = [_group(key, each, _HOURLY) for key, each in grouped.items()]
            case "state":
                groups = [_of_state(total, state) for state in STATES if total[state]]
            case "code":
                groups = [
                    Group(key=code, messages=count)
                    for code, count in _named(total, "code:").items()
                ]
            case _:
                groups = _by_name(query.by, self._items(account.id, "names", from_ms, to_ms))
        return {"totals": _totals(total, _HOURLY), "groups": groups, "as_of": as_of}

    def campaign(self, account: Account, campaign_id: str) -> Campaign:
        """Return a campaign's statistics. Raises RequestRefused(NOT_FOUND)."""
        partition = campaigns_partition(account.id)
        for _, counts in self.store.counters(partition, campaign_id, campaign_id):
            return _campaign(campaign_id, counts)
        raise RequestRefused(Code.NOT_FOUND)

    def campaigns(self, account: Account, after: str, limit: int) -> CampaignPage:
        """Return campaigns in order of their ids."""
        as_of = self._as_of()
        partition = campaigns_partition(account.id)
        found: list[Campaign] = []
        for campaign_id, counts in self.store.counters(
            partition, f"{after}\0" if after else "\0", "\U0010ffff", limit + 1
        ):
            found.append(_campaign(campaign_id, counts))
            if len(found) > limit:
                break
        page = found[:limit]
        more = page[-1]["campaign"] if len(found) > limit else None
        return {"campaigns": page, "next": more, "as_of": as_of}

    def _items(
        self, account_id: str, kind: str, from_ms: int, to_ms: int
    ) -> Iterator[tuple[str, Mapping[str, int]]]:
        """Yield the counters of the hours that a range touches, in order."""
        first, last = f"{kind}#{hour_text(from_ms)}", f"{kind}#{hour_text(max(from_ms, to_ms - 1))}"
        for sort_key, counts in self.store.counters(account_partition(account_id), first, last):
            yield sort_key.partition("#")[2], counts

    def _as_of(self) -> str | None:
        reached_ms = self.store.reached_ms()
        return utc_text(reached_ms) if reached_ms else None


def _by_name(by: str, hours: Iterator[tuple[str, Mapping[str, int]]]) -> list[Group]:
    found: dict[str, Counter[str]] = {}
    for _, counts in hours:
        for attribute, count in counts.items():
            dimension, name, measure = split_name(attribute)
            if dimension == by:
                found.setdefault(name, Counter())[measure] += count
    groups = [_group(name, found[name], _BY.get(by, _NAMED)) for name in sorted(found)]
    if by in SPARSE_DIMENSIONS:
        for group in groups:
            group["otp_delay"] = _delay(_named(found[group["key"]], "otp/"))
    return groups


def _group(key: str, counts: Counter[str], names: Sequence[str]) -> Group:
    return cast(Group, {"key": key, **_measures(counts, names)})


def _of_state(total: Counter[str], state: str) -> Group:
    return Group(
        key=state,
        messages=total[state],
        segments=total[f"segments:{state}"],
        price=_price(total, f"price:{state}"),
    )


def _campaign(campaign_id: str, counts: Mapping[str, int]) -> Campaign:
    return cast(Campaign, {"campaign": campaign_id, **_totals(Counter(counts), _OF_CAMPAIGNS)})


def _measures(counts: Counter[str], names: Sequence[str]) -> dict[str, object]:
    return {name: _price(counts, name) if name == "price" else counts[name] for name in names}


def _totals(counts: Counter[str], names: Sequence[str]) -> Totals:
    totals = {
        **_measures(counts, names),
        "segments_by_state": _named(counts, "segments:"),
        "price_by_state": {
            state: _price(counts, f"price:{state}") for state in _named(counts, "price:")
        },
        "codes": _named(counts, "code:"),
        "corrected_by_state": _named(counts, "corrected:"),
        "delay": _delay(_named(counts, "delay:")),
        "otp_delay": _delay(_named(counts, "otp:")),
    }
    return cast(Totals, totals)


def _named(counts: Counter[str], kind: str) -> dict[str, int]:
    """Return the counts of `<kind><name>` by name."""
    return {
        name.removeprefix(kind): counts[name] for name in sorted(counts) if name.startswith(kind)
    }


def _price(counts: Counter[str], name: str) -> str | None:
    """Return a price in the unit of the rate card; None if nothing has one."""
    return f"{(Decimal(counts[name]) / PRICE_SCALE).normalize():f}" if counts[name] else None


def _delay(histogram: Mapping[str, int]) -> Delay | None:
    """Return percentiles from counts of delays by n, of less than 2^n s."""
    return delay_of({str(1 << n): histogram[str(n)] for n in sorted(map(int, histogram))})


def delay_of(counts: Mapping[str, int]) -> Delay | None:
    """Return percentiles from counts of delays by their upper bounds in seconds; None of none."""
    total = sum(counts.values())
    if not total:
        return None
    p50, p95 = (_percentile(counts, total * share) for share in (0.5, 0.95))
    return {"p50": p50, "p95": p95, "counts": counts}


def _percentile(counts: Mapping[str, int], rank: float) -> float:
    before = 0
    for high in sorted(map(int, counts)):
        count = counts[str(high)]
        if before + count >= rank:
            low = high // 2
            return round(low + (high - low) * (rank - before) / count, 1)
        before += count
    return 0.0
