"""Keep what an account's messages cost within its caps of a day and of a month.

A message costs what the rate card says when it is accepted; one without a rate counts nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.model.accounts import Account
from harkara.model.activity import PRICE_SCALE
from harkara.state.quotas import Exhausted, Quota, Quotas


@dataclass(frozen=True, slots=True)
class SpendCaps:
    """Counts prices, in millionths. Keep one for the life of the process."""

    quotas: Quotas

    def check(self, account: Account, price: int) -> None:
        """Refuse a price that this process knows to be beyond a cap; count nothing.

        Raises RequestRefused(SPEND_LIMIT) with `retry_after_s`.
        """
        if price:
            _refuse(self.quotas.exhausted(_name(account), _caps(account), price))

    def take(self, account: Account, price: int) -> None:
        """Count a price. Raises RequestRefused(SPEND_LIMIT) with `retry_after_s`, StoreUnavailable.

        After StoreUnavailable it may be counted. An account without caps costs no call.
        """
        if price:
            _refuse(self.quotas.take(_name(account), _caps(account), price))


def _refuse(exhausted: Exhausted | None) -> None:
    if exhausted:
        detail = f"(of the {exhausted.period})"
        raise RequestRefused(Code.SPEND_LIMIT, detail, retry_after_s=exhausted.wait_s)


def _name(account: Account) -> str:
    return f"rate#{account.id}#spend"


def _caps(account: Account) -> Sequence[Quota]:
    limits = account.limits
    caps = (
        Quota("day", int(limits.spend_per_day * PRICE_SCALE)),
        Quota("month", int(limits.spend_per_month * PRICE_SCALE)),
    )
    return [cap for cap in caps if cap.amount]
