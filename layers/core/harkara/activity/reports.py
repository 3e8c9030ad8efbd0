"""Reports: statistics of each day, by one thing that messages share."""

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from harkara.activity.filters import ReportQuery
from harkara.activity.stats import Group, StatsService, by_name, time_of
from harkara.model.accounts import Account


class Report(NamedTuple):
    """Groups of messages, each with its day of India, in order of days and keys."""

    rows: Sequence[tuple[str, Group]]
    currency: str
    as_of: str | None


def report(service: StatsService, account: Account, query: ReportQuery) -> Report:
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
    return Report(rows, account.currency, time_of(reached_ms))
