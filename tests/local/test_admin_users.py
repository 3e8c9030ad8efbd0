"""`harkara user`: invitations, roles, sessions and the log, on the console's own tables."""

import re
from dataclasses import replace

import pytest

from harkara.base.codes import Code
from harkara.base.keys import Keys
from harkara.manage.people import People
from harkara.manage.proofs import Passwords
from harkara.model.people import Role
from harkara.wiring.people import wire_people
from tests.local.operators import API_URL, OUTPUTS, PEPPER, Operator
from tests.unit.signing_in import ADDRESS, ASHA, BALA, OLGA, PASSWORD, refused

# When the operator's clock stands at NOW.
TIME = "2026-01-01T09:00:00.000Z"


def people_of(operator: Operator) -> People:
    """Return the service as the console's function has it, with cheap passwords."""
    people = wire_people(
        dynamodb=operator.client("dynamodb"),
        kms=operator.client("kms"),
        accounts_table="Accounts",
        messages_table="Messages",
        secrets_key_id=OUTPUTS["SecretsKeyId"],
        pepper=Keys(lambda: (PEPPER,), operator.clock),
        clock=operator.clock,
        randomness=lambda count: next(operator._random)[:count],
    )
    return replace(people, passwords=Passwords(log_n=1, r=1, p=1))


@pytest.fixture
def operator(monkeypatch: pytest.MonkeyPatch) -> Operator:
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "olga")
    return Operator().with_account()


def invited(operator: Operator, line: str = f"acme {ASHA} --role admin") -> str:
    """Invite a user; return the token in the printed link."""
    link = operator(f"user invite {line} --json").json()["link"]
    match = re.fullmatch(rf"{API_URL}/console/invitation\?token=([A-Za-z0-9._-]+)", link)
    assert match is not None
    return match[1]


def joined(operator: Operator, line: str = f"acme {ASHA} --role admin") -> str:
    return people_of(operator).accept_invitation(invited(operator, line), PASSWORD, ADDRESS)


def test_the_printed_link_lets_its_user_in_once_and_is_stored_nowhere(operator: Operator) -> None:
    token, people = invited(operator), people_of(operator)
    session = people.person(people.accept_invitation(token, PASSWORD))
    assert session is not None
    assert (session.email, session.account_id, session.role) == (ASHA, "acme", Role.ADMIN)
    refused(Code.NOT_FOUND, people.accept_invitation, token, PASSWORD)
    assert token not in str(operator.table.items)
    lines = operator(f"user invite acme {BALA} --role viewer").out.splitlines()
    assert [line.split()[0] for line in lines] == ["user", "link", "note"]
    assert "once" in lines[2]


def test_the_link_leads_to_the_consoles_own_domain(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(OUTPUTS, "ConsoleUrl", "https://console.example/")
    link = operator(f"user invite acme {ASHA} --role viewer --json").json()["link"]
    assert link.startswith("https://console.example/invitation?token=")


def test_users_are_listed_with_what_they_are(operator: Operator) -> None:
    joined(operator)
    invited(operator, f"acme {BALA} --role viewer")
    invited(operator, f"* {OLGA}")
    assert operator("user list acme --json").json() == [
        {"email": ASHA, "role": "admin", "state": "active", "code": False, "created": TIME},
        {"email": BALA, "role": "viewer", "state": "invited", "code": False, "created": TIME},
    ]
    assert operator("user list *").out.splitlines() == [
        "email                 role      state    code  created",
        f"olga@harkara.example  operator  invited  no    {TIME}",
    ]
    operator(f"user disable --yes {BALA}")
    assert [row["state"] for row in operator("user list acme --json").json()] == [
        *("active", "disabled"),
    ]


@pytest.mark.parametrize(
    ("line", "answer", "again"),
    [
        (f"role {ASHA} viewer", {"user": ASHA, "role": "viewer"}, True),
        (f"sign-out --yes {ASHA}", {"signed_out": ASHA}, True),
        (f"disable --yes {ASHA}", {"disabled": ASHA}, False),
    ],
)
def test_sessions_end_at_once(
    operator: Operator, line: str, answer: dict[str, str], again: bool
) -> None:
    cookie, people = joined(operator), people_of(operator)
    assert people.person(cookie)
    assert operator(f"user {line} --json").json() == answer
    assert people.person(cookie) is None
    if not again:
        refused(Code.UNAUTHORIZED, people.sign_in, ASHA, PASSWORD, "", ADDRESS)
        assert operator(f"user enable {ASHA} --json").json() == {"enabled": ASHA}
    assert people.person(people.sign_in(ASHA, PASSWORD, "", ADDRESS))


def test_a_lost_second_factor_is_taken_off(operator: Operator) -> None:
    people = people_of(operator)
    session = people.person(joined(operator))
    assert session is not None
    uri = people.begin_totp(session)
    assert uri.startswith("otpauth://totp/")
    user = people.store.get(people.users("acme")[0].id)
    assert user is not None
    # In KMS's words: for this user alone.
    assert user.totp_pending.startswith(user.id.encode())
    assert operator(f"user reset-totp {ASHA} --json").json() == {"reset": ASHA}
    refused(Code.NOT_FOUND, people.confirm_totp, session, "000000")


def test_the_log_says_who_did_it(operator: Operator) -> None:
    joined(operator)
    operator.clock.now_s += 1
    operator(f"user role {ASHA} marketer")
    rows = operator("user audit acme --json").json()
    assert rows[0] == {
        "time": "2026-01-01T09:00:01.000Z",
        "who": "command:olga",
        "action": "user.role",
        "subject": f"{ASHA} marketer",
        "address": "",
    }
    assert {row["action"] for row in rows} == {"user.invite", "user.accept", "user.role"}
    assert operator("user audit acme --limit 1 --json").json() == rows[:1]
    assert operator("user audit acme --limit 0").out == "none\n"
    for _ in range(60):
        operator.clock.now_s += 1
        operator(f"user disable --yes {ASHA}")
        operator(f"user enable {ASHA}")
    assert len(operator("user audit acme --limit 100 --json").json()) == 100


def test_an_account_is_erased_with_its_log(operator: Operator) -> None:
    cookie = joined(operator)
    assert operator("user erase --yes acme --json").json() == {"erased": "acme", "users": 1}
    assert people_of(operator).person(cookie) is None
    assert operator("user list acme --json").json() == []
    assert operator("user audit acme --json").json() == []
    (row,) = operator("user audit * --json").json()
    assert (row["who"], row["action"], row["subject"]) == ("command:olga", "account.erase", "acme")


def test_a_user_is_removed_and_the_log_stays(operator: Operator) -> None:
    cookie = joined(operator)
    assert operator(f"user remove --yes {ASHA} --json").json() == {"removed": ASHA}
    assert people_of(operator).person(cookie) is None
    assert operator("user list acme --json").json() == []
    assert len(operator("user audit acme --json").json()) == 3
    assert operator("account create other --carrier sim").status == 0
    assert joined(operator, f"other {ASHA} --role viewer")


def test_without_a_name_on_this_machine_the_log_says_so(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown() -> str:
        raise OSError("no such user")

    monkeypatch.setattr("getpass.getuser", unknown)
    invited(operator)
    assert operator("user audit acme --json").json()[0]["who"] == "command:somebody"


@pytest.mark.parametrize(
    ("line", "status", "says"),
    [
        (f"invite gone {ASHA} --role admin", 1, "there is no account gone"),
        (f"invite acme {ASHA}", 2, "give --role"),
        (f"invite * {OLGA} --role admin", 2, "give --role"),
        (f"invite acme {ASHA} --role operator", 2, "use one of viewer, marketer, admin"),
        (f"invite acme {ASHA} --role root", 2, "use one of viewer, marketer, admin"),
        (f"invite a#b {ASHA} --role admin", 2, "give an account"),
        ("invite acme asha --role admin", 1, "harkara: EMAIL: an address such as"),
        ("invite acme asha@acme.example\0 --role admin", 1, "harkara: EMAIL: an address such as"),
        (f"invite acme {BALA} --role admin", 1, "is a user in another account, or disabled"),
        (f"role {ASHA} viewer", 1, f"there is no user {ASHA}"),
        (f"role {OLGA} viewer", 1, "harkara: ROLE: operator without an account"),
        (f"disable --yes {ASHA}", 1, f"there is no user {ASHA}"),
        (f"enable {ASHA}", 1, f"there is no user {ASHA}"),
        (f"remove --yes {ASHA}", 1, f"there is no user {ASHA}"),
        (f"sign-out --yes {ASHA}", 1, f"there is no user {ASHA}"),
        (f"reset-totp {ASHA}", 1, f"there is no user {ASHA}"),
        ("disable --yes asha", 1, "harkara: EMAIL: an address such as"),
        ("list gone", 1, "there is no account gone"),
        ("audit gone", 1, "there is no account gone"),
        ("erase --yes *", 2, "name an account"),
    ],
)
def test_what_cannot_be_done_says_why_and_changes_nothing(
    operator: Operator, line: str, status: int, says: str
) -> None:
    operator("account create other --carrier sim")
    invited(operator, f"other {BALA} --role admin")
    invited(operator, f"* {OLGA}")
    before = dict(operator.table.items)
    done = operator(f"user {line}")
    assert (done.status, done.out) == (status, "")
    assert says in done.err
    assert done.err.count("\n") == 1
    assert operator.table.items == before


def test_a_link_without_a_password_is_for_the_local_stack_alone(operator: Operator) -> None:
    refused(Code.NOT_FOUND, people_of(operator).sign_in_link, "acme")
    local = replace(people_of(operator), local=True)
    assert local.person(local.sign_in_by_link(local.sign_in_link("acme")))
