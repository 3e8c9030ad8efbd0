"""Accounts: secrets, tokens, and the allowed callback URLs."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from harkara.carriers.settings import CarrierSettings, hash_token, token_matches
from harkara.model.accounts import (
    Account,
    Credential,
    Enforcement,
    Secret,
    hash_secret,
    secret_matches,
)
from harkara.model.callbacks import UrlRules
from tests.cases.reading import rows
from tests.support.fakes import calling_back

PEPPER = b"pepper"
CREDENTIAL = Credential(
    username="acme", account_id="acme", secrets=(Secret(hash=hash_secret(PEPPER, "right")),)
)
ACCOUNT = Account(
    id="acme", name="Acme", carrier="sim", **calling_back("https://hooks.acme.in/dlr?key=1")
)
LOCAL = Account(
    id="local",
    name="Local",
    carrier="sim",
    **calling_back("http://127.0.0.1:8092/clevertap/local"),
    callback_hosts=("127.0.0.1", "localhost", "::1", "10.0.0.1"),
)


def test_a_secrets_hash_is_keyed() -> None:
    # RFC 4231's test case 2 is HMAC-SHA-256 under the key "Jefe".
    assert (
        hash_secret(b"Jefe", "what do ya want for nothing?")
        == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )


def test_a_tokens_hash_is_sha_256() -> None:
    # FIPS 180-4's example.
    assert hash_token("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@pytest.mark.parametrize(
    ("pepper", "secret", "credential", "matches"),
    [
        pytest.param(PEPPER, "right", CREDENTIAL, True, id="right"),
        pytest.param(PEPPER, "wrong", CREDENTIAL, False, id="wrong"),
        pytest.param(PEPPER, "", CREDENTIAL, False, id="empty"),
        pytest.param(PEPPER, "right ", CREDENTIAL, False, id="a space more"),
        pytest.param(b"other", "right", CREDENTIAL, False, id="another pepper"),
        pytest.param(PEPPER, "right", None, False, id="unknown user"),
        pytest.param(PEPPER, "", None, False, id="unknown user, empty secret"),
    ],
)
def test_a_secret_matches_its_credential_only(
    pepper: bytes, secret: str, credential: Credential | None, matches: bool
) -> None:
    assert secret_matches(pepper, secret, credential, 0) is matches


def test_an_unknown_user_costs_as_much_as_a_wrong_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both cases take one hash and one comparison of equal lengths."""
    work: list[tuple[int, int]] = []

    def compare(ours: str, theirs: str) -> bool:
        work.append((len(ours), len(theirs)))
        return False

    monkeypatch.setattr("harkara.model.accounts.hmac.compare_digest", compare)
    secret_matches(PEPPER, "wrong", CREDENTIAL, 0)
    secret_matches(PEPPER, "wrong", None, 0)
    assert work == [(64, 64), (64, 64)]


def test_no_credential_matches_even_when_the_comparison_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("harkara.model.accounts.hmac.compare_digest", lambda *_: True)
    assert secret_matches(PEPPER, "any", None, 0) is False
    assert secret_matches(PEPPER, "any", CREDENTIAL, 0) is True


@pytest.mark.parametrize(
    ("token", "tokens", "matches"),
    [
        pytest.param("token", ["token"], True, id="right"),
        pytest.param("old", ["token", "old"], True, id="the one before"),
        pytest.param("Token", ["token", "old"], False, id="another case"),
        pytest.param("", ["token"], False, id="empty"),
        pytest.param("token", [], False, id="unknown carrier"),
        pytest.param("", [], False, id="unknown carrier, empty token"),
    ],
)
def test_a_token_matches_its_hash_only(token: str, tokens: list[str], matches: bool) -> None:
    assert token_matches(token, tuple(map(hash_token, tokens))) is matches


@pytest.mark.parametrize("row", rows("callback_urls"))
def test_a_callback_goes_where_the_account_may_send_it(row: tuple[str, bool]) -> None:
    url, allowed = row
    assert ACCOUNT.may_call_back(url, UrlRules()) is allowed


@pytest.mark.parametrize("row", rows("callback_urls"))
def test_the_local_stack_lets_no_more_names_through(row: tuple[str, bool]) -> None:
    url, allowed = row
    assert ACCOUNT.may_call_back(url, UrlRules(loopback=True)) is allowed


@pytest.mark.parametrize(
    ("url", "private", "allowed"),
    [
        pytest.param("http://127.0.0.1:8092/x", True, True, id="loopback on the local stack"),
        pytest.param("http://[::1]:8092/x", True, True, id="IPv6 loopback on the local stack"),
        pytest.param("http://127.0.0.1:8092/x", False, False, id="loopback elsewhere"),
        pytest.param("http://localhost:8092/x", True, False, id="a name, although local"),
        pytest.param("http://10.0.0.1/x", True, False, id="a private address"),
    ],
)
def test_plain_http_goes_to_this_machine_on_the_local_stack(
    url: str, private: bool, allowed: bool
) -> None:
    assert LOCAL.may_call_back(url, UrlRules(loopback=private)) is allowed


def test_an_account_without_a_url_allows_no_empty_host() -> None:
    account = Account(id="acme", name="Acme", carrier="sim")
    assert account.may_call_back("https:///x", UrlRules(loopback=True)) is False
    assert account.may_call_back("https://clevertap.com/x", UrlRules()) is True


def test_a_new_account_is_held_to_the_rules() -> None:
    account = Account(id="acme", name="Acme", carrier="sim")
    assert account.dlt is Enforcement.ENFORCE
    assert account.countries == ("IN",)
    assert account.segment_limit == 10


@pytest.mark.parametrize(
    ("model", "fields", "field"),
    [
        pytest.param(Account, {"id": "x", "name": "x", "carrier": 7}, "carrier", id="account"),
        pytest.param(
            Credential, {"username": "u", "account_id": "a", "secrets": "s3cret"},
            "secrets", id="credential",
        ),
        pytest.param(
            Credential, {"username": "s3cret.", "account_id": "a", "secrets": ()},
            "username", id="a dot in a user name",
        ),
        pytest.param(
            Credential, {"username": "s3cret" * 11, "account_id": "a", "secrets": ()},
            "username", id="a long user name",
        ),
        pytest.param(
            Credential,
            {"username": "u", "account_id": "a", "secrets": (), "networks": ("::1", "s3cret")},
            "network 1", id="no network",
        ),
        pytest.param(
            Credential,
            {"username": "u", "account_id": "a", "secrets": (), "networks": ("10.0.0.1/8",)},
            "network 0", id="a network with the address of a host",
        ),
        pytest.param(
            CarrierSettings,
            {**dict.fromkeys(("name", "kind", "url", "username"), "s3cret"),
             "secret": b"x", "timeout_s": 31},
            "timeout_s", id="carrier",
        ),
    ],
)  # fmt: skip
def test_an_error_names_the_field_and_never_what_stood_in_it(
    model: type[BaseModel], fields: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError) as error:
        model.model_validate(fields)
    assert field in str(error.value)
    assert "s3cret" not in str(error.value)
    assert "31" not in str(error.value)
