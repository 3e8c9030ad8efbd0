"""Signing in to the console: invitations, passwords and one-time links."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from harkara.base.codes import Code
from harkara.base.errors import StoreUnavailable
from harkara.manage.proofs import Passwords
from harkara.model.people import (
    INVITATION_S,
    SESSION_S,
    SESSIONS_LIMIT,
    Role,
    Session,
)
from harkara.state.sign_in_limits import TryLimit
from tests.support.dynamo import ACCOUNTS
from tests.unit.signing_in import (
    ADDRESS,
    ASHA,
    BALA,
    NOON,
    OTHER,
    PASSWORD,
    Console,
    refused,
)

# Invitations


def test_who_is_invited_sets_a_password_and_is_signed_in() -> None:
    console = Console()
    token = console.invite(role="marketer")
    invited = console.people.invitation(token)
    assert invited is not None
    assert (invited.email, invited.account_id, invited.has_totp) == (ASHA, "acme", False)
    assert invited.is_invited
    session = console.session(console.people.accept_invitation(token, PASSWORD, ADDRESS))
    assert session == Session(
        session.session_id, ASHA, "acme", Role.MARKETER, NOON, NOON + SESSION_S
    )
    assert not console.user().is_invited
    assert console.session(console.sign_in()).email == ASHA


def test_no_secret_is_stored_or_shown_in_clear() -> None:
    console = Console()
    cookie = console.joined()
    secret = console.with_totp(cookie)
    token = console.invite()
    stored = str(console.dynamo.tables[ACCOUNTS].items)
    visible = repr(console.user()) + str(console.people.audit("acme"))
    for text in (PASSWORD, cookie, token, token.split(".")[3], secret.hex(), str(secret)[2:-1]):
        assert text not in stored + visible
    assert console.user().password_hash not in visible
    assert ASHA not in cookie + token


def test_a_token_works_once() -> None:
    console = Console()
    token = console.invite()
    console.people.accept_invitation(token, PASSWORD)
    assert console.people.invitation(token) is None
    refused(Code.NOT_FOUND, console.people.accept_invitation, token, OTHER)
    assert console.sign_in()


def test_a_token_works_for_an_hour() -> None:
    console = Console()
    token = console.invite()
    console.now_s += INVITATION_S - 1
    assert console.people.invitation(token)
    console.now_s += 1
    assert console.people.invitation(token) is None
    refused(Code.NOT_FOUND, console.people.accept_invitation, token, PASSWORD)


def test_a_further_invitation_ends_the_one_before() -> None:
    console = Console()
    first, second = console.invite(), console.invite()
    refused(Code.NOT_FOUND, console.people.accept_invitation, first, PASSWORD)
    assert console.people.accept_invitation(second, PASSWORD)


def test_a_lost_password_is_set_anew_and_ends_all_sessions() -> None:
    console = Console()
    cookies = [console.joined(), console.sign_in()]
    token = console.invite()
    assert all(map(console.people.person, cookies))
    cookie = console.people.accept_invitation(token, OTHER)
    assert not any(map(console.people.person, cookies))
    assert console.people.person(cookie)
    refused(Code.UNAUTHORIZED, console.sign_in)
    assert console.sign_in(password=OTHER)


def test_an_invitation_does_not_get_round_the_second_factor() -> None:
    console = Console(by_user=TryLimit(3, 60))
    secret = console.with_totp(console.joined())
    token = console.invite()
    invited = console.people.invitation(token)
    assert invited is not None
    assert invited.has_totp
    for code in ("", "000000"):
        refused(Code.UNAUTHORIZED, console.people.accept_invitation, token, OTHER, ADDRESS, code)
    refused(Code.RATE_LIMITED, console.people.accept_invitation, token, OTHER, ADDRESS, "1")
    console.now_s += 60
    code = console.code(secret)
    assert console.people.accept_invitation(token, OTHER, ADDRESS, code)


def test_a_bad_password_leaves_the_token_good() -> None:
    console = Console()
    token = console.invite()
    for password in ("short", "aaaaaaaaaaaaaaa", ASHA, "abcdefghijkl\0", "x" * 10_000):
        refusal = refused(Code.INVALID_REQUEST, console.people.accept_invitation, token, password)
        assert "password" in refusal.message
        assert password not in refusal.message
    assert console.people.accept_invitation(token, PASSWORD)


# Signing in


def test_a_session_lasts_twelve_hours() -> None:
    console = Console()
    console.joined()
    cookie = console.sign_in()
    console.now_s += SESSION_S - 1
    assert console.people.person(cookie)
    console.now_s += 1
    assert console.people.person(cookie) is None


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (ASHA, OTHER),
        (ASHA, ""),
        (ASHA, "x" * 100_000),
        (ASHA, "\ud800\0"),
        (BALA, PASSWORD),  # invited only
        (BALA, ""),
        ("nobody@acme.example", PASSWORD),
        ("", ""),
        ("\ud800@acme.example", PASSWORD),
        (f"{ASHA}\r\nbcc: x@y.example", PASSWORD),
        (f"{ASHA}\0", PASSWORD),
        ("a" * 100_000, PASSWORD),
    ],
)
def test_whatever_is_wrong_gets_one_answer_for_the_same_work(
    email: str, password: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    console = Console()
    console.joined()
    console.invite(BALA)
    done, scrypt = list[int](), hashlib.scrypt

    def noting(given: bytes, **cost: Any) -> bytes:
        done.append(cost["n"])
        return scrypt(given, **cost)

    monkeypatch.setattr(hashlib, "scrypt", noting)
    before = dict(console.dynamo.tables[ACCOUNTS].items)
    refusal = refused(Code.UNAUTHORIZED, console.sign_in, email, password)
    assert refusal.detail == ""
    assert done == [2]
    assert console.dynamo.tables[ACCOUNTS].items == before


@pytest.mark.parametrize("email", [ASHA.upper(), f" {ASHA} ", "Asha@Acme.Example"])
def test_an_address_is_read_as_people_type_it(email: str) -> None:
    console = Console()
    console.joined()
    assert console.session(console.sign_in(email)).email == ASHA


def test_a_hash_of_an_earlier_cost_is_renewed_by_signing_in() -> None:
    console = Console()
    console.joined()
    before = console.user().password_hash
    dearer = replace(console.people, passwords=Passwords(log_n=2, r=1, p=1))
    dearer.sign_in(ASHA, PASSWORD, "", ADDRESS)
    after = console.user().password_hash
    assert (before.split("$")[2], after.split("$")[2]) == ("ln=1,r=1,p=1", "ln=2,r=1,p=1")
    assert dearer.sign_in(ASHA, PASSWORD, "", ADDRESS)
    assert console.user().password_hash == after


def test_the_oldest_session_makes_room() -> None:
    console = Console()
    console.joined()
    console.now_s += SESSION_S  # that one has ended, and takes no room
    cookies = [console.sign_in() for _ in range(SESSIONS_LIMIT + 1)]
    assert [bool(console.people.person(each)) for each in cookies] == [False] + [True] * 20
    assert len(console.user().sessions) == SESSIONS_LIMIT


def test_tries_are_limited_by_user_and_by_address() -> None:
    console = Console(by_user=TryLimit(3, 60), by_address=TryLimit(5, 60))
    console.joined()
    for _ in range(3):
        refused(Code.UNAUTHORIZED, console.sign_in, ASHA, OTHER)
    # The right password does not help either: the try is not looked at.
    refusal = refused(Code.RATE_LIMITED, console.sign_in)
    assert refusal.retry_after_s == 60
    # By another spelling it is the same user.
    refused(Code.RATE_LIMITED, console.process().sign_in, ASHA.upper(), PASSWORD, "", "192.0.2.1")
    refused(Code.UNAUTHORIZED, console.sign_in, BALA, OTHER)
    refused(Code.RATE_LIMITED, console.sign_in, BALA, OTHER)  # the address has no try left
    console.now_s += 60
    assert console.sign_in()


def test_a_refused_address_uses_up_no_tries_of_the_user() -> None:
    console = Console(by_user=TryLimit(3, 60), by_address=TryLimit(2, 60))
    console.joined()
    for code in (Code.UNAUTHORIZED, Code.UNAUTHORIZED, *[Code.RATE_LIMITED] * 5):
        refused(code, console.sign_in, ASHA, OTHER)
    assert console.people.sign_in(ASHA, PASSWORD, "", "192.0.2.1")


# Links of the local stack


def test_a_link_of_the_local_stack_signs_in_once() -> None:
    console = Console()
    local = console.process(local=True)
    first, second = local.sign_in_link("acme"), local.sign_in_link("acme")
    refused(Code.NOT_FOUND, local.sign_in_by_link, first)
    session = console.session(local.sign_in_by_link(second))
    assert (session.email, session.account_id) == ("acme@local.invalid", "acme")
    assert session.may(Role.ADMIN)
    refused(Code.NOT_FOUND, local.sign_in_by_link, second)
    refused(Code.NOT_FOUND, local.sign_in_link, "gone")


def test_on_any_other_stack_no_link_signs_in_without_a_password() -> None:
    console = Console()
    token = console.process(local=True).sign_in_link("acme")
    refused(Code.NOT_FOUND, console.people.sign_in_by_link, token)
    refused(Code.NOT_FOUND, console.people.sign_in_link, "acme")
    # An invitation is no such link, and such a link is no invitation.
    refused(Code.NOT_FOUND, console.process(local=True).sign_in_by_link, console.invite())
    refused(Code.NOT_FOUND, console.people.accept_invitation, token, PASSWORD)


# The store is away


def test_when_the_store_is_away_nobody_is_signed_in_or_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    console = Console()
    cookie = console.joined()

    def away(*_: Any) -> None:
        raise StoreUnavailable("away")

    with monkeypatch.context() as patched:
        patched.setattr(console.people.store, "get", away)
        patched.setattr(console.people.store, "change", away)
        with pytest.raises(StoreUnavailable):
            console.people.person(cookie)
        with pytest.raises(StoreUnavailable):
            console.sign_in()
    assert console.people.person(cookie)
