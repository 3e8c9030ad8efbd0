"""An account's resources in DynamoDB: read in order, and changed so that every reader sees it."""

import itertools
import math
from typing import Any

import pytest

from harkara.aws.accounts import CACHE_S, DynamoAccountStore
from harkara.aws.registry import DynamoRegistry
from harkara.aws.table import CHANGES, WRITE_BATCH
from harkara.base.errors import StoreUnavailable
from harkara.base.time import Deadline
from harkara.model.accounts import Account, Credential, Sender, Template
from harkara.model.answers import Keyword, KeywordAnswer
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.fields import Part, name_of
from harkara.model.messages import Category
from tests.support.tables import Table
from tests.unit.scripted_aws import LOST, Answer, Refusal, ScriptedAws

ACME = Account(id="acme", name="Acme", carrier="sim")
SENDER = Sender(header="ACMEBK", categories=(Category.OTP,))
ANSWER = KeywordAnswer(
    keyword=Keyword.STOP, header="ACMEBK", category=Category.TRANSACTIONAL, text="No more."
)
CALLBACK = CallbackEndpoint(id="main", url="https://api.clevertap.com/dlr")
DEADLINE = Deadline(lambda: math.inf)


def template(number: int, text: str = "x") -> Template:
    return Template(dlt_template_id=str(number), category=Category.OTP, text=text)


PARTS: list[tuple[Part, Part]] = [
    (SENDER, SENDER.model_copy(update={"pe_id": "110117297442"})),
    (template(1107), template(1107, "y")),
    (CALLBACK, CALLBACK.model_copy(update={"name": "Main"})),
    (ANSWER, ANSWER.model_copy(update={"text": "Bye."})),
]
IDS = ["sender", "template", "callback", "answer"]


class World:
    """A registry and the functions' store on one table, or on scripted answers."""

    def __init__(self, *answers: Answer) -> None:
        self.table = Table(page=3)
        self.aws = ScriptedAws("dynamodb", *(answers or (self.table,)))
        self.paused_s: list[float] = []
        self.registry = DynamoRegistry(self.aws.client, "Accounts", self.paused_s.append)
        self.now_s = 0.0
        self.functions = DynamoAccountStore(self.aws.client, "Accounts", lambda: self.now_s)

    def with_account(self, account: Account = ACME) -> "World":
        self.functions.put_account(account)
        self.functions.account(account.id)
        self.aws.requests.clear()
        return self

    def account(self) -> Account:
        """Return the account as a function reads it after its cache expired."""
        self.now_s += CACHE_S
        account = self.functions.account("acme")
        assert account is not None
        return account


def cancelled(*codes: str) -> Refusal:
    reasons = [{"Code": code} for code in codes]
    return Refusal("TransactionCanceledException", CancellationReasons=reasons)


@pytest.mark.parametrize(("part", "changed"), PARTS, ids=IDS)
def test_functions_see_every_change_in_a_minute(part: Part, changed: Part) -> None:
    world = World().with_account()
    name = name_of(part)
    assert world.registry.create("acme", part)
    account = world.account()
    parts = (account.senders, account.templates, account.callbacks, account.answers)
    assert {name: part} in parts
    assert world.registry.change("acme", type(part), name, lambda _: changed) == changed
    assert world.registry.get("acme", type(part), name) == changed
    assert world.account().version == 3
    assert world.registry.remove("acme", type(part), name)
    assert world.registry.get("acme", type(part), name) is None
    assert world.account() == ACME.model_copy(update={"version": 4})


@pytest.mark.parametrize(("part", "changed"), PARTS, ids=IDS)
def test_what_may_not_be_done_changes_nothing(part: Part, changed: Part) -> None:
    world = World().with_account()
    assert world.registry.change("acme", type(part), name_of(part), lambda _: changed) is None
    assert not world.registry.remove("acme", type(part), name_of(part))
    world.registry.create("acme", part)
    before = dict(world.table.items)
    assert not world.registry.create("acme", changed)
    assert world.table.items == before


def test_a_change_and_its_version_are_one_transaction() -> None:
    world = World().with_account()
    world.registry.create("acme", SENDER)
    world.registry.change("acme", Sender, "ACMEBK", lambda sender: sender)
    world.registry.remove("acme", Sender, "ACMEBK")
    writes = [each for each in world.aws.operations if each != "GetItem"]
    assert writes == ["TransactWriteItems"] * 3


def test_a_change_is_made_anew_of_what_somebody_else_made_meanwhile() -> None:
    world = World().with_account()
    world.registry.create("acme", CALLBACK)
    others = iter(["first", "second"])

    def rename(callback: CallbackEndpoint) -> CallbackEndpoint:
        if name := next(others, ""):
            other = callback.model_copy(update={"name": name})
            world.registry.change("acme", CallbackEndpoint, "main", lambda _: other)
        return callback.model_copy(update={"rate_per_s": 5.0})

    changed = world.registry.change("acme", CallbackEndpoint, "main", rename)
    assert changed == CALLBACK.model_copy(update={"name": "second", "rate_per_s": 5.0})
    assert world.registry.get("acme", CallbackEndpoint, "main") == changed


def test_a_part_that_others_keep_changing_is_unavailable() -> None:
    world = World().with_account()
    world.registry.create("acme", CALLBACK)
    numbers = itertools.count()

    def lose(callback: CallbackEndpoint) -> CallbackEndpoint:
        other = callback.model_copy(update={"name": str(next(numbers))})
        world.registry.change("acme", CallbackEndpoint, "main", lambda _: other)
        return callback

    with pytest.raises(StoreUnavailable, match="changing"):
        world.registry.change("acme", CallbackEndpoint, "main", lose)
    assert next(numbers) == CHANGES


def test_parts_are_found_in_order_page_by_page() -> None:
    world = World().with_account()
    templates = [template(number) for number in range(10, 18)]
    world.registry.put_all("acme", [*reversed(templates), SENDER, CALLBACK], DEADLINE)
    assert world.registry.find("acme", Template) == templates
    assert world.registry.find("acme", Template, "12", 4) == templates[3:7]
    assert world.registry.find("acme", Template, "115", 1) == templates[2:3]
    assert world.registry.find("acme", Template, "17", 4) == []
    assert world.registry.find("acme", Sender) == [SENDER]
    assert world.registry.find("acme", CallbackEndpoint, "", 1) == [CALLBACK]
    assert world.registry.find("other", Template) == []


def test_no_more_is_read_than_is_wanted() -> None:
    world = World().with_account()
    world.registry.put_all("acme", [template(number) for number in range(10, 18)], DEADLINE)
    world.aws.requests.clear()
    world.registry.find("acme", Template, "", 2)
    ((operation, request),) = world.aws.requests
    assert (operation, request["Limit"]) == ("Query", 2)


def test_reads_are_consistent() -> None:
    world = World().with_account()
    world.registry.create("acme", SENDER)
    world.aws.requests.clear()
    world.registry.get("acme", Sender, "ACMEBK")
    world.registry.find("acme", Sender)
    assert [request["ConsistentRead"] for _, request in world.aws.requests] == [True, True]


def test_many_parts_go_in_by_batches_and_the_version_after_them() -> None:
    world = World().with_account()
    templates = [template(number) for number in range(1000, 1000 + 2 * WRITE_BATCH + 1)]
    world.registry.put_all("acme", templates, DEADLINE)
    assert sorted(world.aws.operations[:-1]) == ["BatchWriteItem"] * 3
    assert world.aws.operations[-1] == "UpdateItem"
    assert list(world.account().templates.values()) == templates
    world.registry.put_all("acme", [], DEADLINE)
    assert world.account().version == 3


def test_items_that_were_left_over_are_put_again() -> None:
    table = Table()
    left: list[int] = [20, 7]

    def busy(operation: str, params: dict[str, Any]) -> Any:
        if operation != "BatchWriteItem" or not left:
            return table(operation, params)
        requests = params["RequestItems"]["Accounts"]
        keep = left.pop(0)
        table(operation, {"RequestItems": {"Accounts": requests[keep:]}})
        return {"UnprocessedItems": {"Accounts": requests[:keep]}}

    world = World(busy).with_account()
    templates = [template(number) for number in range(1000, 1000 + WRITE_BATCH)]
    world.registry.put_all("acme", templates, DEADLINE)
    assert world.registry.find("acme", Template) == templates
    assert len(world.paused_s) == 2


def test_a_table_that_stays_busy_is_unavailable_and_what_is_in_is_shown() -> None:
    table = Table()

    def busy(operation: str, params: dict[str, Any]) -> Any:
        if operation != "BatchWriteItem":
            return table(operation, params)
        first, *rest = params["RequestItems"]["Accounts"]
        if rest:
            table(operation, {"RequestItems": {"Accounts": [first]}})
        return {"UnprocessedItems": {"Accounts": rest or [first]}}

    world = World(busy).with_account()
    with pytest.raises(StoreUnavailable, match="busy"):
        world.registry.put_all("acme", [template(number) for number in range(10, 30)], DEADLINE)
    assert len(world.account().templates) == 19


def test_no_batch_begins_once_the_time_is_up() -> None:
    world = World().with_account()
    remaining_s = [29.0]
    deadline = Deadline(lambda: remaining_s[0])
    remaining_s[0] = 1.0
    with pytest.raises(StoreUnavailable, match="time"):
        world.registry.put_all("acme", [SENDER], deadline)
    assert world.aws.operations == ["UpdateItem"]


def test_a_transaction_that_met_another_is_repeated() -> None:
    world = World(
        cancelled("None", "TransactionConflict"), cancelled("TransactionConflict", "None"), {}
    )
    assert world.registry.create("acme", SENDER)
    assert len(world.paused_s) == 2


@pytest.mark.parametrize(
    ("answer", "repeats"),
    [
        pytest.param(cancelled("None", "ThrottlingError"), True, id="busy"),
        pytest.param(cancelled("None", "ConditionalCheckFailed"), False, id="the account is gone"),
        pytest.param(cancelled("ValidationError", "None"), False, id="not valid"),
        pytest.param(Refusal("AccessDeniedException"), False, id="refused"),
        pytest.param(LOST, False, id="lost"),
    ],
)
def test_another_failure_is_an_unavailable_store(answer: Exception, repeats: bool) -> None:
    world = World(answer)
    with pytest.raises(StoreUnavailable):
        world.registry.create("acme", SENDER)
    assert (len(world.aws.requests) > 1) is repeats


def test_reads_and_batches_that_fail_are_an_unavailable_store() -> None:
    world = World(LOST)
    for call in (
        lambda: world.registry.get("acme", Sender, "ACMEBK"),
        lambda: world.registry.find("acme", Sender),
        lambda: world.registry.put_all("acme", [SENDER], DEADLINE),
        lambda: world.registry.credentials("acme"),
        lambda: world.registry.default_callback("acme"),
    ):
        with pytest.raises(StoreUnavailable):
            call()


def test_no_version_is_made_for_an_account_that_is_not_there() -> None:
    world = World()
    with pytest.raises(StoreUnavailable):
        world.registry.create("acme", SENDER)
    assert world.table.items == {}


def test_the_credentials_of_an_account_are_found() -> None:
    world = World()
    own = [Credential(username=name, account_id="acme", secrets=()) for name in ("a", "b")]
    other = Credential(username="c", account_id="other", secrets=())
    for credential in (*own, other):
        world.functions.put_credential(credential)
    assert world.registry.credentials("acme") == own


def test_an_index_item_of_another_accounts_credential_or_of_none_is_passed_over() -> None:
    world = World()
    for account_id in ("acme", "other"):
        world.functions.put_credential(Credential(username="a", account_id=account_id, secrets=()))
    assert world.registry.credentials("acme") == []
    del world.table.items["credential#a", "credential"]
    assert world.registry.credentials("other") == []


def test_the_default_callback_is_that_of_the_account_as_it_stands() -> None:
    world = World().with_account(ACME.model_copy(update={"default_callback": "main"}))
    assert world.registry.default_callback("acme") == "main"
    assert world.registry.default_callback("nobody") == ""
    assert all(request.get("ConsistentRead") for _, request in world.aws.requests)
    world.with_account(ACME)
    assert world.registry.default_callback("acme") == ""
