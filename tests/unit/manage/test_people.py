"""Signing in to the console: passwords, sessions, second factors and one-time links."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harkara.base.codes import Code
from harkara.base.errors import StoreUnavailable
from harkara.manage.proofs import STEP_S, Passwords
from harkara.model.people import (
    INVITATION_S,
    SESSION_S,
    SESSIONS_LIMIT,
    Role,
    Session,
    user_id_of,
)
from harkara.state.sign_in_limits import TryLimit
from tests.dynamo import ACCOUNTS
from tests.unit.signing_in import (
    ADDRESS,
    ASHA,
    BALA,
    COMMAND,
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
    shown = repr(console.user()) + str(console.people.audit("acme"))
    for text in (PASSWORD, cookie, token, token.split(".")[3], secret.hex(), str(secret)[2:-1]):
        assert text not in stored + shown
    assert console.user().password_hash not in shown
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


# Sessions


def test_signing_out_ends_one_session() -> None:
    console = Console()
    console.joined()
    first, second = console.sign_in(), console.sign_in()
    console.people.sign_out(first)
    console.people.sign_out(first)
    console.people.sign_out("forged")
    assert console.people.person(first) is None
    assert console.people.person(second)
    assert console.actions().count("user.sign_out") == 1


def test_every_end_of_sessions_counts_at_once_in_every_process() -> None:
    console = Console()
    console.joined(BALA)
    by = console.session(console.joined())
    ends: list[tuple[Callable[[], None], bool]] = [
        (lambda: console.people.revoke_all(BALA, by), True),
        (lambda: console.people.change_role(BALA, Role.VIEWER, by), True),
        (lambda: console.people.disable(BALA, by), False),
    ]
    for act, again in ends:
        cookies = [console.sign_in(BALA), console.sign_in(BALA)]
        others = console.process()
        assert all(map(others.person, cookies))
        act()
        assert not any(map(others.person, cookies))
        if again:
            assert others.person(console.sign_in(BALA))
    refused(Code.UNAUTHORIZED, console.sign_in, BALA)
    console.people.enable(BALA, by)
    assert console.people.person(console.sign_in(BALA))
    assert not any(map(console.people.person, cookies))


def test_a_forged_or_altered_cookie_costs_no_read() -> None:
    console = Console()
    cookie, token = console.joined(), console.invite(BALA)
    user_id, session_id, ends, tag = cookie.split(".")
    forged = [
        "",
        "x",
        "\ud800",
        token,
        cookie + ".",
        f"{user_id_of(BALA)}.{session_id}.{ends}.{tag}",
        f"{user_id}.{session_id[::-1]}.{ends}.{tag}",
        f"{user_id}.{session_id}.{int(ends) + 1}.{tag}",
        f"{user_id}.{session_id}.{ends}.{tag[::-1]}",
        f"{user_id}.{session_id}.{ends}.",
        "." * 3,
        "x" * 100_000,
    ]
    console.dynamo.calls.clear()
    assert not any(map(console.people.person, forged))
    assert console.dynamo.calls == []
    assert console.people.person(cookie)
    assert console.dynamo.calls == ["GetItem"]


def test_a_cookie_of_a_key_that_was_dropped_ends() -> None:
    console = Console()
    cookie = console.joined()
    console.keys = [b"new", *console.keys]
    assert console.process().person(cookie)
    console.keys = [b"new"]
    assert console.process().person(cookie) is None


# The second factor


def test_with_a_second_factor_a_code_is_needed_and_counts_once() -> None:
    console = Console()
    secret = console.with_totp(console.joined())
    used = console.code(secret)
    for code in ("", "000000", used):
        refused(Code.UNAUTHORIZED, console.sign_in, ASHA, PASSWORD, code)
    console.now_s += STEP_S
    code = console.code(secret)
    refused(Code.UNAUTHORIZED, console.sign_in, ASHA, OTHER, code)
    assert console.sign_in(code=code)
    refused(Code.UNAUTHORIZED, console.sign_in, ASHA, PASSWORD, code)
    console.now_s += STEP_S
    refused(Code.UNAUTHORIZED, console.sign_in, ASHA, PASSWORD, code)
    assert console.sign_in(code=console.code(secret, steps=1))
    # A code of a step before the last one taken is as used.
    refused(Code.UNAUTHORIZED, console.sign_in, ASHA, PASSWORD, console.code(secret))


def test_a_second_factor_counts_once_it_is_confirmed() -> None:
    console = Console()
    session = console.session(console.joined())
    refused(Code.NOT_FOUND, console.people.confirm_totp, session, "000000")
    uri = console.people.begin_totp(session)
    assert uri.startswith("otpauth://totp/Harkara:asha%40acme.example?secret=")
    assert console.sign_in()
    refused(Code.UNAUTHORIZED, console.people.confirm_totp, session, "000000")
    assert not console.user().has_totp
    secret = console.with_totp(console.sign_in())
    assert console.user().has_totp
    refused(Code.ALREADY_EXISTS, console.people.begin_totp, session)
    for code in ("000000", console.code(secret)):
        refused(Code.UNAUTHORIZED, console.people.remove_totp, session, code)
    console.now_s += STEP_S
    console.people.remove_totp(session, console.code(secret))
    assert console.sign_in()
    assert {"user.totp_on", "user.totp_off"} < {*console.actions()}


def test_codes_are_not_guessed_with_a_session() -> None:
    console = Console(by_user=TryLimit(4, 60))
    cookie = console.joined()
    console.with_totp(cookie)
    session = console.session(cookie)
    for _ in range(3):
        refused(Code.UNAUTHORIZED, console.people.remove_totp, session, "000000")
    refused(Code.RATE_LIMITED, console.people.remove_totp, session, "000000")


def test_a_session_that_was_revoked_changes_no_second_factor() -> None:
    console = Console()
    cookie = console.joined()
    secret = console.with_totp(cookie)
    session = console.session(cookie)
    console.people.revoke_all(ASHA, COMMAND)
    console.now_s += STEP_S
    refused(Code.UNAUTHORIZED, console.people.remove_totp, session, console.code(secret))
    assert console.user().has_totp


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
