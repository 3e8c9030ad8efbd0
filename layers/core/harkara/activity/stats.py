"""Statistics of an account: sums of counters, in groups."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, cast

from pydantic import Field
from typing_extensions import TypedDict

from harkara.activity.counting import (
    OF_CARRIERS,
    OF_PREFIXES,
    SPARSE_DIMENSIONS,
    STATES,
    CounterKey,
    account_partition,
    campaigns_partition,
    hour_text,
)
from harkara.activity.delays import Count, Delay, delay_by_exponent
from harkara.activity.filters import StatsQuery
from harkara.activity.names import split_name
from harkara.activity.store import ActivityReader
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.base.time import Clock, utc_text
from harkara.model.accounts import Account
from harkara.model.activity import price_text
from harkara.model.messages import State

_EVENTS = ("corrected", "read", "clicks", "bots", "replies", "verified", "unverified", "parked")
_HOURLY = ("accepted", "refused", "submitted", *STATES, *_EVENTS, "segments", "price")
# An outcome names carrier, category and campaign of what was taken; a callback has many messages.
_NAMED = tuple(name for name in _HOURLY if name not in ("submitted", "parked"))
_BY = {
    "category": ("submitted", *_NAMED),
    "campaign": _HOURLY,
    "carrier": OF_CARRIERS,
    "operator": (*STATES, "corrected"),
    "channel": (*STATES, "read", "price"),
    "series": ("accepted", *STATES, "corrected", "segments", "price"),
    "prefix": OF_PREFIXES,
}


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
        Count,
        Field(
            description="Taken by a carrier; known by hour, day, category, campaign and carrier."
        ),
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
    read: Annotated[Count, Field(description="Messages by RCS that were opened.")]
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
        str | None,
        Field(
            description="Of accepted messages, as if all went by SMS; null without a rate card. By"
            " channel: of those that ended by it, at its rates."
        ),
    ]


class Totals(Measures, total=False):
    """Counts of messages, with what only a whole has."""

    segments_by_state: Mapping[State, Count]
    price_by_state: Annotated[
        Mapping[State, str], Field(description="At the rates of the channel that delivered.")
    ]
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
        Delay | None,
        Field(description="By carrier, operator, channel and series: of delivered OTPs."),
    ]


Currency = Annotated[
    str | None,
    Field(description="Of the prices (ISO 4217); null: the operator named none.", examples=["INR"]),
]


AsOf = Annotated[
    str | None,
    Field(
        description="All events up to then are counted; null: none is.",
        json_schema_extra={"format": "date-time"},
    ),
]


class Stats(TypedDict):
    """Statistics of a time."""

    totals: Totals
    groups: list[Group]
    currency: Currency
    as_of: AsOf


class Campaign(Totals):
    """Statistics of a campaign."""

    campaign: str


class CountedCampaign(Campaign):
    """Statistics of a campaign, and up to when they are true."""

    currency: Currency
    as_of: str | None


class CampaignPage(TypedDict):
    """A page of campaigns, by id."""

    campaigns: list[Campaign]
    currency: Currency
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
        hours = list(self.items(account.id, "hour", from_ms, to_ms))
        total = sum((Counter(counts) for _, counts in hours), Counter[str]())
        match query.by:
            case "hour" | "day":
                length = len("2026-11-30T14") if query.by == "hour" else len("2026-11-30")
                grouped: dict[str, Counter[str]] = {}
                for hour, counts in hours:
                    grouped.setdefault(hour[:length], Counter()).update(counts)
                groups = [group_of(key, each) for key, each in grouped.items()]
            case "state":
                groups = [_of_state(total, state) for state in STATES if total[state]]
            case "code":
                groups = [
                    Group(key=code, messages=count)
                    for code, count in _named(total, "code:").items()
                ]
            case "category":
                groups = by_name(query.by, [total])
            case _:
                names = self.items(account.id, "names", from_ms, to_ms)
                groups = by_name(query.by, (counts for _, counts in names))
        currency = account.currency or None
        totals = totals_of(total)
        return {"totals": totals, "groups": groups, "currency": currency, "as_of": as_of}

    def campaign(self, account: Account, campaign_id: str) -> CountedCampaign:
        """Return a campaign's statistics. Raises RequestRefused(NOT_FOUND)."""
        key = CounterKey(campaigns_partition(account.id), campaign_id)
        reached_ms, found = self.store.reached_and_counters([key])
        if key not in found:
            raise RequestRefused(Code.NOT_FOUND)
        counted = campaign_of(campaign_id, found[key])
        return {**counted, "currency": account.currency or None, "as_of": time_of(reached_ms)}

    def campaigns(self, account: Account, after: str, limit: int) -> CampaignPage:
        """Return campaigns in order of their ids."""
        as_of = self._as_of()
        partition = campaigns_partition(account.id)
        found: list[Campaign] = []
        for campaign_id, counts in self.store.counters(
            partition, f"{after}\0" if after else "\0", "\U0010ffff", limit + 1
        ):
            found.append(campaign_of(campaign_id, counts))
            if len(found) > limit:
                break
        page = found[:limit]
        more = page[-1]["campaign"] if len(found) > limit else None
        currency = account.currency or None
        return {"campaigns": page, "next": more, "currency": currency, "as_of": as_of}

    def items(
        self, account_id: str, kind: str, from_ms: int, to_ms: int
    ) -> Iterator[tuple[str, Mapping[str, int]]]:
        """Yield the counters of the hours that a range touches, in order."""
        first, last = f"{kind}#{hour_text(from_ms)}", f"{kind}#{hour_text(max(from_ms, to_ms - 1))}"
        for sort_key, counts in self.store.counters(account_partition(account_id), first, last):
            yield sort_key.partition("#")[2], counts

    def _as_of(self) -> str | None:
        return time_of(self.store.reached_ms())


def time_of(reached_ms: int) -> str | None:
    """Return a time up to which events were counted, None for none."""
    return utc_text(reached_ms) if reached_ms else None


def by_name(by: str, items: Iterable[Mapping[str, int]]) -> list[Group]:
    """Return the groups that counters have by name."""
    found: dict[str, Counter[str]] = {}
    for counts in items:
        for attribute, count in counts.items():
            dimension, name, measure = split_name(attribute)
            if dimension == by:
                found.setdefault(name, Counter())[measure] += count
    groups = [group_of(name, found[name], _BY.get(by, _NAMED)) for name in sorted(found)]
    if by in SPARSE_DIMENSIONS:
        for group in groups:
            group["otp_delay"] = delay_by_exponent(_named(found[group["key"]], "otp/"))
    return groups


def group_of(key: str, counts: Counter[str], names: Sequence[str] = _HOURLY) -> Group:
    """Return a group; without names it has all measures of an hour."""
    return cast(Group, {"key": key, **_measures(counts, names)})


def _of_state(total: Counter[str], state: str) -> Group:
    return Group(
        key=state,
        messages=total[state],
        segments=total[f"segments:{state}"],
        price=price_text(total[f"price:{state}"]),
    )


def campaign_of(campaign_id: str, counts: Mapping[str, int]) -> Campaign:
    """Return the statistics of a campaign."""
    return cast(Campaign, {"campaign": campaign_id, **totals_of(Counter(counts))})


def _measures(counts: Counter[str], names: Sequence[str]) -> dict[str, object]:
    return {name: price_text(counts[name]) if name == "price" else counts[name] for name in names}


def totals_of(counts: Counter[str]) -> Totals:
    """Return the totals of counters."""
    totals = {
        **_measures(counts, _HOURLY),
        "segments_by_state": _named(counts, "segments:"),
        "price_by_state": {
            state: price_text(price) for state, price in _named(counts, "price:").items()
        },
        "codes": _named(counts, "code:"),
        "corrected_by_state": _named(counts, "corrected:"),
        "delay": delay_by_exponent(_named(counts, "delay:")),
        "otp_delay": delay_by_exponent(_named(counts, "otp:")),
    }
    return cast(Totals, totals)


def _named(counts: Counter[str], kind: str) -> dict[str, int]:
    """Return the counts of `<kind><name>` by name."""
    return {
        name.removeprefix(kind): counts[name] for name in sorted(counts) if name.startswith(kind)
    }
