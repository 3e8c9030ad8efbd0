"""Managing the users of the console: who may do what to whom."""

from collections.abc import Callable

import pytest

from harkara.base.codes import Code
from harkara.manage.people import People
from harkara.model.people import Role, Session
from tests.support.dynamo import ACCOUNTS
from tests.unit.signing_in import (
    ADDRESS,
    ASHA,
    BALA,
    COMMAND,
    OLGA,
    Console,
    refused,
)

Act = Callable[[People, Session], object]

ON_BALA: dict[str, Act] = {
    "invite": lambda people, by: people.invite(BALA, "acme", Role.VIEWER, by),
    "change_role": lambda people, by: people.change_role(BALA, Role.VIEWER, by),
    "disable": lambda people, by: people.disable(BALA, by),
    "enable": lambda people, by: people.enable(BALA, by),
    "revoke_all": lambda people, by: people.revoke_all(BALA, by),
    "reset_totp": lambda people, by: people.reset_totp(BALA, by),
    "remove": lambda people, by: people.remove(BALA, by),
}


def by(console: Console, role: str, account: str | None = "acme") -> Session:
    return console.session(console.joined(f"{role}@acme.example", account, role))


@pytest.mark.parametrize("act", ON_BALA.values(), ids=ON_BALA)
@pytest.mark.parametrize(
    ("role", "account", "code"),
    [
        ("viewer", "acme", Code.SCOPE_MISSING),
        ("marketer", "acme", Code.SCOPE_MISSING),
        ("admin", "other", Code.NOT_FOUND),
        ("viewer", "other", Code.NOT_FOUND),
        ("admin", "acme", None),
        ("operator", None, None),
    ],
)
def test_admins_manage_their_own_account_and_operators_all(
    act: Act, role: str, account: str | None, code: Code | None
) -> None:
    console = Console()
    console.joined(BALA, role="marketer")
    session = by(console, role, account)
    before = console.user(BALA)
    if code is None:
        act(console.people, session)
        return
    refused(code, act, console.people, session)
    assert console.user(BALA) == before
    assert "user.invite" in console.actions()
    assert {"user.role", "user.disable", "user.sign_out_all"}.isdisjoint(console.actions())


@pytest.mark.parametrize(
    "act",
    [
        lambda people, by: people.disable(OLGA, by),
        lambda people, by: people.enable(OLGA, by),
        lambda people, by: people.remove(OLGA, by),
        lambda people, by: people.remove("gone@acme.example", by),
        lambda people, by: people.change_role(OLGA, Role.OPERATOR, by),
        lambda people, by: people.invite(OLGA, None, Role.OPERATOR, by),
        lambda people, by: people.invite("new@acme.example", None, Role.OPERATOR, by),
        lambda people, by: people.disable("gone@acme.example", by),
        lambda people, by: people.invite("new@acme.example", "gone", Role.VIEWER, by),
        lambda people, by: people.invite("new@acme.example", "other", Role.VIEWER, by),
    ],
)
def test_for_an_admin_there_are_no_operators_and_no_other_accounts(act: Act) -> None:
    console = Console()
    console.joined(OLGA, None, "operator")
    refused(Code.NOT_FOUND, act, console.people, by(console, "admin"))


@pytest.mark.parametrize(
    ("account", "role"), [("acme", Role.OPERATOR), (None, Role.ADMIN), (None, Role.VIEWER)]
)
def test_operators_have_no_account_and_nobody_else(account: str | None, role: Role) -> None:
    console = Console()
    refused(Code.INVALID_REQUEST, console.people.invite, BALA, account, role, COMMAND)
    console.joined(BALA, account, "operator" if account is None else "admin")
    refused(Code.INVALID_REQUEST, console.people.change_role, BALA, role, COMMAND)


def test_an_account_that_does_not_exist_gets_no_users() -> None:
    console = Console()
    refused(Code.NOT_FOUND, console.people.invite, BALA, "gone", Role.ADMIN, COMMAND)
    assert console.dynamo.tables[ACCOUNTS].items == {}


@pytest.mark.parametrize(
    "act",
    [
        lambda people, by: people.change_role(by.email, Role.VIEWER, by),
        lambda people, by: people.invite(by.email, "acme", Role.VIEWER, by),
        lambda people, by: people.disable(by.email, by),
        lambda people, by: people.reset_totp(by.email, by),
        lambda people, by: people.remove(by.email, by),
    ],
)
def test_nobody_takes_away_their_own_rights_or_second_factor(act: Act) -> None:
    console = Console()
    session = by(console, "admin")
    refused(Code.INVALID_REQUEST, act, console.people, session)
    assert console.user(session.email).role is Role.ADMIN


def test_everybody_may_end_all_their_own_sessions() -> None:
    console = Console()
    session = by(console, "viewer")
    console.people.revoke_all(session.email, session)
    assert console.user(session.email).sessions == ()


def test_an_invitation_with_another_role_changes_it_and_ends_the_sessions() -> None:
    console = Console()
    cookie = console.joined(role="marketer")
    console.invite(role="marketer")
    assert console.people.person(cookie)
    console.invite(role="viewer")
    assert console.people.person(cookie) is None
    assert console.session(console.sign_in()).role is Role.VIEWER


def test_an_address_is_one_user_in_one_account() -> None:
    console = Console()
    console.joined()
    refusal = refused(
        Code.ALREADY_EXISTS, console.people.invite, ASHA.upper(), "other", Role.ADMIN, COMMAND
    )
    assert "acme" not in refusal.message
    console.people.disable(ASHA, COMMAND)
    refused(Code.ALREADY_EXISTS, console.people.invite, ASHA, "acme", Role.ADMIN, COMMAND)
    assert [user.email for user in console.people.users("acme")] == [ASHA]
    assert console.people.users("other") == []


def test_a_removed_user_is_out_and_free_for_another_account() -> None:
    console = Console()
    cookie, token = console.joined(), console.invite()
    console.people.remove(ASHA, COMMAND, ADDRESS)
    assert console.people.person(cookie) is None
    assert console.people.invitation(token) is None
    assert console.people.users("acme") == []
    assert {"user.remove", "user.accept"} < {*console.actions()}
    again = console.joined(ASHA, "other")
    assert console.session(again).account_id == "other"
    assert console.people.person(cookie) is None
    refused(Code.NOT_FOUND, console.people.accept_invitation, token, "correct horse battery")


def test_a_lost_second_factor_is_taken_off_by_an_admin() -> None:
    console = Console()
    console.with_totp(console.joined())
    refused(Code.UNAUTHORIZED, console.sign_in)
    console.people.reset_totp(ASHA, COMMAND)
    assert console.sign_in()


def test_a_disabled_users_link_is_dead_even_once_it_is_enabled() -> None:
    console = Console()
    token = console.invite()
    console.people.disable(ASHA, COMMAND)
    assert console.people.invitation(token) is None
    console.people.enable(ASHA, COMMAND)
    refused(Code.NOT_FOUND, console.people.accept_invitation, token, "correct horse battery")


def test_users_are_listed_by_address() -> None:
    console = Console()
    for email, account, role in (
        (BALA, "acme", "viewer"),
        (ASHA, "acme", "admin"),
        ("a@other.example", "other", "admin"),
        (OLGA, None, "operator"),
    ):
        console.invite(email, account, role)
    assert [(user.email, user.role) for user in console.people.users("acme")] == [
        (ASHA, Role.ADMIN),
        (BALA, Role.VIEWER),
    ]
    assert [user.email for user in console.people.users(None)] == [OLGA]
