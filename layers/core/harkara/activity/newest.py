"""The campaigns of the last days, those with the newest messages first."""

from harkara.activity.counting import CounterKey, campaigns_partition
from harkara.activity.filters import DAY_MS
from harkara.activity.names import split_name
from harkara.activity.stats import CampaignPage, StatsService, campaign_of, time_of
from harkara.model.accounts import Account

DAYS = 7
# As many items as one request reads, beside the progress.
CAMPAIGNS_LIMIT = 99


def newest(service: StatsService, account: Account, limit: int) -> CampaignPage:
    """Return campaigns of the last DAYS, in order of the hour of their last accepted message.

    There is no next page, and at most CAMPAIGNS_LIMIT are found. Those of one hour come in order of
    their ids; those that an hour counts as "other" are left out. Raises StoreUnavailable.
    """
    now_ms, limit = int(service.clock() * 1000), min(limit, CAMPAIGNS_LIMIT)
    names: dict[str, None] = {}
    for ago in range(DAYS):
        to_ms = now_ms - ago * DAY_MS
        hours = [*service.items(account.id, "names", to_ms - DAY_MS, to_ms)]
        for _, counts in reversed(hours):
            named = (split_name(attribute)[:2] for attribute in counts)
            found = sorted({name for dimension, name in named if dimension == "campaign" and name})
            names |= dict.fromkeys(found)
        if len(names) >= limit:
            break
    keys = [CounterKey(campaigns_partition(account.id), name) for name in names][:limit]
    reached_ms, counters = service.store.reached_and_counters(keys)
    return {
        "campaigns": [campaign_of(key.sort_key, counters[key]) for key in keys if key in counters],
        "next": None,
        "currency": account.currency or None,
        "as_of": time_of(reached_ms),
    }
