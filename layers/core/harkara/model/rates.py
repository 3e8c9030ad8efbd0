"""The rate card of an account."""

from collections.abc import Iterable
from decimal import Decimal

from pydantic import Field

from harkara.model.fields import OperatorRecord
from harkara.model.messages import Category
from harkara.model.rcs import Channel


class Rate(OperatorRecord):
    """The price to numbers with this prefix, for one category or for all.

    That of a segment by SMS, or of a whole message that is delivered by RCS.
    """

    prefix: str
    price: Decimal = Field(ge=0)
    category: Category | None = None
    channel: Channel = Channel.SMS


def price_of(
    rates: Iterable[Rate], msisdn: str, category: Category, segment_count: int, channel: Channel
) -> Decimal | None:
    """Return a message's price; None if no rate applies.

    The longest prefix wins; at equal length a rate for the category goes before one for all. By RCS
    a message costs what its SMS does if there is no rate for RCS.
    """
    fitting = [
        rate
        for rate in rates
        if rate.channel in (channel, Channel.SMS)
        and msisdn.startswith(rate.prefix)
        and rate.category in (None, category)
    ]
    best = max(
        fitting,
        key=lambda rate: (rate.channel is channel, len(rate.prefix), bool(rate.category)),
        default=None,
    )
    if best is None:
        return None
    return best.price * (1 if best.channel is Channel.RCS else segment_count)
