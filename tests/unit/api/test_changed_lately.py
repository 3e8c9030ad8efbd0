"""A recent change takes effect, though a warm process has older records cached.

Each row changes a record after a process has read it, then makes a request that only the change
allows.
"""

import hashlib
import hmac
from collections.abc import Callable

import pytest

from harkara.accept.requests import Options
from harkara.aws.accounts import DynamoAccountStore
from harkara.aws.destinations import KmsDestinations
from harkara.carriers.settings import hash_token
from harkara.model.accounts import Enforcement, Scope, Secret, Template, hash_secret
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.messages import Endpoint
from tests.unit.changing import (
    CARRIER,
    CREDENTIAL,
    HEADER,
    MAIN,
    PEPPER,
    RECORD,
    SPARE,
    TEMPLATE,
    Deployment,
)
from tests.unit.scripted_aws import ScriptedAws


def nothing(on: Deployment) -> None:
    """Change nothing."""


def secrets(text: str) -> tuple[Secret, ...]:
    return (Secret(hash=hash_secret(PEPPER, text)),)


UNMATCHED = RECORD._replace(dlt_template_id=TEMPLATE.dlt_template_id)
SIGNED = {"receipt_signature_header": "x-mac", "receipt_secret": b"old"}
MAC = {"x-mac": hmac.digest(b"new", b"{}", hashlib.sha256).hex()}


@pytest.mark.parametrize(
    ("before", "ask", "change"),
    [
        pytest.param(
            nothing,
            lambda on: on.authenticate("fresh"),
            lambda on: on.operator.create_credential(
                CREDENTIAL.model_copy(update={"username": "fresh"})
            ),
            id="a credential",
        ),
        pytest.param(
            nothing,
            lambda on: on.authenticate(secret="new"),
            lambda on: on.set_credential(secrets=secrets("new")),
            id="a rotated secret",
        ),
        pytest.param(
            nothing,
            lambda on: on.authenticate(scope=Scope.ADMIN),
            lambda on: on.set_credential(scopes=tuple(Scope)),
            id="a scope",
        ),
        pytest.param(
            nothing,
            lambda on: on.authenticate(source="198.51.100.1"),
            lambda on: on.set_credential(networks=()),
            id="networks of a credential",
        ),
        pytest.param(
            lambda on: on.set_account(draining=True, dlt=Enforcement.OFF),
            lambda on: on.send(),
            lambda on: on.set_account(draining=False),
            id="an account that is resumed",
        ),
        pytest.param(
            nothing,
            lambda on: on.send(),
            lambda on: on.set_account(dlt=Enforcement.OFF),
            id="rules of DLT that are off",
        ),
        pytest.param(
            lambda on: on.register(TEMPLATE),
            lambda on: on.send(),
            lambda on: on.register(HEADER),
            id="a header",
        ),
        pytest.param(
            lambda on: on.set_account(strict_templates=True) or on.register(HEADER),
            lambda on: on.send(UNMATCHED),
            lambda on: on.register(TEMPLATE),
            id="a template that is named",
        ),
        pytest.param(
            lambda on: on.set_account(strict_templates=True) or on.register(HEADER),
            lambda on: on.send(),
            lambda on: on.register(TEMPLATE),
            id="a template that is looked for",
        ),
        pytest.param(
            lambda on: on.register(HEADER, TEMPLATE.model_copy(update={"text": "Another"})),
            lambda on: on.send(UNMATCHED),
            lambda on: on.registry.change(
                "acme", Template, TEMPLATE.dlt_template_id, lambda _: TEMPLATE
            ),
            id="a template's text",
        ),
        pytest.param(
            lambda on: on.set_account(dlt=Enforcement.OFF),
            lambda on: on.send(RECORD._replace(to="447400123456")),
            lambda on: on.set_account(countries=("IN", "GB")),
            id="a country",
        ),
        pytest.param(
            lambda on: on.set_account(dlt=Enforcement.OFF),
            lambda on: on.send(RECORD._replace(options=Options(shorten_urls=True))),
            lambda on: on.set_account(short_domain="go.acme.in"),
            id="a short domain",
        ),
        pytest.param(
            lambda on: on.set_account(dlt=Enforcement.OFF),
            lambda on: on.send(callback_url="https://new.example/dlr"),
            lambda on: on.set_account(callback_hosts=("new.example",)),
            id="a host that callbacks may go to",
        ),
        pytest.param(
            nothing,
            lambda on: on.receipt(token="new"),
            lambda on: on.set_carrier(
                receipt_token_hashes=(hash_token("new"), hash_token("token"))
            ),
            id="a receipt URL",
        ),
        pytest.param(
            lambda on: on.set_carrier(receipt_networks=("198.51.100.0/24",)),
            lambda on: on.receipt(),
            lambda on: on.set_carrier(receipt_networks=()),
            id="networks of a carrier",
        ),
        pytest.param(
            lambda on: on.set_carrier(**SIGNED),
            lambda on: on.receipt(headers=MAC),
            lambda on: on.set_carrier(receipt_secret=b"new"),
            id="a secret that receipts are signed with",
        ),
        pytest.param(
            nothing,
            lambda on: on.connect("spare"),
            lambda on: on.store.put_carrier(CARRIER.model_copy(update={"name": "spare"})),
            id="a carrier",
        ),
        pytest.param(
            lambda on: on.set_carrier(paused=True),
            lambda on: on.connect("sim"),
            lambda on: on.set_carrier(paused=False),
            id="a carrier that is resumed",
        ),
    ],
)
def test_what_was_refused_is_not_once_it_is_allowed(
    before: Callable[[Deployment], object],
    ask: Callable[[Deployment], object],
    change: Callable[[Deployment], object],
) -> None:
    on = Deployment()
    before(on)
    on.warm(lambda: ask(on))
    change(on)
    ask(on)


def test_a_rule_that_is_only_warned_of_is_that_of_now() -> None:
    on = Deployment()
    on.set_account(dlt=Enforcement.WARN)
    on.send()
    on.now_s += 5
    on.register(HEADER, TEMPLATE)
    assert [result.warning for result in on.send()] == [None]


def test_a_credentials_callback_is_that_of_its_account() -> None:
    """Both are new: otherwise its messages would be reported to the account's default callback."""
    on = Deployment()
    assert "spare" not in on.authenticate().account.callbacks
    on.now_s += 5
    on.register(SPARE)
    on.operator.create_credential(
        CREDENTIAL.model_copy(update={"username": "fresh", "callback": "spare"})
    )
    assert "spare" in on.authenticate("fresh").account.callbacks


@pytest.mark.parametrize("callback", ["", "main"])
def test_what_is_allowed_by_what_is_remembered_costs_no_read(callback: str) -> None:
    on = Deployment()
    on.set_credential(callback=callback)
    on.authenticate()
    on.aws.requests.clear()
    on.now_s += 5
    on.authenticate()
    assert on.aws.operations == []


# Destinations of callbacks


def destinations(on: Deployment) -> KmsDestinations:
    store = DynamoAccountStore(on.client, "Accounts", on.clock, templates=False)
    return KmsDestinations(store, ScriptedAws("kms", {"Plaintext": b"{}"}).client)


def test_a_callback_is_known_from_the_first_on() -> None:
    on = Deployment()
    found = destinations(on)
    assert found.find("acme", MAIN.endpoint)
    on.now_s += 20
    on.register(SPARE)
    destination = found.find("acme", SPARE.endpoint)
    assert destination is not None
    assert destination.settings == SPARE


def test_a_callback_that_was_removed_costs_few_reads() -> None:
    on = Deployment()
    found, removed = destinations(on), Endpoint("https://hooks.acme.in/", "clevertap", "gone")
    found.find("acme", MAIN.endpoint)
    on.now_s += 20
    on.aws.requests.clear()
    assert [found.find("acme", removed) for _ in range(1_000)] == [None] * 1_000
    assert on.aws.operations == ["GetItem"]


@pytest.mark.parametrize("anew", [True, False])
def test_what_failed_is_posted_to_where_its_callback_is_now(anew: bool) -> None:
    on = Deployment()
    found = destinations(on)
    found.find("acme", MAIN.endpoint)
    on.now_s += 5
    moved = MAIN.model_copy(update={"url": "https://hooks.acme.in/moved"})
    on.registry.change("acme", CallbackEndpoint, "main", lambda _: moved)
    destination = found.find("acme", MAIN.endpoint, anew=anew)
    assert destination is not None
    assert destination.settings.url == (moved if anew else MAIN).url
