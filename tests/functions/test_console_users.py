"""Users in the console: admins manage those of their account; a person's own second factor."""

import base64
import re
from typing import Any

import pytest

from harkara.manage.proofs import STEP_S, totp
from harkara.model.people import Role, User, user_id_of
from tests.functions.handlers import Gateway
from tests.functions.visiting_console import ADMIN, HOST, signed_in, visit
from tests.support.people import COMMAND, PASSWORD, changes

BALA, OTHERS = "viewer@sandbox.example", "admin@other.example"
CHANGE = "/console/users/change"
ACTS = ("role", "disable", "enable", "remove", "sign_out", "reset_code")


@pytest.fixture
def cookie(gateway: Gateway) -> str:
    signed_in(gateway, "viewer")
    signed_in(gateway, "admin", "other")
    return signed_in(gateway)


def stored(gateway: Gateway, email: str = BALA) -> User | None:
    return gateway.people.store.get(user_id_of(email))


def post(gateway: Gateway, cookie: str, path: str, **fields: str) -> Any:
    return visit(gateway, "POST", path, fields=fields, cookie=cookie)


def test_an_admin_invites_a_user_by_a_link_that_is_shown_once(
    gateway: Gateway, cookie: str
) -> None:
    new = {"email": "New@Sandbox.example ", "role": "marketer"}
    visible = post(gateway, cookie, "/console/users", **new)["body"]
    (token,) = re.findall(rf"https://{HOST}/console/invitation\?token=([\w.-]+)<", visible)
    listed = visit(gateway, "GET", "/console/users", cookie=cookie)["body"]
    assert "new@sandbox.example" in listed
    assert token not in listed
    joined = {"token": token, "password": PASSWORD}
    assert post(gateway, "", "/console/invitation", **joined)["statusCode"] == 303
    user = stored(gateway, "new@sandbox.example")
    assert user is not None
    assert (user.account_id, user.role, user.is_invited) == ("sandbox", Role.MARKETER, False)
    first, *_ = [e for e in gateway.people.audit("sandbox").entries if e.action == "user.invite"]
    assert (first.email, first.subject) == (ADMIN, "new@sandbox.example marketer")


@pytest.mark.parametrize("act", ACTS)
def test_an_admin_changes_a_user_of_the_account(act: str, gateway: Gateway, cookie: str) -> None:
    if act == "enable":
        gateway.people.disable(BALA, COMMAND)
    before = stored(gateway)
    answer = post(gateway, cookie, CHANGE, email=BALA, act=act, sure=act, role="marketer")
    assert (answer["statusCode"], answer["headers"]["Location"]) == (
        303,
        "/console/users?done=changed",
    )
    user = stored(gateway)
    assert before is not None
    assert (user is None) == (act == "remove")
    assert (user != before) == (act != "reset_code")  # there is none to take away
    if user:
        assert user.role is (Role.MARKETER if act == "role" else Role.VIEWER)
        assert user.disabled == (act == "disable")
        assert (user.sessions == ()) == (act in ("role", "disable", "enable", "sign_out"))


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("email", [OTHERS, "nobody@sandbox.example", "command@harkara.example"])
def test_another_accounts_users_are_not_found_and_the_attempt_is_in_the_audit_log(
    email: str, act: str, gateway: Gateway, cookie: str
) -> None:
    gateway.people.invite("command@harkara.example", None, Role.OPERATOR, COMMAND)
    before = stored(gateway, email)
    answer = post(gateway, cookie, CHANGE, email=email, act=act, sure=act, role="viewer")
    assert answer["statusCode"] == 404
    assert stored(gateway, email) == before
    (entry,) = changes(gateway.people)
    assert (entry.email, entry.action, entry.subject) == (ADMIN, "refused.not_found", CHANGE)
    assert changes(gateway.people, "other") == []


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        *(
            (CHANGE, {"email": ADMIN, "act": act, "sure": act}, 400)
            for act in ("disable", "remove")
        ),
        (CHANGE, {"email": BALA, "act": "remove"}, 400),
        (CHANGE, {"email": ADMIN, "act": "role", "role": "viewer"}, 400),
        (CHANGE, {"email": ADMIN, "act": "reset_code"}, 400),
        (CHANGE, {"email": BALA, "act": "role", "role": "operator"}, 400),
        (CHANGE, {"email": BALA, "act": "role"}, 400),
        (CHANGE, {"email": BALA, "act": "erase"}, 400),
        (CHANGE, {"email": "<b>", "act": "disable"}, 400),
        (CHANGE, {}, 400),
        ("/console/users", {"email": OTHERS, "role": "admin"}, 409),
        ("/console/users", {"email": "new@sandbox.example", "role": "operator"}, 400),
        ("/console/users", {"email": "<b>", "role": "viewer"}, 400),
        ("/console/users", {}, 400),
    ],
)
def test_what_no_admin_may_do_is_refused_beside_the_list(
    path: str, fields: dict[str, str], status: int, gateway: Gateway, cookie: str
) -> None:
    emails = (ADMIN, BALA, OTHERS, "new@sandbox.example")
    before = [stored(gateway, email) for email in emails]
    answer = post(gateway, cookie, path, **fields)
    assert answer["statusCode"] == status
    assert 'role="alert"' in answer["body"]
    assert "<b>" not in answer["body"]
    assert "/console/invitation" not in answer["body"]
    assert [stored(gateway, email) for email in emails] == before


def test_a_second_factor_is_set_up_asked_for_and_taken_away(gateway: Gateway, cookie: str) -> None:
    visible = post(gateway, cookie, "/console/code")["body"]
    (secret,) = re.findall(r"otpauth://totp/\S+?secret=(\w+)", visible)
    assert " ".join(re.findall(".{4}", secret)) in visible

    def code(steps: int = 0) -> str:
        return totp(base64.b32decode(secret), int(gateway.now) // STEP_S + steps)

    def sign_in(given: str) -> int:
        form = {"email": ADMIN, "password": PASSWORD, "code": given}
        return int(post(gateway, "", "/console/sign-in", **form)["statusCode"])

    wrong = post(gateway, cookie, "/console/code/confirm", code=code(50))
    assert wrong["statusCode"] == 401
    assert 'id="code-problem"' in wrong["body"]
    assert secret not in wrong["body"]
    assert sign_in("") == 303
    assert post(gateway, cookie, "/console/code/confirm", code=code())["statusCode"] == 303
    assert [sign_in(""), sign_in(code())] == [401, 401]  # a code counts once
    gateway.now += STEP_S
    assert sign_in(code()) == 303
    assert "Codes are on" in visit(gateway, "GET", "/console/code", cookie=cookie)["body"]
    again = post(gateway, cookie, "/console/code")
    assert again["statusCode"] == 409
    assert post(gateway, cookie, "/console/code/remove", code="000000")["statusCode"] == 401
    gateway.now += STEP_S
    assert post(gateway, cookie, "/console/code/remove", code=code())["statusCode"] == 303
    assert sign_in("") == 303
    assert post(gateway, cookie, "/console/code/confirm", code=code())["statusCode"] == 404


def test_a_user_with_a_code_gives_one_for_a_new_password_too(gateway: Gateway) -> None:
    dead = visit(gateway, "GET", "/console/invitation", query={"token": "forged"})
    assert dead["statusCode"] == 404
    cookie = signed_in(gateway)
    token = gateway.people.invite(ADMIN, "sandbox", Role.ADMIN, COMMAND)
    form = visit(gateway, "GET", "/console/invitation", query={"token": token})["body"]
    assert 'name="code"' not in form
    visible = post(gateway, cookie, "/console/code")["body"]
    (secret,) = re.findall(r"otpauth://totp/\S+?secret=(\w+)", visible)
    code = totp(base64.b32decode(secret), int(gateway.now) // STEP_S)
    post(gateway, cookie, "/console/code/confirm", code=code)
    form = visit(gateway, "GET", "/console/invitation", query={"token": token})["body"]
    assert 'name="code"' in form
    given = {"token": token, "password": PASSWORD[::-1]}
    assert post(gateway, "", "/console/invitation", **given)["statusCode"] == 401
    gateway.now += STEP_S
    code = totp(base64.b32decode(secret), int(gateway.now) // STEP_S)
    assert post(gateway, "", "/console/invitation", **given, code=code)["statusCode"] == 303
