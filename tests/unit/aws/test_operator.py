"""The operator's changes to the Accounts table: no record is overwritten by accident."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest

from harkara.aws.carriers import DynamoCarrierStore, DynamoRoutingStore
from harkara.aws.operator import OperatorStore
from harkara.base.errors import StoreUnavailable
from harkara.model.accounts import Account, Credential, Secret
from harkara.model.routing import Routing
from tests.support.tables import Table
from tests.unit.aws.test_accounts import ACCOUNT, CARRIER
from tests.unit.scripted_aws import LOST, Refusal, ScriptedAws

BARE = Account(id="bare", name="Bare", carrier="sim")


class Operator:
    """An operator's store and the functions' on one table in memory."""

    def __init__(self) -> None:
        self.table = Table()
        self.aws = ScriptedAws("dynamodb", self.table)
        self.store = OperatorStore(self.aws.client, "Accounts")
        self.functions = DynamoCarrierStore(self.aws.client, "Accounts")


def credential(username: str, account_id: str = "acme", *hashes: str) -> Credential:
    return Credential(
        username=username,
        account_id=account_id,
        secrets=tuple(Secret(hash=each) for each in hashes or ("0" * 64,)),
    )


def passing(_: Credential) -> None:
    """Let any credential be removed."""


def test_what_was_created_is_what_the_functions_read() -> None:
    operator = Operator()
    assert operator.store.create_account(BARE)
    assert operator.store.create_credential(credential("user", "bare"))
    assert operator.functions.account("bare") == BARE.model_copy(update={"version": 1})
    assert operator.functions.credential("user") == credential("user", "bare")


def test_nothing_is_created_over_what_is_there() -> None:
    operator = Operator()
    operator.functions.put_account(ACCOUNT)
    operator.functions.put_credential(credential("user"))
    assert not operator.store.create_account(BARE.model_copy(update={"id": "acme"}))
    assert not operator.store.create_credential(credential("user", "bare"))
    assert operator.functions.account("acme") == ACCOUNT.model_copy(update={"version": 1})
    assert operator.functions.credential("user") == credential("user")


def test_a_change_keeps_the_parts_and_is_a_version_of_its_own() -> None:
    operator = Operator()
    operator.functions.put_account(ACCOUNT)
    changed = operator.store.change_account(
        "acme", lambda account: account.model_copy(update={"name": "Acme Ltd"})
    )
    assert changed is not None
    assert changed.name == "Acme Ltd"
    assert operator.functions.account("acme") == ACCOUNT.model_copy(
        update={"name": "Acme Ltd", "version": 2}
    )


def test_what_is_not_there_is_neither_changed_nor_made() -> None:
    operator = Operator()
    assert operator.store.change_account("acme", lambda account: account) is None
    assert operator.store.change_credential("user", lambda found: found) is None
    assert not operator.store.remove_credential("user", passing)
    assert operator.table.items == {}


def test_a_change_that_another_overtook_is_made_of_what_the_other_left() -> None:
    operator = Operator()
    operator.functions.put_account(ACCOUNT)
    others = [ACCOUNT.model_copy(update={"segment_limit": 7})]

    def rename(account: Account) -> Account:
        if others:
            operator.functions.put_account(others.pop())
        return account.model_copy(update={"name": "Acme Ltd"})

    changed = operator.store.change_account("acme", rename)
    assert changed is not None
    assert (changed.name, changed.segment_limit) == ("Acme Ltd", 7)


def test_a_change_that_others_keep_overtaking_is_given_up() -> None:
    operator = Operator()
    operator.functions.put_account(ACCOUNT)

    def overtaken(account: Account) -> Account:
        other = account.model_copy(update={"segment_limit": account.segment_limit + 1})
        operator.functions.put_account(other)
        return account.model_copy(update={"name": "Acme Ltd"})

    with pytest.raises(StoreUnavailable, match="others kept changing it"):
        operator.store.change_account("acme", overtaken)


def test_a_removed_credential_is_gone_and_its_name_is_free() -> None:
    operator = Operator()
    operator.store.create_credential(credential("user"))
    assert operator.store.remove_credential("user", passing)
    assert operator.table.items == {}
    assert operator.store.create_credential(credential("user", "bare"))


def test_a_credential_that_a_check_refuses_stays_whenever_it_came() -> None:
    """Also if another took its user name after the first read."""
    operator = Operator()
    operator.store.create_credential(credential("user"))

    def check(found: Credential) -> None:
        if found.account_id == "bare":
            raise LookupError
        operator.store.remove_credential("user", passing)
        operator.store.create_credential(credential("user", "bare"))

    with pytest.raises(LookupError):
        operator.store.remove_credential("user", check)
    assert operator.store.credential("user") == credential("user", "bare")


def test_a_changed_credential_is_what_the_functions_read() -> None:
    operator = Operator()
    operator.store.create_credential(credential("user"))
    rotated = credential("user", "acme", "1" * 64, "0" * 64)
    assert operator.store.change_credential("user", lambda _: rotated) == rotated
    assert operator.functions.credential("user") == rotated


def test_accounts_and_carriers_are_listed_among_everything_else() -> None:
    operator = Operator()
    others = [BARE.model_copy(update={"id": f"other-{number}"}) for number in range(5)]
    for account in (ACCOUNT, *others):
        operator.functions.put_account(account)
    operator.functions.put_credential(credential("user"))
    operator.functions.put_carrier(CARRIER)
    assert [account.id for account in operator.store.accounts()] == [
        "acme",
        *(account.id for account in others),
    ]
    assert operator.store.carriers() == [CARRIER]


def use_everything(store: OperatorStore) -> Mapping[str, Callable[[], Any]]:
    return {
        "create": lambda: store.create_account(BARE),
        "change": lambda: store.change_account("acme", lambda account: account),
        "list": store.accounts,
        "remove": lambda: store.remove_credential("user", passing),
    }


@pytest.mark.parametrize("failure", [Refusal("ThrottlingException"), LOST], ids=["refused", "lost"])
@pytest.mark.parametrize("use", ["create", "change", "list", "remove"])
def test_a_failure_is_an_unavailable_store(use: str, failure: Exception) -> None:
    store = OperatorStore(ScriptedAws("dynamodb", failure).client, "Accounts")
    with pytest.raises(StoreUnavailable):
        use_everything(store)[use]()


# Routing


def test_routing_that_is_not_there_is_changed_all_the_same() -> None:
    operator = Operator()
    assert operator.store.routing("acme") == Routing()
    for campaign in ("spring", "summer"):
        operator.store.change_routing("acme", partial(with_paused, campaign))
    paused = Routing(paused_campaigns=("spring", "summer"))
    assert operator.store.routing("acme") == paused
    assert DynamoRoutingStore(operator.aws.client, "Accounts").rules("acme").own == paused
    assert operator.store.routing("*") == Routing()


def with_paused(campaign: str, routing: Routing) -> Routing:
    campaigns = (*routing.paused_campaigns, campaign)
    return routing.model_copy(update={"paused_campaigns": campaigns})


def test_a_carrier_is_changed_over_what_it_was() -> None:
    operator = Operator()
    assert operator.store.change_carrier("sim", lambda carrier: carrier) is None
    operator.functions.put_carrier(CARRIER)
    paused = CARRIER.model_copy(update={"paused": True})
    assert operator.store.change_carrier(CARRIER.name, lambda _: paused) == paused
    assert operator.store.carriers() == [paused]


def test_the_setup_is_read_in_one_pass_and_in_order() -> None:
    operator = Operator()
    for account_id in ("zeta", "acme"):
        operator.store.create_account(BARE.model_copy(update={"id": account_id}))
        operator.store.change_routing(account_id, lambda _: Routing(paused=True))
    operator.store.change_account(
        "zeta", lambda each: each.model_copy(update={"dead_numbers": True})
    )
    operator.functions.put_account(ACCOUNT.model_copy(update={"id": "busy"}))
    for name in ("jio", "airtel"):
        operator.store.create_carrier(CARRIER.model_copy(update={"name": name}))
    operator.aws.requests.clear()
    carriers, accounts, routings = operator.store.setup()
    assert [each.name for each in carriers] == ["airtel", "jio"]
    assert accounts == [("acme", "sim", False), ("busy", "sim", False), ("zeta", "sim", True)]
    assert list(routings.items()) == [(each, Routing(paused=True)) for each in ("acme", "zeta")]
    assert {operation for operation, _ in operator.aws.requests} == {"Scan"}
