"""Reports: each day's messages by all that prices depend on, or by one thing that they share."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Annotated, NamedTuple

from pydantic import Field
from typing_extensions import TypedDict

from harkara.activity.counting import STATES
from harkara.activity.delays import Count
from harkara.activity.filters import PENDING, DailyQuery, ReportQuery, ReportState
from harkara.activity.names import CROSSED, OTHER, split_name
from harkara.activity.stats import Currency, Group, StatsService, by_name, time_of
from harkara.base.spreadsheet import write_table
from harkara.model.accounts import Account
from harkara.model.activity import price_text
from harkara.model.messages import Category, State

REPORT_STATES: tuple[ReportState, ...] = (*State, "pending", "refused")
NAMES = ("day", "sender", "category", "country", "state")
AMOUNTS = ("messages", "segments", "price")
_SPARSE = f"Empty of refused records, `{OTHER}` of surplus combinations."


class Sums(TypedDict):
    """How many messages, and what they cost."""

    messages: Count
    segments: Annotated[Count, Field(description="Of messages that were not refused.")]
    price: Annotated[str | None, Field(description="Null without a rate card.")]


class ReportRow(Sums):
    """The messages of a day that have sender, category, country and state in common."""

    day: Annotated[
        str, Field(description="The day of acceptance in India.", examples=["2026-11-30"])
    ]
    sender: Annotated[str, Field(description=_SPARSE)]
    category: Category
    country: Annotated[str, Field(description=f"ISO code. {_SPARSE}", examples=["IN"])]
    state: ReportState


class Report(TypedDict):
    """Messages by day, sender, category, country and state, in this order."""

    rows: list[ReportRow]
    totals: Sums
    currency: Currency
    as_of: Annotated[
        str | None,
        Field(
            description="What happened up to then is counted; null: nothing is.",
            json_schema_extra={"format": "date-time"},
        ),
    ]


class _Key(NamedTuple):
    day: str
    sender: str
    category: str
    country: str


class Daily(NamedTuple):
    """Groups of messages, each with its day of India, in order of days and keys."""

    rows: Sequence[tuple[str, Group]]
    currency: str
    as_of: str | None


def report(service: StatsService, account: Account, query: ReportQuery) -> Report:
    """Return an account's report. Raises RequestRefused(RANGE_TOO_LONG), StoreUnavailable."""
    from_ms, to_ms = query.bounds(int(service.clock() * 1000))
    as_of = time_of(service.store.reached_ms())
    days = defaultdict[str, Counter[str]](Counter)
    for hour, counts in service.items(account.id, "names", from_ms, to_ms):
        of_day = days[hour.partition("T")[0]]
        for attribute, count in counts.items():
            if attribute.startswith(f"{CROSSED}:"):
                of_day[attribute] += count
    found = defaultdict[_Key, Counter[str]](Counter)
    for day, counts in days.items():
        for attribute, count in counts.items():
            key, measure = _crossed(day, attribute)
            if _fits(query, key):
                found[key][measure] = count
    rows: list[ReportRow] = []
    total = Counter[str]()
    for key in sorted(found):
        for state in [query.state] if query.state else REPORT_STATES:
            sums = _in_state(found[key], state)
            # A final state may be counted before its message.
            if sums["messages"] > 0:
                total.update(sums)
                rows.append(_row(key, state, sums))
    currency = account.currency or None
    return {"rows": rows, "totals": _shown(total), "currency": currency, "as_of": as_of}


def as_csv(found: Report) -> bytes:
    """Return a report as CSV for spreadsheets, without formulas."""
    columns = (*NAMES, *AMOUNTS, "currency")
    rows = ({**row, "currency": found["currency"]} for row in found["rows"])
    cells = ([row[name] for name in columns] for row in rows)
    return write_table(
        columns, (["" if each is None else str(each) for each in row] for row in cells)
    )


def daily(service: StatsService, account: Account, query: DailyQuery) -> Daily:
    """Return an account's counts. Raises RequestRefused(RANGE_TOO_LONG), StoreUnavailable."""
    from_ms, to_ms = query.bounds(int(service.clock() * 1000))
    reached_ms = service.store.reached_ms()
    kind = "hour" if query.by == "category" else "names"
    items = service.items(account.id, kind, from_ms, to_ms)
    rows = [
        (day, group)
        for day, hours in groupby(items, lambda item: item[0].partition("T")[0])
        for group in by_name(query.by, (counts for _, counts in hours))
    ]
    return Daily(rows, account.currency, time_of(reached_ms))


def _crossed(day: str, attribute: str) -> tuple[_Key, str]:
    """Return what an attribute of CROSSED counts, and its measure."""
    _, name, measure = split_name(attribute)
    category, country, sender = name.split("|", 2)
    return _Key(day, sender, category, country), measure


def _fits(query: ReportQuery, key: _Key) -> bool:
    asked = ((query.sender, key.sender), (query.category, key.category))
    return all(
        not wanted or wanted == own for wanted, own in (*asked, (query.country, key.country))
    )


def _in_state(counts: Counter[str], state: str) -> Counter[str]:
    """Return messages, segments and price; what is pending was accepted and has not ended."""
    if state == PENDING:
        found = Counter({"messages": counts["accepted"], **_amounts(counts, "")})
        for each in STATES:
            found.subtract(_in_state(counts, each))
        return found
    return Counter({"messages": counts[state], **_amounts(counts, f"/{state}")})


def _amounts(counts: Counter[str], of: str) -> Mapping[str, int]:
    return {name: counts[f"{name}{of}"] for name in ("segments", "price")}


def _row(key: _Key, state: ReportState, sums: Counter[str]) -> ReportRow:
    day, sender, category, country = key
    return {
        "day": day,
        "sender": sender,
        "category": Category(category),
        "country": country,
        "state": state,
        **_shown(sums),
    }


def _shown(sums: Counter[str]) -> Sums:
    return {
        "messages": sums["messages"],
        "segments": sums["segments"],
        "price": price_text(sums["price"]),
    }
