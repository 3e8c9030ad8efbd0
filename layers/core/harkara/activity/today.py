"""Statistics of a day so far, and of two days by hour, from one read."""

from collections import Counter
from collections.abc import Mapping
from typing import Annotated

from pydantic import Field

from harkara.activity.counting import CounterKey, account_partition, hour_text
from harkara.activity.delays import Delay
from harkara.activity.stats import Group, Stats, StatsService, by_name, group_of, time_of, totals_of
from harkara.model.accounts import Account
from harkara.model.activity import HOUR_MS

HOURS_SHOWN = 48


class Today(Stats):
    """Statistics of today, by the clocks of India; `groups` are categories."""

    day: str
    carriers: Annotated[
        Mapping[str, Delay], Field(description="By carrier: how long delivered OTPs took.")
    ]
    hours: Annotated[list[Group], Field(description="Each of the last 48, in order.")]


def today(service: StatsService, account: Account) -> Today:
    """Return an account's statistics. Raises StoreUnavailable."""
    now_ms = int(service.clock() * 1000)
    hours = [hour_text(now_ms - ago * HOUR_MS) for ago in reversed(range(HOURS_SHOWN))]
    keys = [CounterKey(account_partition(account.id), f"hour#{hour}") for hour in hours]
    reached_ms, found = service.store.reached_and_counters(keys)
    counts = {hour: Counter(found.get(key, {})) for hour, key in zip(hours, keys, strict=True)}
    day = hours[-1].partition("T")[0]
    total = sum((counts[hour] for hour in hours if hour.startswith(day)), Counter[str]())
    return {
        "day": day,
        "totals": totals_of(total),
        "groups": by_name("category", [total]),
        "carriers": {
            group["key"]: delay
            for group in by_name("carrier", [total])
            if (delay := group["otp_delay"])
        },
        "hours": [group_of(hour, counts[hour]) for hour in hours],
        "currency": account.currency or None,
        "as_of": time_of(reached_ms),
    }
