"""Two requests at once: one link, one code, one try is used once, in whatever order calls are made.

The first request runs; before one of its calls to DynamoDB the second one runs as a whole. This is
tried at every call. Then threads do the same without an order.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.manage.proofs import STEP_S
from harkara.model.people import Role
from harkara.state.sign_in_limits import TryLimit
from tests.unit.signing_in import ADDRESS, ASHA, COMMAND, OTHER, PASSWORD, Console

Act = Callable[[], str | None]
# More than any of these requests makes.
CALLS = 12


def outcome(act: Act) -> str | Code | None:
    """Return what a request returns, or the code of its refusal."""
    try:
        return act()
    except RequestRefused as refusal:
        return refusal.code


def interrupted(
    prepare: Callable[[], tuple[Console, Act, Act]],
) -> list[tuple[Console, str | Code | None, str | Code | None]]:
    """Return what came of two requests for each call before which the second ran."""
    results = []
    for at in range(CALLS):
        console, first, second = prepare()
        came: list[str | Code | None] = []
        console.dynamo.meanwhile = at, lambda came=came, second=second: came.append(outcome(second))
        result = outcome(first)
        if not came:
            break
        results.append((console, result, came[0]))
    assert len(results) >= 2
    return results


def test_of_two_uses_of_an_invitation_one_wins() -> None:
    def prepare() -> tuple[Console, Act, Act]:
        console = Console()
        token, another = console.invite(), console.process()
        return (
            console,
            lambda: console.people.accept_invitation(token, PASSWORD),
            lambda: another.accept_invitation(token, OTHER),
        )

    for console, first, second in interrupted(prepare):
        assert [first, second].count(Code.NOT_FOUND) == 1
        password, cookie = (OTHER, second) if first is Code.NOT_FOUND else (PASSWORD, first)
        assert console.people.person(str(cookie))
        assert console.sign_in(password=password)
        assert console.actions().count("user.accept") == 1


def test_of_two_sign_ins_with_one_code_one_wins() -> None:
    def prepare() -> tuple[Console, Act, Act]:
        console = Console()
        secret = console.with_totp(console.joined())
        console.now_s += STEP_S
        code, another = console.code(secret), console.process()
        return (
            console,
            lambda: console.sign_in(code=code),
            lambda: another.sign_in(ASHA, PASSWORD, code, ADDRESS),
        )

    for console, *came in interrupted(prepare):
        assert came.count(Code.UNAUTHORIZED) == 1
        assert sum(bool(console.people.person(str(each))) for each in came) == 1


def test_two_sign_ins_at_once_both_count() -> None:
    def prepare() -> tuple[Console, Act, Act]:
        console = Console()
        console.joined()
        return console, console.sign_in, console.sign_in

    for console, *came in interrupted(prepare):
        assert all(console.people.person(str(each)) for each in came)


def test_who_signs_in_by_a_password_while_another_is_set_brings_it_back_in_no_order() -> None:
    def prepare() -> tuple[Console, Act, Act]:
        console = Console()
        console.joined()
        token, another = console.invite(), console.process()
        return console, console.sign_in, lambda: another.accept_invitation(token, OTHER)

    for console, first, second in interrupted(prepare):
        assert console.people.person(str(second))
        assert first is Code.UNAUTHORIZED or console.people.person(str(first)) is None
        assert outcome(console.sign_in) is Code.UNAUTHORIZED
        assert console.sign_in(password=OTHER)


@pytest.mark.parametrize(
    "end",
    [
        lambda console: console.people.disable(ASHA, COMMAND),
        lambda console: console.people.revoke_all(ASHA, COMMAND),
        lambda console: console.people.change_role(ASHA, Role.VIEWER, COMMAND),
    ],
    ids=["disable", "revoke", "role"],
)
def test_whoever_signs_in_while_sessions_are_ended_is_signed_in_after_it_or_out(
    end: Callable[[Console], None],
) -> None:
    def prepare() -> tuple[Console, Act, Act]:
        console = Console()
        console.joined()
        return console, console.sign_in, lambda: end(console)

    for console, cookie, _ in interrupted(prepare):
        user = console.user()
        found = console.people.person(str(cookie))
        if user.disabled:
            assert (cookie, found) == (Code.UNAUTHORIZED, None)
        elif found:
            assert found.role is user.role
        else:
            assert user.sessions == ()


def test_a_lost_answer_does_not_use_up_a_link_or_a_code() -> None:
    """The call is repeated, as botocore does, and finds what it has written itself."""
    console = Console()
    real, lost = console.dynamo.answer, [True]

    def losing(operation: str, params: dict[str, object]) -> object:
        answer = real(operation, params)
        if operation == "TransactWriteItems" and lost:
            lost.clear()
            return real(operation, params)
        return answer

    token = console.invite()
    console.dynamo.answer = losing  # type: ignore[method-assign, assignment]
    cookie = console.people.accept_invitation(token, PASSWORD)
    assert lost == []
    assert console.people.person(cookie)
    secret = console.with_totp(cookie)
    console.now_s += STEP_S
    lost.append(True)
    assert console.people.person(console.sign_in(code=console.code(secret)))
    assert lost == []
    assert console.actions().count("user.sign_in") == 1


def test_threads_use_a_link_once_and_a_code_once() -> None:
    console = Console()
    threads = 6

    def all_at_once(act: Callable[[int], str]) -> list[str | Code | None]:
        barrier = Barrier(threads)

        def one(number: int) -> str | Code | None:
            barrier.wait()
            return outcome(lambda: act(number))

        with ThreadPoolExecutor(threads) as pool:
            return [*pool.map(one, range(threads))]

    processes = [console.process() for _ in range(threads)]
    token = console.invite()
    came = all_at_once(lambda number: processes[number].accept_invitation(token, PASSWORD))
    assert came.count(Code.NOT_FOUND) == threads - 1
    (cookie,) = (each for each in came if each is not Code.NOT_FOUND)
    secret = console.with_totp(str(cookie))
    console.now_s += STEP_S
    code = console.code(secret)
    came = all_at_once(lambda number: processes[number].sign_in(ASHA, PASSWORD, code, ADDRESS))
    assert came.count(Code.UNAUTHORIZED) == threads - 1


def test_limits_hold_for_tries_at_once_in_many_processes() -> None:
    console = Console(by_user=TryLimit(5, 60), by_address=TryLimit(1_000, 1))
    console.joined()
    processes = [console.process() for _ in range(4)]

    def attempts(process: int) -> list[str | Code | None]:
        def attempt() -> str:
            return processes[process].sign_in(ASHA, OTHER, "", f"192.0.2.{process}")

        return [outcome(attempt) for _ in range(10)]

    with ThreadPoolExecutor(len(processes)) as pool:
        came = [each for some in pool.map(attempts, range(len(processes))) for each in some]
    assert came.count(Code.UNAUTHORIZED) == 5
    assert came.count(Code.RATE_LIMITED) == 35
