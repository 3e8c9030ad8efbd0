"""Reports: each day's messages by all that prices depend on, or by one thing that they share."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Annotated, NamedTuple

from pydantic import Field
from typing_extensions import TypedDict

from harkara.activity.delays import Count
from harkara.activity.filters import DailyQuery, ReportQuery, ReportState
from harkara.activity.names import CROSSED, OTHER, split_name
from harkara.activity.stats import AsOf, Currency, Group, StatsService, by_name, time_of
from harkara.base.spreadsheet import write_table
from harkara.model.accounts import Account
from harkara.model.activity import price_text
from harkara.model.messages import Category, State

REPORT_STATES: tuple[ReportState, ...] = (*State, "pending", "refused")
NAMES = ("day", "sender", "category", "country", "state")
AMOUNTS = ("messages", "segments", "price")
_CROSSED = f"{CROSSED}:"
_ENDED: Mapping[ReportState, Sequence[str]] = {
    state: (state, f"segments/{state}", f"price/{state}") for state in (*State, "refused")
}
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
    as_of: AsOf


class _Key(NamedTuple):
    day: str
    sender: str
    category: str
    country: str


class _Amounts(NamedTuple):
    messages: int
    segments: int
    price: int


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
        crossed = {name: count for name, count in counts.items() if name.startswith(_CROSSED)}
        days[hour.partition("T")[0]].update(crossed)
    found = defaultdict[_Key, dict[str, int]](dict)
    for day, counts in days.items():
        for attribute, count in counts.items():
            key, measure = _crossed(day, attribute)
            if _fits(query, key):
                found[key][measure] = count
    rows = [
        (key, state, amounts)
        for key in sorted(found)
        for state, amounts in _by_state(found[key]).items()
        # A final state may be counted before its message.
        if amounts.messages > 0 and query.state in ("", state)
    ]
    total = _Amounts(*(sum(each[at] for _, _, each in rows) for at in range(len(AMOUNTS))))
    currency = account.currency or None
    return {
        "rows": [_row(*row) for row in rows],
        "totals": _shown(total),
        "currency": currency,
        "as_of": as_of,
    }


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


def _by_state(counts: Mapping[str, int]) -> Mapping[ReportState, _Amounts]:
    """Return the amounts by state; what was accepted and has not ended is pending."""
    found: dict[ReportState, _Amounts] = {
        state: _Amounts(*(counts.get(name, 0) for name in names)) for state, names in _ENDED.items()
    }
    ended = (sum(each) for each in zip(*(found[state] for state in State), strict=True))
    accepted = (counts.get(name, 0) for name in ("accepted", "segments", "price"))
    found["pending"] = _Amounts(
        *(all_of - own for all_of, own in zip(accepted, ended, strict=True))
    )
    return found


def _row(key: _Key, state: ReportState, amounts: _Amounts) -> ReportRow:
    day, sender, category, country = key
    return {
        "day": day,
        "sender": sender,
        "category": Category(category),
        "country": country,
        "state": state,
        **_shown(amounts),
    }


def _shown(amounts: _Amounts) -> Sums:
    messages, segments, price = amounts
    return {"messages": messages, "segments": segments, "price": price_text(price)}
