"""An account's changes to its senders, templates, callbacks and answers."""

import math
from typing import Any

import pytest

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.base.time import Deadline
from harkara.manage.registry import ImportedRow, RegistryService
from harkara.model.accounts import Account, Credential, Enforcement, Sender, Template
from harkara.model.answers import KeywordAnswer
from harkara.model.callbacks import CallbackEndpoint, UrlRules
from harkara.model.fields import Part, name_of
from harkara.model.messages import Category, Endpoint
from tests.support.fakes import FakeAccountStore
from tests.support.registry import FakeCipher, FakeRegistry

URL = "https://api.clevertap.com/dlr"
MAIN = CallbackEndpoint(id="main", url=URL)
SPARE = CallbackEndpoint(id="spare", url=URL)
SENDER = {"header": "ACMEBK", "categories": ["otp"]}
TEMPLATE = {"template_id": "1107", "category": "otp", "text": "{#var#}"}
CALLBACK = {"id": "new", "url": URL}
ANSWER = {
    "keyword": "stop",
    "header": "ACMEBK",
    "category": "service_implicit",
    "text": "You get no more of Acme.",
    "template_id": "",
}
FIELDS: list[tuple[type[Part], dict[str, Any]]] = [
    (Sender, SENDER),
    (Template, TEMPLATE),
    (CallbackEndpoint, CALLBACK),
    (KeywordAnswer, ANSWER),
]
IDS = ["senders", "templates", "callbacks", "answers"]
DEADLINE = Deadline(lambda: math.inf)


class World:
    """An account with two callbacks, and another account with the same ones."""

    def __init__(self, *, private: bool = False) -> None:
        self.store = FakeAccountStore(
            {
                name: Account(
                    id=name,
                    name=name,
                    carrier="sim",
                    default_callback="main",
                    callback_hosts=("clevertap.com", "127.0.0.1"),
                    dlt=Enforcement.WARN,
                    callbacks={"main": MAIN, "spare": SPARE},
                )
                for name in ("acme", "other")
            }
        )
        self.registry = FakeRegistry(self.store)
        self.opened: list[tuple[str, Endpoint]] = []
        self.service = RegistryService(
            self.registry,
            FakeCipher(),
            lambda *endpoint: self.opened.append(endpoint),
            UrlRules(loopback=private),
        )

    @property
    def account(self) -> Account:
        return self.store.accounts["acme"]

    def create(self, kind: type[Part], fields: dict[str, Any]) -> Part:
        return self.service.create(self.account, kind, fields)

    def load(self, content: bytes) -> list[ImportedRow]:
        return self.service.import_templates(self.account, content, DEADLINE)


@pytest.fixture
def world() -> World:
    return World()


@pytest.mark.parametrize(("kind", "fields"), FIELDS, ids=IDS)
def test_what_was_created_is_read_replaced_and_removed(
    kind: type[Part], fields: dict[str, Any], world: World
) -> None:
    part = world.create(kind, fields)
    name = name_of(part)
    assert world.service.get(world.account, kind, name) == part
    assert part in world.service.page(world.account, kind).parts
    rest = {key: value for key, value in fields.items() if key != kind.name_field}
    field = {CallbackEndpoint: "name", KeywordAnswer: "text"}.get(kind, "pe_id")
    changed = {**rest, field: "110117297442"}
    assert world.service.replace(world.account, kind, name, changed) != part
    world.service.remove(world.account, kind, name)
    assert part not in world.service.page(world.account, kind).parts


@pytest.mark.parametrize(("kind", "fields"), FIELDS, ids=IDS)
def test_nothing_is_created_twice_or_changed_where_it_is_not(
    kind: type[Part], fields: dict[str, Any], world: World
) -> None:
    name = fields[kind.name_field]
    for absent in (
        lambda: world.service.get(world.account, kind, name),
        lambda: world.service.replace(world.account, kind, name, fields),
        lambda: world.service.remove(world.account, kind, name),
    ):
        with pytest.raises(RequestRefused, match="NOT_FOUND"):
            absent()
    world.create(kind, fields)
    with pytest.raises(RequestRefused, match="ALREADY_EXISTS"):
        world.create(kind, fields)


@pytest.mark.parametrize(("kind", "fields"), FIELDS, ids=IDS)
def test_another_account_sees_and_changes_nothing(
    kind: type[Part], fields: dict[str, Any], world: World
) -> None:
    world.create(kind, fields)
    name, other = fields[kind.name_field], world.store.accounts["other"]
    with pytest.raises(RequestRefused, match="NOT_FOUND"):
        world.service.get(other, kind, name)
    with pytest.raises(RequestRefused, match="NOT_FOUND"):
        world.service.replace(other, kind, name, fields)
    with pytest.raises(RequestRefused, match="NOT_FOUND"):
        world.service.remove(other, kind, name)
    assert name not in map(name_of, world.service.page(other, kind).parts)


def test_a_wrong_field_is_named(world: World) -> None:
    with pytest.raises(RequestRefused) as error:
        world.create(Sender, {**SENDER, "pe_id": "1"})
    assert error.value.code is Code.INVALID_REQUEST
    assert "(pe_id: 12 to 19 digits" in error.value.message


def test_a_name_in_the_body_is_that_of_the_url(world: World) -> None:
    world.create(Sender, SENDER)
    with pytest.raises(RequestRefused) as error:
        world.service.replace(world.account, Sender, "ACMEBK", {**SENDER, "header": "OTHERS"})
    assert "(header: the same as in the URL)" in error.value.message


@pytest.mark.parametrize(
    ("url", "private", "allowed"),
    [
        ("https://in1.api.clevertap.com/x", False, True),
        ("https://evil.example/x", False, False),
        ("https://clevertap.com.evil.example/x", False, False),
        ("http://api.clevertap.com/x", False, False),
        ("https://user@api.clevertap.com/x", False, False),
        ("http://127.0.0.1/x", False, False),
        ("http://127.0.0.1/x", True, True),
    ],
)
def test_a_callback_goes_where_the_account_may_call(url: str, private: bool, allowed: bool) -> None:
    world = World(private=private)
    if allowed:
        assert world.create(CallbackEndpoint, {**CALLBACK, "url": url})
        return
    with pytest.raises(RequestRefused) as error:
        world.create(CallbackEndpoint, {**CALLBACK, "url": url})
    assert "(url: an https URL on a host that the account allows)" in error.value.message
    assert url not in error.value.message


def test_a_callback_that_is_registered_or_changed_is_posted_to_again(world: World) -> None:
    world.create(CallbackEndpoint, CALLBACK)
    world.create(Sender, SENDER)
    world.service.replace(world.account, CallbackEndpoint, "new", {"url": f"{URL}/other"})
    assert world.opened == [
        ("acme", Endpoint(url, "clevertap", "new")) for url in (URL, f"{URL}/other")
    ]
    with pytest.raises(RequestRefused):
        world.create(CallbackEndpoint, CALLBACK)
    assert len(world.opened) == 2


def test_a_sender_names_a_callback_that_is_there(world: World) -> None:
    assert world.create(Sender, {**SENDER, "callback": "spare"})
    with pytest.raises(RequestRefused) as error:
        world.create(Sender, {**SENDER, "header": "OTHERS", "callback": "gone"})
    assert "(callback: the id of a registered callback)" in error.value.message


def test_the_default_callback_is_in_use(world: World) -> None:
    with pytest.raises(RequestRefused) as error:
        world.service.remove(world.account, CallbackEndpoint, "main")
    assert error.value.code is Code.IN_USE
    assert "(the account's default callback)" in error.value.message


def test_a_callback_is_in_use_by_the_account_as_it_stands_now(world: World) -> None:
    remembered = world.account
    world.store.accounts["acme"] = remembered.model_copy(update={"default_callback": "spare"})
    with pytest.raises(RequestRefused, match="IN_USE"):
        world.service.remove(remembered, CallbackEndpoint, "spare")
    world.service.remove(remembered, CallbackEndpoint, "main")
    assert set(world.account.callbacks) == {"spare"}


def test_a_callback_that_a_sender_names_is_in_use(world: World) -> None:
    world.create(Sender, {**SENDER, "callback": "spare"})
    with pytest.raises(RequestRefused, match="IN_USE") as error:
        world.service.remove(world.account, CallbackEndpoint, "spare")
    assert "(sender ACMEBK)" in error.value.message


def test_a_callback_that_a_credential_names_is_in_use_by_its_own_account_alone(
    world: World,
) -> None:
    world.store.credentials["sender-1"] = Credential(
        username="sender-1", account_id="acme", secrets=(), callback="spare"
    )
    with pytest.raises(RequestRefused, match="IN_USE") as error:
        world.service.remove(world.account, CallbackEndpoint, "spare")
    assert "(credential sender-1)" in error.value.message
    world.service.remove(world.store.accounts["other"], CallbackEndpoint, "spare")


TEXT = "You get no more of Acme."


@pytest.mark.parametrize(
    ("account", "fields", "refusal"),
    [
        pytest.param({}, {}, "", id="as it is registered"),
        pytest.param({"dlt": Enforcement.OFF}, {"text": "Any."}, "", id="without DLT"),
        pytest.param({"countries": ("US",)}, {"header": "GONE"}, "", id="not to India"),
        pytest.param({}, {"template_id": ""}, "", id="a template that is found"),
        pytest.param({}, {"header": "OTHERS"}, "HEADER_NOT_REGISTERED", id="a strange header"),
        pytest.param({}, {"category": "transactional"}, "INVALID_CATEGORY", id="another category"),
        pytest.param({}, {"text": "Bye."}, "TEMPLATE_MISMATCH", id="another text"),
        pytest.param({}, {"template_id": "", "text": "B."}, "TEMPLATE_NOT_FOUND", id="no template"),
        pytest.param({}, {"text": "Bye {#var#}"}, "UNFILLED_PLACEHOLDER", id="a variable"),
    ],
)
def test_an_answer_that_acceptance_would_refuse_is_refused(
    account: dict[str, Any], fields: dict[str, Any], refusal: str, world: World
) -> None:
    category = Category.SERVICE_IMPLICIT
    parts = {
        "senders": {"ACMEBK": Sender(header="ACMEBK", categories=(category,))},
        "templates": {"7": Template(dlt_template_id="7", category=category, text=TEXT)},
        "dlt": Enforcement.ENFORCE,
    }
    world.store.accounts["acme"] = world.account.model_copy(update={**parts, **account})
    given = {**ANSWER, "template_id": "7", **fields}
    if not refusal:
        assert world.create(KeywordAnswer, given)
        return
    with pytest.raises(RequestRefused) as refused:
        world.create(KeywordAnswer, given)
    assert refused.value.code is Code.INVALID_REQUEST
    assert f"(this answer would be refused: {refusal}" in refused.value.detail
    assert world.account.answers == {}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"keyword": "bye"}, "keyword: one of stop, start, help"),
        ({"category": "promotional"}, "category: one of transactional, service_implicit"),
        ({"category": "otp"}, "category: one of transactional, service_implicit"),
        ({"text": " "}, "text: 1 to 2,000 characters"),
        ({"text": "a\x00"}, "text: 1 to 2,000 characters"),
        ({"template_id": "x"}, "template_id: 1 to 19 digits"),
        ({"header": "a header too long"}, "header: a header"),
        ({"callback": "main"}, "unknown field: there are keyword, header"),
    ],
)
def test_a_field_of_an_answer_that_cannot_be_is_named(
    fields: dict[str, Any], words: str, world: World
) -> None:
    with pytest.raises(RequestRefused) as refused:
        world.create(KeywordAnswer, {**ANSWER, **fields})
    assert words in refused.value.detail
