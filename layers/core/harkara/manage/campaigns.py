"""Let a campaign's messages wait, and go on."""

from collections.abc import Callable
from dataclasses import dataclass

from harkara.activity.stats import StatsService
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.model.accounts import Account
from harkara.model.routing import EVERYONE, Routing, Rules

# `submit` reads them all every half minute.
PAUSED_LIMIT = 100
ChangeRouting = Callable[[str, Callable[[Routing], Routing]], Routing]
"""Replaces an account's routing by a change of it, and returns it."""


@dataclass(frozen=True, slots=True)
class CampaignService:
    """Pauses campaigns of an account. What all accounts share, only the operator changes."""

    stats: StatsService
    routing: Callable[[str], Routing]
    change: ChangeRouting

    def rules(self, account: Account) -> Rules:
        """Return what is paused, as it is now. Raises StoreUnavailable."""
        return Rules(self.routing(account.id), self.routing(EVERYONE))

    def pause(self, account: Account, campaign_id: str, *, paused: bool) -> None:
        """Pause or resume a campaign that has messages, or resume one that had.

        Raises RequestRefused (NOT_FOUND; INVALID_REQUEST beyond PAUSED_LIMIT) and
        StoreUnavailable.
        """
        if campaign_id not in self.rules(account).own.paused_campaigns:
            self.stats.campaign(account, campaign_id)

        def changed(routing: Routing) -> Routing:
            changed = routing.with_campaign(campaign_id, paused=paused)
            if paused and len(changed.paused_campaigns) > PAUSED_LIMIT:
                rule = f"({PAUSED_LIMIT} paused campaigns at most: resume others first)"
                raise RequestRefused(Code.INVALID_REQUEST, rule)
            return changed

        self.change(account.id, changed)
