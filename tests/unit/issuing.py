"""Credentials of two accounts on the real tables, and what a person may do to them."""

import os
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from harkara.api.authentication import Authenticator, Presented
from harkara.aws.carriers import DynamoCarrierStore
from harkara.aws.operator import OperatorStore
from harkara.aws.registry import DynamoRegistry
from harkara.base.errors import RequestRefused
from harkara.manage.credentials import CredentialService, IssuedSecret
from harkara.model.accounts import Credential, Scope
from harkara.model.callbacks import CallbackEndpoint
from tests.support.dynamo import ACCOUNTS, Dynamo
from tests.support.tables import Table
from tests.unit.changing import ACCOUNT, MAIN, PEPPER, SOURCE

NOW_S = 1_767_258_000
DAY_S = 24 * 3600
ALL: dict[str, Any] = {}


class Overtaken(OperatorStore):
    """A store in which something happens once between the reading and the writing of a change."""

    meanwhile: Callable[[Credential], object] | None = None

    def change_credential(
        self, username: str, change: Callable[[Credential], Credential]
    ) -> Credential | None:
        def overtaken(credential: Credential) -> Credential:
            changed = change(credential)
            self._let_happen(changed)
            return changed

        return super().change_credential(username, overtaken)

    def remove_credential(self, username: str, check: Callable[[Credential], None]) -> bool:
        def overtaken(credential: Credential) -> None:
            check(credential)
            self._let_happen(credential)

        return super().remove_credential(username, overtaken)

    def _let_happen(self, credential: Credential) -> None:
        happening, self.meanwhile = self.meanwhile, None
        if happening:
            happening(credential)


class World:
    """Two accounts, `acme` with a callback and a credential `user`, and the service."""

    def __init__(self) -> None:
        self.now_s = float(NOW_S)
        self.dynamo = Dynamo(lambda: self.now_s)
        self.store = Overtaken(self.dynamo, ACCOUNTS)
        registry = DynamoRegistry(self.dynamo, ACCOUNTS)
        self.service = CredentialService(
            registry, self.store, PEPPER, lambda: self.now_s, os.urandom
        )
        for account_id in ("acme", "other"):
            self.store.create_account(ACCOUNT.model_copy(update={"id": account_id}))
        registry.create("acme", MAIN)
        registry.create("other", CallbackEndpoint(id="theirs", url=MAIN.url))
        self.issued = self.service.create("acme", "user", ALL)

    @property
    def table(self) -> Table:
        return self.dynamo.tables[ACCOUNTS]

    @property
    def user(self) -> Credential:
        return self.service.get("acme", "user")

    def rotate(self, overlap_s: int = DAY_S, seen: str | None = None) -> IssuedSecret:
        return self.service.rotate("acme", "user", overlap_s, seen)

    def works(self, issued: IssuedSecret, at_s: float | None = None) -> bool:
        """Return whether a secret is accepted by a function whose process just started."""
        at_s = self.now_s if at_s is None else at_s
        store = DynamoCarrierStore(self.dynamo, ACCOUNTS)
        presented = Presented(issued.username, issued.secret)
        try:
            Authenticator(store, PEPPER, lambda: at_s).authenticate(presented, Scope.SEND, SOURCE)
        except RequestRefused:
            return False
        return True


def refused(call: Callable[[], object]) -> RequestRefused:
    with pytest.raises(RequestRefused) as caught:
        call()
    return caught.value


class Act(NamedTuple):
    """What an account may do to a credential, by its user name."""

    name: str
    on: Callable[[CredentialService, str, str, str], object]


ACTS = (
    Act("get", lambda service, account_id, name, _: service.get(account_id, name)),
    Act("change", lambda service, account_id, name, _: service.change(account_id, name, ALL)),
    Act("rotate", lambda service, account_id, name, _: service.rotate(account_id, name, 0)),
    Act("rotate seen", lambda service, *names: service.rotate(*names[:2], 0, names[2])),
    Act("end", lambda service, *names: service.end_old_secrets(*names)),
    Act("revoke", lambda service, account_id, name, _: service.revoke(account_id, name)),
    Act("revoke seen", lambda service, *names: service.revoke(*names)),
)
