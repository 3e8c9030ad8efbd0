"""The campaigns of the last days, the newest first."""

from harkara.activity.counting import CounterKey, campaigns_partition
from harkara.activity.filters import DAY_MS
from harkara.activity.names import split_name
from harkara.activity.stats import CampaignPage, StatsService, campaign_of, time_of
from harkara.model.accounts import Account

DAYS = 7
# As many items as one request reads, beside the progress.
CAMPAIGNS_LIMIT = 99


def newest(service: StatsService, account: Account, limit: int) -> CampaignPage:
    """Return campaigns that had messages in the last DAYS, by their first hour in these.

    There is no next page, and at most CAMPAIGNS_LIMIT are found. Campaigns of one hour come in
    order of their ids; those that an hour counts as "other" are left out. Raises StoreUnavailable.
    """
    now_ms = int(service.clock() * 1000)
    hours: dict[str, str] = {}
    for hour, counts in service.items(account.id, "names", now_ms - DAYS * DAY_MS, now_ms):
        for dimension, name, _ in map(split_name, counts):
            if dimension == "campaign" and name:
                hours.setdefault(name, hour)
    names = sorted(sorted(hours), key=hours.__getitem__, reverse=True)
    keys = [CounterKey(campaigns_partition(account.id), name) for name in names]
    reached_ms, found = service.store.reached_and_counters(keys[: min(limit, CAMPAIGNS_LIMIT)])
    return {
        "campaigns": [campaign_of(key.sort_key, found[key]) for key in keys if key in found],
        "next": None,
        "currency": account.currency or None,
        "as_of": time_of(reached_ms),
    }
