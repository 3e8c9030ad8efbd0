"""The rights of callers, by credential, scope and network."""

from collections.abc import Callable
from typing import Any

import pytest

from harkara.api.authentication import Authenticator, Presented
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.model.accounts import Account, Caller, Credential, Scope, Secret, hash_secret
from tests.support.fakes import FakeAccountStore

NOW = 1_767_258_000
PEPPER = b"pepper"
SOURCE = "203.0.113.10"
ACCOUNT = Account(id="acme", name="Acme", carrier="sim")


def secret(text: str, expires_at_s: int = 0) -> Secret:
    return Secret(hash=hash_secret(PEPPER, text), expires_at_s=expires_at_s)


def credential(**fields: Any) -> Credential:
    given = {"username": "user", "account_id": "acme", "secrets": (secret("right"),), **fields}
    return Credential(**given)


def authenticate(
    found: Credential,
    username: str = "user",
    given: str = "right",
    scope: Scope = Scope.SEND,
    source_ip: str = SOURCE,
) -> Caller:
    store = FakeAccountStore({"acme": ACCOUNT}, {found.username: found})
    service = Authenticator(store, PEPPER, lambda: float(NOW))
    return service.authenticate(Presented(username, given), scope, source_ip)


def refusal(found: Credential, **given: Any) -> RequestRefused:
    with pytest.raises(RequestRefused) as refused:
        authenticate(found, **given)
    return refused.value


def test_the_right_secret_opens_its_account() -> None:
    found = credential()
    assert authenticate(found) == (ACCOUNT, found)


@pytest.mark.parametrize(
    ("fields", "given"),
    [
        pytest.param({}, {"given": "wrong"}, id="a wrong secret"),
        pytest.param({}, {"given": ""}, id="no secret"),
        pytest.param({}, {"given": "\ud800"}, id="a lone surrogate for a secret"),
        pytest.param({}, {"username": "nobody"}, id="an unknown user"),
        pytest.param({}, {"username": "user\ud800"}, id="no name of a user"),
        pytest.param({}, {"username": "", "given": ""}, id="nothing"),
        pytest.param({"account_id": "gone"}, {}, id="an account that is gone"),
        pytest.param(
            {"account_id": "gone", "networks": ("198.51.100.0/24",)}, {}, id="gone, from elsewhere"
        ),
        pytest.param({"secrets": ()}, {}, id="a credential without secrets"),
        pytest.param({"secrets": (secret("right", NOW),)}, {}, id="a secret that has ended"),
        pytest.param({"expires_at_s": NOW}, {}, id="a credential that has ended"),
        pytest.param(
            {"networks": ("198.51.100.0/24",)}, {"given": "wrong"}, id="wrong, from elsewhere"
        ),
        pytest.param({"scopes": ()}, {"given": "wrong"}, id="wrong, for no scope"),
    ],
)
def test_nothing_else_does_and_all_of_it_looks_alike(
    fields: dict[str, Any], given: dict[str, Any]
) -> None:
    refused = refusal(credential(**fields), **given)
    assert refused.code is Code.UNAUTHORIZED
    assert refused.message == RequestRefused(Code.UNAUTHORIZED).message


@pytest.mark.parametrize("username", ["", "user.", "user\ud800", "u" * 65])
def test_the_store_is_not_asked_for_what_is_no_name_of_a_user(username: str) -> None:
    class Store(FakeAccountStore):
        def credential(
            self, username: str, suits: Callable[[Credential], bool] | None = None
        ) -> Credential | None:
            raise AssertionError("asked")

    service = Authenticator(Store(), PEPPER, lambda: float(NOW))
    with pytest.raises(RequestRefused) as refused:
        service.authenticate(Presented(username, "right"), Scope.SEND, SOURCE)
    assert refused.value.code is Code.UNAUTHORIZED


@pytest.mark.parametrize("given", ["old", "new"])
def test_both_secrets_pass_while_they_are_rotated(given: str) -> None:
    found = credential(secrets=(secret("new"), secret("old", NOW + 1)))
    assert authenticate(found, given=given).credential is found


@pytest.mark.parametrize(
    ("networks", "source_ip", "allowed"),
    [
        pytest.param((), "", True, id="any"),
        pytest.param(("203.0.113.0/24",), SOURCE, True, id="within"),
        pytest.param(("203.0.113.0/29",), SOURCE, False, id="outside"),
        pytest.param(("203.0.113.10",), SOURCE, True, id="one address"),
        pytest.param(("198.51.100.0/24", "203.0.113.0/24"), SOURCE, True, id="the second"),
        pytest.param(("2001:db8::/32",), "2001:db8::7", True, id="IPv6 within"),
        pytest.param(("2001:db8::/32",), "2001:db9::7", False, id="IPv6 outside"),
        pytest.param(("2001:db8::/32",), SOURCE, False, id="IPv4 where IPv6 is allowed"),
        pytest.param(("0.0.0.0/0",), "", False, id="no address"),
        pytest.param(("0.0.0.0/0",), "unknown", False, id="what is no address"),
    ],
)
def test_a_credential_is_used_from_its_networks(
    networks: tuple[str, ...], source_ip: str, allowed: bool
) -> None:
    found = credential(networks=networks)
    if allowed:
        assert authenticate(found, source_ip=source_ip).credential is found
    else:
        assert refusal(found, source_ip=source_ip).code is Code.ADDRESS_NOT_ALLOWED


@pytest.mark.parametrize("scope", Scope)
def test_a_scope_is_for_itself_alone(scope: Scope) -> None:
    assert authenticate(credential(scopes=(scope,)), scope=scope).account is ACCOUNT
    others = tuple(other for other in Scope if other is not scope)
    refused = refusal(credential(scopes=others), scope=scope)
    assert refused.code is Code.SCOPE_MISSING
    assert f"scope: {scope}" in refused.message
