"""The Accounts table: functions read the operators' records, through a cache."""

import pytest

from harkara.aws.accounts import CACHE_LIMIT, CACHE_S, DynamoAccountStore
from harkara.aws.carriers import DynamoCarrierStore
from harkara.base.errors import StoreUnavailable
from harkara.carriers.settings import CarrierSettings
from harkara.model.accounts import Account, Credential, Enforcement, Secret, Sender, Template
from harkara.model.messages import Category
from tests.support.fakes import calling_back
from tests.support.tables import Table
from tests.unit.scripted_aws import LOST, Answer, Refusal, ScriptedAws

CREDENTIAL = Credential(username="user", account_id="acme", secrets=(Secret(hash="0" * 64),))
CARRIER = CarrierSettings(
    name="sim",
    kind="datasend",
    url="https://carrier.example/datasend",
    username="harkara",
    secret=b"\x00cipher\xff",
    receipt_token_hashes=("1" * 64,),
    timeout_s=2.5,
    connections=7,
)
ACCOUNT = Account(
    id="acme",
    name="Acme नमस्ते",
    carrier="sim",
    **calling_back("https://hooks.acme.in/dlr"),
    callback_hosts=("acme.in",),
    countries=("IN", "*"),
    dlt=Enforcement.OFF,
    default_category=Category.PROMOTIONAL,
    segment_limit=3,
    senders={
        "ACMEBK": Sender(header="ACMEBK", categories=(Category.OTP,), pe_id="1101"),
        "123456": Sender(header="123456", categories=(Category.PROMOTIONAL,)),
    },
    templates={
        "1107": Template(
            dlt_template_id="1107",
            name="otp",
            headers=("ACMEBK",),
            category=Category.OTP,
            text="{#var#}",
        )
    },
)
BARE = Account(id="bare", name="Bare", carrier="sim", callback_hosts=())


class Clock:
    """A manual clock, in seconds."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


class Store:
    """A store on scripted answers or on a table in memory."""

    def __init__(self, *answers: Answer) -> None:
        self.clock = Clock()
        self.aws = ScriptedAws("dynamodb", *(answers or (Table(),)))
        self.store = DynamoCarrierStore(self.aws.client, "Accounts", self.clock)


def test_what_was_put_is_read() -> None:
    store = Store().store
    store.put_account(ACCOUNT)
    store.put_account(BARE)
    store.put_credential(CREDENTIAL)
    store.put_carrier(CARRIER)
    assert store.account("acme") == ACCOUNT.model_copy(update={"version": 1})
    assert store.account("bare") == BARE.model_copy(update={"version": 1})
    assert store.credential("user") == CREDENTIAL
    assert store.carrier("sim") == CARRIER


def test_items_have_the_documented_keys() -> None:
    table = Table()
    store = Store(table).store
    store.put_account(ACCOUNT)
    store.put_credential(CREDENTIAL)
    store.put_carrier(CARRIER)
    assert set(table.items) == {
        ("account#acme", "account"),
        ("account#acme", "callback#main"),
        ("account#acme", "sender#ACMEBK"),
        ("account#acme", "sender#123456"),
        ("account#acme", "template#1107"),
        ("account#acme", "credential#user"),
        ("credential#user", "credential"),
        ("carrier#sim", "carrier"),
    }
    assert "ACMEBK" not in table.items["account#acme", "account"]["data"]["S"]


def test_a_store_may_leave_the_templates_out() -> None:
    aws = ScriptedAws("dynamodb", Table())
    DynamoAccountStore(aws.client, "Accounts").put_account(ACCOUNT)
    account = DynamoAccountStore(aws.client, "Accounts", templates=False).account("acme")
    assert account == ACCOUNT.model_copy(update={"templates": {}, "version": 1})


def test_an_unchanged_account_is_the_same_object_for_one_read_of_one_item() -> None:
    store = Store()
    store.store.put_account(ACCOUNT)
    first = store.store.account("acme")
    store.clock.now += CACHE_S
    store.aws.requests.clear()
    assert store.store.account("acme") is first
    assert store.aws.operations == ["GetItem"]


def test_a_changed_account_is_read_anew() -> None:
    store = Store()
    store.store.put_account(ACCOUNT)
    store.store.account("acme")
    store.store.put_account(ACCOUNT.model_copy(update={"name": "Acme Ltd"}))
    store.clock.now += CACHE_S
    changed = store.store.account("acme")
    assert changed is not None
    assert (changed.name, changed.version) == ("Acme Ltd", 2)
    assert changed.templates == ACCOUNT.templates


def test_what_is_absent_is_none() -> None:
    store = Store().store
    assert store.account("acme") is None
    assert store.credential("user") is None
    assert store.carrier("sim") is None


def test_senders_without_their_account_are_no_account() -> None:
    table = Table()
    store = Store(table).store
    store.put_account(ACCOUNT)
    del table.items["account#acme", "account"]
    assert store.account("acme") is None


def test_an_answer_holds_for_a_minute() -> None:
    store = Store()
    store.store.put_credential(CREDENTIAL)
    for now, reads in ((100.0, 1), (100.0 + CACHE_S - 0.1, 1), (100.0 + CACHE_S, 2)):
        store.clock.now = now
        assert store.store.credential("user") == CREDENTIAL
        assert store.aws.operations.count("GetItem") == reads


def test_what_was_absent_is_read_anew() -> None:
    store = Store()
    assert store.store.credential("nobody") is None
    store.store.put_credential(CREDENTIAL.model_copy(update={"username": "nobody"}))
    store.clock.now += 1
    assert store.store.credential("nobody") is not None


def test_everything_is_read_consistently() -> None:
    """An eventually consistent read might miss a write, and the cache would keep the result."""
    store = Store()
    store.store.put_account(ACCOUNT)
    for _ in range(2):
        store.store.account("acme")
        store.store.credential("user")
        store.store.carrier("sim")
        store.clock.now += CACHE_S
    reads = [params for name, params in store.aws.requests if name in ("GetItem", "Query")]
    assert len(reads) >= 6
    assert all(params["ConsistentRead"] for params in reads)


def test_wrong_user_names_push_out_no_account() -> None:
    """An account's templates and their index take seconds to read and to build."""
    store = Store()
    store.store.put_account(ACCOUNT)
    first = store.store.account("acme")
    for number in range(3 * CACHE_LIMIT):
        store.store.credential(f"nobody{number}")
    store.aws.requests.clear()
    assert store.store.account("acme") is first
    assert store.aws.operations == []


def test_kinds_do_not_share_names() -> None:
    store = Store().store
    store.put_carrier(CARRIER)
    assert store.account("sim") is None
    assert store.carrier("sim") == CARRIER


def test_what_is_remembered_is_bounded() -> None:
    store = Store({})
    for number in range(CACHE_LIMIT + 1):
        store.store.credential(str(number))
    store.store.credential("0")
    assert len(store.aws.requests) == CACHE_LIMIT + 2


@pytest.mark.parametrize("failure", [Refusal("ThrottlingException"), LOST])
def test_a_failure_is_an_unavailable_store_and_is_not_remembered(failure: Exception) -> None:
    store = Store(failure, failure, failure, failure, {})
    for read in (store.store.credential, store.store.account, store.store.carrier):
        with pytest.raises(StoreUnavailable):
            read("x")
    with pytest.raises(StoreUnavailable):
        store.store.put_credential(CREDENTIAL)
    assert store.store.credential("x") is None


def test_a_name_longer_than_a_key_is_unknown_without_a_call() -> None:
    aws = ScriptedAws("dynamodb")
    assert DynamoAccountStore(aws.client, "Accounts").credential("x" * 3000) is None
