"""Statistics of a carrier of the last 24 hours, over all accounts."""

from collections import Counter
from collections.abc import Iterable

from typing_extensions import TypedDict

from harkara.activity.counting import OF_CARRIERS, carrier_partition, hour_text
from harkara.activity.stats import Group, StatsService, Totals, by_name, group_of, totals_of
from harkara.base.time import DAY_S
from harkara.model.activity import HOUR_MS

HOURS_SHOWN = 24


class CarrierDay(TypedDict):
    """What became of a carrier's messages; each counts in the hour in which it was accepted."""

    totals: Totals
    hours: list[Group]


def carrier_day(service: StatsService, carrier: str) -> CarrierDay:
    """Return a carrier's statistics, from one read. Raises StoreUnavailable."""
    now_ms = int(service.clock() * 1000)
    hours = [hour_text(now_ms - ago * HOUR_MS) for ago in reversed(range(HOURS_SHOWN))]
    counts, total = {hour: Counter[str]() for hour in hours}, Counter[str]()
    for sort_key, found in service.store.counters(
        carrier_partition(carrier), f"hour#{hours[0]}", f"hour#{hours[-1]}#~"
    ):
        counts[sort_key.split("#")[1]].update(found)
        total.update(found)
    groups = [group_of(hour, counts[hour], OF_CARRIERS) for hour in hours]
    return {"totals": totals_of(total), "hours": groups}


def by_carrier(service: StatsService, account_ids: Iterable[str]) -> dict[str, list[Group]]:
    """Return groups of these accounts' messages of the last day, by their carriers.

    Raises StoreUnavailable.
    """
    now_ms, found = int(service.clock() * 1000), dict[str, list[Group]]()
    for account_id in account_ids:
        hours = service.items(account_id, "names", now_ms - DAY_S * 1000, now_ms)
        for group in by_name("carrier", (counts for _, counts in hours)):
            found.setdefault(group["key"], []).append(group)
    return found
