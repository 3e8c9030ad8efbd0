"""The log of the console: who changed what, when and from where; and its end."""

import pytest

from harkara.base.codes import Code
from harkara.base.time import DAY_S
from harkara.manage.audit import AUDIT_PAGE
from harkara.model.people import Role, Session, user_id_of
from tests.support.dynamo import ACCOUNTS
from tests.unit.signing_in import (
    ADDRESS,
    ASHA,
    BALA,
    COMMAND,
    NOON,
    Console,
    refused,
)


def by(console: Console, role: str) -> Session:
    account = None if role == "operator" else "acme"
    return console.session(console.joined(f"{role}@acme.example", account, role))


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
    operator, admin = by(console, "operator"), by(console, "admin")
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
    for visible in (entry.subject, entry.address):
        assert len(visible) <= 300
        assert all(each.isprintable() for each in visible)


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
