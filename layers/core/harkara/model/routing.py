"""Routing: the operator's rules that assign messages to carriers.

An account's own routing goes before the routing for all accounts (`EVERYONE`). A message without a
matching route goes to the account's carrier, which its batch names.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b
from typing import NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from harkara.base.time import DAY_S
from harkara.model.messages import Category

EVERYONE = "*"


class InDoubtPolicy(StrEnum):
    """The treatment of messages in doubt, which a carrier may or may not have accepted.

    `resubmit` applies only to carriers that deduplicate by our reference.
    """

    LEAVE = "leave"
    RESUBMIT = "resubmit"


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class Weighted(_Data):
    """A carrier and its share of the traffic; weight 0: only for messages no other can take."""

    carrier: str = Field(min_length=1)
    weight: int = Field(default=1, ge=0, le=1000)


class RcsFirst(_Data):
    """The carrier of messages with RCS content, before the SMS of a route.

    Without a delivery after `wait_s` the message is revoked. The SMS goes once the carrier says
    that it was not taken, not delivered or revoked; with `doubles` it goes also if that is not
    known, and the phone may get both. A number gets `monthly` promotional messages of an account by
    RCS in a month of India, 0 for any number; the others go by SMS.
    """

    carrier: str = Field(min_length=1)
    wait_s: int = Field(default=300, ge=10, le=DAY_S)
    doubles: bool = False
    monthly: int = Field(default=4, ge=0, le=1000)


class Route(_Data):
    """The carriers for numbers with this prefix and these categories; none: all categories.

    With `rcs`, messages that have RCS content go by RCS first.
    """

    prefix: str = Field(default="", pattern=r"^[0-9]{0,15}$")
    categories: tuple[Category, ...] = ()
    carriers: tuple[Weighted, ...] = Field(min_length=1, max_length=8)
    rcs: RcsFirst | None = None

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        if len(set(self.names)) < len(self.names):
            raise ValueError("a route names each carrier once")
        return self

    @property
    def names(self) -> list[str]:
        """The names of its carriers."""
        return [
            *(each.carrier for each in self.carriers),
            *([self.rcs.carrier] if self.rcs else ()),
        ]

    def takes(self, category: Category, msisdn: str) -> bool:
        """Return whether the route matches a message."""
        return msisdn.startswith(self.prefix) and category in (self.categories or (category,))


class Routing(_Data):
    """An account's routing, or that of all accounts. `paused_campaigns` are campaign ids.

    Paused messages wait, without a lease, until they are resumed or their validity ends.
    `suppression`: numbers are looked up in the account's suppressions before a submit. `promotion`
    is the DND preference category of the account's promotional messages, 0 if not specified.
    """

    routes: tuple[Route, ...] = ()
    paused: bool = False
    paused_campaigns: tuple[str, ...] = ()
    in_doubt: dict[Category, InDoubtPolicy] = {}
    suppression: bool = False
    promotion: int = Field(default=0, ge=0, le=8)

    def with_campaign(self, campaign_id: str, *, paused: bool) -> Self:
        """Return the same routing with a campaign that is paused, or is not."""
        others = tuple(each for each in self.paused_campaigns if each != campaign_id)
        campaigns = (*others, campaign_id) if paused else others
        return self.model_copy(update={"paused_campaigns": campaigns})

    def route(self, category: Category, msisdn: str) -> Route | None:
        """Return a message's route: the longest prefix wins, then a route with categories."""
        fitting = [route for route in self.routes if route.takes(category, msisdn)]
        return max(
            fitting, key=lambda route: (len(route.prefix), bool(route.categories)), default=None
        )


class AccountCarrier(NamedTuple):
    """The carrier of an account's messages that no route matches.

    `dead_numbers`: no phone has the numbers that the account sends to.
    """

    account_id: str
    carrier: str
    dead_numbers: bool


@dataclass(frozen=True, slots=True)
class Rules:
    """The routing for an account's messages: its own, and that of all accounts.

    `has_routes` and `has_pauses` say whether there are any at all, `suppresses` whether numbers are
    looked up in the account's suppressions.
    """

    own: Routing = Routing()
    general: Routing = Routing()
    has_routes: bool = field(init=False)
    has_pauses: bool = field(init=False)
    suppresses: bool = field(init=False)

    def __post_init__(self) -> None:
        both = self.own, self.general
        for name, value in (
            ("has_routes", any(each.routes for each in both)),
            ("has_pauses", any(each.paused or each.paused_campaigns for each in both)),
            ("suppresses", any(each.suppression for each in both)),
        ):
            object.__setattr__(self, name, value)

    def route(self, category: Category, msisdn: str) -> Route | None:
        """Return a message's route; the account's own goes before that of all accounts."""
        return self.own.route(category, msisdn) or self.general.route(category, msisdn)

    @property
    def promotion(self) -> int:
        """The DND preference category of promotional messages; 0 if not specified."""
        return self.own.promotion or self.general.promotion

    def pauses(self, campaign_id: str) -> bool:
        """Return whether messages of this campaign ("" for none) are paused."""
        if self.own.paused or self.general.paused:
            return True
        paused = (*self.own.paused_campaigns, *self.general.paused_campaigns)
        return bool(campaign_id) and campaign_id in paused

    def resubmits(self, category: Category) -> bool:
        """Return whether messages in doubt are resubmitted to a carrier that deduplicates."""
        policy = self.own.in_doubt.get(category) or self.general.in_doubt.get(category)
        return policy is InDoubtPolicy.RESUBMIT


def in_order(carriers: Sequence[Weighted], mid: str, attempt: int) -> list[str]:
    """Return the names of a route's carriers in order of preference for a submit attempt.

    Over many messages the first follows the weights, and so does each next one among the carriers
    left. The order is always the same for the same attempt.
    """
    if len(carriers) == 1:
        return [carriers[0].carrier]
    return [
        each.carrier for each in sorted(carriers, key=lambda each: _draw(each, f"{mid}.{attempt}"))
    ]


def _draw(weighted: Weighted, subject: str) -> float:
    """Return an exponentially distributed number of rate `weight`, by hash, the same each time.

    The probability that a carrier has the smallest number is proportional to its weight.
    """
    if not weighted.weight:
        return math.inf
    digest = blake2b(f"{subject}.{weighted.carrier}".encode(), digest_size=8).digest()
    uniform = (int.from_bytes(digest, "big") + 1) / (1 << 64)
    return -math.log(uniform) / weighted.weight
