"""Switch an account's short links on and off."""

from collections.abc import Callable
from dataclasses import dataclass

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.model.accounts import Account

ChangeAccount = Callable[[str, Callable[[Account], Account]], Account | None]
"""Replaces an account by a change of it, and returns it; None if there is none."""


@dataclass(frozen=True, slots=True)
class LinkSettingsService:
    """Changes whether URLs in an account's texts become short links by default."""

    change: ChangeAccount

    def switch(self, account: Account, *, on: bool) -> None:
        """Switch short links on or off.

        Raises RequestRefused (NO_SHORT_DOMAIN, NOT_FOUND) and StoreUnavailable.
        """

        def switched(current: Account) -> Account:
            if on and not current.short_domain:
                raise RequestRefused(Code.NO_SHORT_DOMAIN)
            return current.model_copy(update={"shorten_urls": on})

        if self.change(account.id, switched) is None:
            raise RequestRefused(Code.NOT_FOUND)
