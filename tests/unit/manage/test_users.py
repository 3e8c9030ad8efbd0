"""Managing the users of the console: who may do what to whom, and what the log says of it."""

from collections.abc import Callable
from typing import Any

import pytest

from harkara.base.codes import Code
from harkara.base.time import DAY_S
from harkara.manage.people import People
from harkara.manage.users import AUDIT_PAGE
from harkara.model.people import EMAIL_RULE, Role, Session, email_of, user_id_of
from tests.dynamo import ACCOUNTS
from tests.unit.signing_in import (
    ADDRESS,
    ASHA,
    BALA,
    COMMAND,
    NOON,
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


# Addresses


@pytest.mark.parametrize(
    ("text", "email"),
    [
        ("Asha@Acme.Example", "asha@acme.example"),
        ("  a.b+c%d_e-f'g&h@mail.acme.co.in ", "a.b+c%d_e-f'g&h@mail.acme.co.in"),
        ("a@xn--q9jyb4c.example", "a@xn--q9jyb4c.example"),
        ("a" * 64 + "@acme.example", "a" * 64 + "@acme.example"),
    ],
)
def test_an_address_is_kept_in_small_letters(text: str, email: str) -> None:
    assert email_of(text) == email
    assert len(user_id_of(email)) == 26


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        "asha",
        "asha@acme",
        "asha@@acme.example",
        "asha@acme.example\n",
        "asha@acme.example\r\nbcc: x@y.example",
        "asha\0@acme.example",
        "asha @acme.example",
        '"asha"@acme.example',
        "asha@acme.example, bala@acme.example",
        "asha@acme.example>",
        "<script>@acme.example",
        "=cmd@acme.example",
        "+1@acme.example",
        "-x@acme.example",
        "asha@-acme.example",
        "asha@acme-.example",
        "asha@.example",
        "asha@acme..example",
        "asha@127.0.0.1",
        "asha@[127.0.0.1]",
        "\u0430sha@acme.example",  # a Cyrillic a
        "as\u212aa@acme.example",  # the Kelvin sign, whose small letter is k
        "asha@acme.ex\u0430mple",
        "a" * 65 + "@acme.example",
        "a@" + "b." * 130 + "example",
        "x" * 100_000,
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    console = Console()
    for act in (
        lambda: console.invite(text),
        lambda: console.people.disable(text, COMMAND),
        lambda: console.people.change_role(text, Role.VIEWER, COMMAND),
    ):
        refusal = refused(Code.INVALID_REQUEST, act)
        # The same rule for all of them: nothing of what was given is in it.
        assert refusal.detail == f"(email: {EMAIL_RULE})"
    assert console.dynamo.tables[ACCOUNTS].items == {}


# The log


def test_every_change_is_in_the_log_with_who_what_when_and_from_where() -> None:
    console = Console()
    admin = by(console, "admin")
    console.now_s += 1
    console.people.invite(BALA, "acme", Role.VIEWER, admin, ADDRESS)
    console.now_s += 1
    console.people.change_role(BALA, Role.MARKETER, COMMAND)
    console.now_s += 1
    console.people.record(admin, "template.put", "1107161234567890001", "2001:db8::1")
    console.now_s += 1
    console.people.disable(BALA, admin, ADDRESS)
    console.people.disable(BALA, admin, ADDRESS)  # changes nothing
    entries = console.people.audit("acme").entries
    assert [entry[1:] for entry in entries[:4]] == [
        ("acme", "admin@acme.example", "user.disable", BALA, ADDRESS),
        ("acme", "admin@acme.example", "template.put", "1107161234567890001", "2001:db8::1"),
        ("acme", "command:olga", "user.role", f"{BALA} marketer", ""),
        ("acme", "admin@acme.example", "user.invite", f"{BALA} viewer", ADDRESS),
    ]
    assert [entry.at_ms for entry in entries[:2]] == [(NOON + 4) * 1000, (NOON + 3) * 1000]
    assert {*console.actions()} == {
        *("user.invite", "user.accept", "user.role", "user.disable", "template.put"),
    }


def test_an_operator_writes_into_the_log_of_the_account_and_nobody_else_into_anothers() -> None:
    console = Console()
    operator, admin = by(console, "operator", None), by(console, "admin")
    console.people.record(operator, "sender.put", "ACMEBK", ADDRESS, "acme")
    console.people.record(operator, "carrier.put", "sim", ADDRESS)
    console.people.record(admin, "sender.put", "ACMEFD", ADDRESS, "other")
    assert console.actions("acme").count("sender.put") == 2
    assert console.actions("other") == []
    assert "carrier.put" in console.actions(None)


@pytest.mark.parametrize(
    "text",
    ["a\nb", "\0", "\ud800", "x" * 100_000, "\u202e", "<script>", "a\r\nSet-Cookie: x"],
)
def test_an_entry_is_one_line_of_bounded_length(text: str) -> None:
    console = Console()
    console.people.record(by(console, "admin"), "template.put", text, text)
    entries = console.people.audit("acme").entries
    (entry,) = (each for each in entries if each.action == "template.put")
    for shown in (entry.subject, entry.address):
        assert len(shown) <= 200
        assert all(each.isprintable() for each in shown)


def test_the_log_is_read_in_pages() -> None:
    console = Console()
    admin = by(console, "admin")
    for number in range(2 * AUDIT_PAGE):
        console.now_s += 1
        console.people.record(admin, "template.put", str(number), ADDRESS)
    subjects = list[str]()
    page = console.people.audit("acme")
    while True:
        assert len(page.entries) <= AUDIT_PAGE
        subjects += [entry.subject for entry in page.entries]
        if page.cursor is None:
            break
        page = console.people.audit("acme", page.cursor)
    assert subjects[: 2 * AUDIT_PAGE] == [str(n) for n in reversed(range(2 * AUDIT_PAGE))]
    assert len(subjects) == 2 * AUDIT_PAGE + 2


@pytest.mark.parametrize("cursor", ["x", "\0", "1" * 13, "0" * 13 + "." + "g" * 16, "'; --"])
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    refused(Code.INVALID_REQUEST, Console().people.audit, "acme", cursor)


def test_an_entry_is_kept_for_a_year() -> None:
    console = Console()
    console.invite()
    console.now_s += 365 * DAY_S
    assert console.actions() == ["user.invite"]
    console.now_s += 1
    assert console.actions() == []


def test_an_account_is_erased_with_its_log_and_no_other() -> None:
    console = Console()
    cookies = [console.joined(), console.joined(BALA, role="viewer")]
    other = console.joined("a@other.example", "other")
    token = console.invite(BALA, role="viewer")
    refused(Code.NOT_FOUND, console.people.erase, "acme", by(console, "admin"))
    assert console.people.erase("acme", COMMAND) == 3
    assert console.people.users("acme") == []
    assert console.actions("acme") == []
    assert not any(map(console.people.person, cookies))
    refused(Code.NOT_FOUND, console.people.accept_invitation, token, "correct horse battery")
    assert console.people.person(other)
    assert not [pk for pk, _ in console.dynamo.tables[ACCOUNTS].items if pk.endswith("#acme")]
    (entry,) = console.people.audit(None).entries
    assert (entry.action, entry.subject) == ("account.erase", "acme")
    assert console.people.erase("acme", COMMAND) == 0
    # The address is free again, for another account too.
    assert console.joined(ASHA, "other")


def test_an_erasure_that_died_leaves_no_user_of_another_account_in_danger() -> None:
    console = Console()
    console.joined()
    console.dynamo.tables[ACCOUNTS].put((f"user#{user_id_of(ASHA)}", "user"), None)
    cookie = console.joined(ASHA, "other")
    assert console.people.users("acme") == []
    assert console.people.erase("acme", COMMAND) == 0
    assert console.people.person(cookie)


@pytest.mark.parametrize("role", [*Role])
def test_a_role_may_what_those_before_it_may(role: Role) -> None:
    session: Any = Session("", ASHA, "acme", role)
    allowed = [each for each in Role if session.may(each)]
    assert allowed == [*Role][: [*Role].index(role) + 1]
