"""Sessions of the console, from their beginning to every end, and second factors."""

from collections.abc import Callable

from harkara.base.codes import Code
from harkara.manage.proofs import STEP_S
from harkara.model.people import (
    Role,
    user_id_of,
)
from harkara.state.sign_in_limits import TryLimit
from tests.unit.signing_in import (
    ASHA,
    BALA,
    COMMAND,
    OTHER,
    PASSWORD,
    Console,
    refused,
)

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
