"""Routing: which carriers take which messages, as an operator set it, and the choice among them.

An account has its own, and there is one for all accounts (`EVERYONE`), which comes after. Where no
route speaks of a message it goes to the carrier that its chunk names, the account's.
"""

import math
from collections.abc import Collection, Sequence
from enum import StrEnum
from hashlib import blake2b
from typing import NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from harkara.model.messages import Category

EVERYONE = "*"


class InDoubtPolicy(StrEnum):
    """What becomes of messages that a carrier may have taken, nobody knows.

    `resubmit` counts only at a carrier that deduplicates on our reference.
    """

    LEAVE = "leave"
    RESUBMIT = "resubmit"


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)


class Weighted(_Data):
    """A carrier and its part of the traffic; weight 0: only where the others cannot."""

    carrier: str = Field(min_length=1)
    weight: int = Field(default=1, ge=0, le=1000)


class Route(_Data):
    """The carriers of messages to numbers that begin so; no categories: of any."""

    prefix: str = Field(default="", pattern=r"^[0-9]{0,15}$")
    categories: tuple[Category, ...] = ()
    carriers: tuple[Weighted, ...] = Field(min_length=1, max_length=8)

    @model_validator(mode="after")
    def _names_each_once(self) -> Self:
        if len({each.carrier for each in self.carriers}) < len(self.carriers):
            raise ValueError("a route names each carrier once")
        return self

    def takes(self, category: Category, msisdn: str) -> bool:
        """Whether it speaks of such a message."""
        return msisdn.startswith(self.prefix) and category in (self.categories or (category,))


class Routing(_Data):
    """An account's routing, or that of all. `paused_campaigns` are campaign ids.

    What is paused waits, unclaimed, until it is resumed or its validity ends. `suppression`:
    numbers are looked up in the account's lists before they are submitted; `promotion` is what its
    promotional messages are about, by the preferences of DND, 0 where that is not said.
    """

    routes: tuple[Route, ...] = ()
    paused: bool = False
    paused_campaigns: tuple[str, ...] = ()
    in_doubt: dict[Category, InDoubtPolicy] = {}
    suppression: bool = False
    promotion: int = Field(default=0, ge=0, le=8)

    def route(self, category: Category, msisdn: str) -> Route | None:
        """Return the route of a message: the longest prefix, then one of its category."""
        fitting = [route for route in self.routes if route.takes(category, msisdn)]
        return max(
            fitting, key=lambda route: (len(route.prefix), bool(route.categories)), default=None
        )


class Rules(NamedTuple):
    """What counts for an account's messages: its own routing, then that of all accounts."""

    own: Routing = Routing()
    general: Routing = Routing()

    @property
    def has_routes(self) -> bool:
        """Whether any message can have a route."""
        return bool(self.own.routes or self.general.routes)

    def route(self, category: Category, msisdn: str) -> Route | None:
        """Return the route of a message, the account's own before that of all."""
        return self.own.route(category, msisdn) or self.general.route(category, msisdn)

    @property
    def suppresses(self) -> bool:
        """Whether the account's lists count."""
        return self.own.suppression or self.general.suppression

    @property
    def promotion(self) -> int:
        """What promotional messages are about, by the preferences of DND; 0: not said."""
        return self.own.promotion or self.general.promotion

    def pauses(self, campaign_id: str) -> bool:
        """Whether a message of this campaign ("" for none) has to wait."""
        if self.own.paused or self.general.paused:
            return True
        paused = (*self.own.paused_campaigns, *self.general.paused_campaigns)
        return bool(campaign_id) and campaign_id in paused

    def resubmits(self, category: Category) -> bool:
        """Whether messages in doubt go to their carrier again, if that deduplicates."""
        policy = self.own.in_doubt.get(category) or self.general.in_doubt.get(category)
        return policy is InDoubtPolicy.RESUBMIT


def in_order(carriers: Sequence[Weighted], mid: str, attempt: int) -> list[str]:
    """Return the names of a route's carriers as they come for a try of a message.

    The first follows the weights over many messages, and so does the next without it; it is always
    the same for the same try.
    """
    if len(carriers) == 1:
        return [carriers[0].carrier]
    return [
        each.carrier for each in sorted(carriers, key=lambda each: _draw(each, f"{mid}.{attempt}"))
    ]


def choose(
    order: Sequence[str], available: Collection[str], tried: Collection[str] = ()
) -> str | None:
    """Return the first carrier that is available, one that was not tried before one that was."""
    return min(
        (name for name in order if name in available),
        key=lambda name: name in tried,
        default=None,
    )


def _draw(weighted: Weighted, subject: str) -> float:
    """Return an exponential draw of this rate: the least of several is so by their weights."""
    if not weighted.weight:
        return math.inf
    digest = blake2b(f"{subject}.{weighted.carrier}".encode(), digest_size=8).digest()
    uniform = (int.from_bytes(digest, "big") + 1) / (1 << 64)
    return -math.log(uniform) / weighted.weight
