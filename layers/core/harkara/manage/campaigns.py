"""Let a campaign's messages wait, and go on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from harkara.activity.stats import StatsService
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.base.time import Clock
from harkara.manage.audit import Actor
from harkara.model.accounts import Account
from harkara.model.people import AuditEntry
from harkara.model.routing import EVERYONE, Routing, Rules

# `submit` reads them all every half minute.
PAUSED_LIMIT = 100
ChangeRouting = Callable[[str, Callable[[Routing], Routing]], Routing]
"""Replaces an account's routing by a change of it, and returns it."""


class PausedCampaign(TypedDict):
    """Whether the account lets a campaign's messages wait."""

    campaign: Annotated[str, Field(examples=["diwali"])]
    paused: Annotated[
        bool, Field(description="The operator may let messages wait besides, which stands.")
    ]


@dataclass(frozen=True, slots=True)
class CampaignService:
    """Pauses campaigns of an account. What all accounts share, only the operator changes.

    Each change is in the account's audit log.
    """

    stats: StatsService
    routing: Callable[[str], Routing]
    change: ChangeRouting
    record: Callable[[AuditEntry], None]
    clock: Clock

    def rules(self, account: Account) -> Rules:
        """Return what is paused, as it is now. Raises StoreUnavailable."""
        return Rules(self.routing(account.id), self.routing(EVERYONE))

    def pause(
        self, account: Account, campaign_id: str, by: Actor, *, paused: bool
    ) -> PausedCampaign:
        """Pause or resume a campaign that has messages, or resume one that had.

        Raises RequestRefused (NOT_FOUND; INVALID_REQUEST beyond PAUSED_LIMIT) and
        StoreUnavailable.
        """
        if campaign_id not in self.routing(account.id).paused_campaigns:
            self.stats.campaign(account, campaign_id)

        def changed(routing: Routing) -> Routing:
            changed = routing.with_campaign(campaign_id, paused=paused)
            if paused and len(changed.paused_campaigns) > PAUSED_LIMIT:
                rule = f"({PAUSED_LIMIT} paused campaigns at most: resume others first)"
                raise RequestRefused(Code.INVALID_REQUEST, rule)
            return changed

        self.change(account.id, changed)
        action = "campaign.pause" if paused else "campaign.resume"
        self.record(by.entry(account, action, campaign_id, self.clock()))
        return {"campaign": campaign_id, "paused": paused}
