"""The switch of short links."""

import pytest

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.manage.links import LinkSettingsService
from harkara.model.accounts import Account
from tests.support.fakes import FakeAccountStore

ACME = Account(id="acme", name="Acme", carrier="sim", short_domain="hk.example")


@pytest.mark.parametrize("on", [True, False])
def test_the_switch_changes_the_account_as_it_is_now(on: bool) -> None:
    store = FakeAccountStore({"acme": ACME.model_copy(update={"name": "Changed meanwhile"})})
    LinkSettingsService(store.change_account).switch(ACME, on=on)
    assert store.accounts["acme"].shorten_urls is on
    assert store.accounts["acme"].name == "Changed meanwhile"


def test_links_need_a_domain_and_an_account() -> None:
    store = FakeAccountStore({"acme": ACME.model_copy(update={"short_domain": ""})})
    service = LinkSettingsService(store.change_account)
    for account, code in (
        (ACME, Code.NO_SHORT_DOMAIN),
        (ACME.model_copy(update={"id": "gone"}), Code.NOT_FOUND),
    ):
        with pytest.raises(RequestRefused) as refused:
            service.switch(account, on=True)
        assert refused.value.code is code
    service.switch(ACME, on=False)
