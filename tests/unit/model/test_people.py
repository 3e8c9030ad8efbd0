"""Addresses and roles of the people who use the console."""

from typing import Any

import pytest

from harkara.base.codes import Code
from harkara.model.people import (
    EMAIL_RULE,
    OneTime,
    Purpose,
    Role,
    Session,
    SignedIn,
    User,
    email_of,
    user_id_of,
)
from tests.support.dynamo import ACCOUNTS
from tests.unit.signing_in import (
    ASHA,
    COMMAND,
    Console,
    refused,
)


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


@pytest.mark.parametrize("role", [*Role])
def test_a_role_may_what_those_before_it_may(role: Role) -> None:
    session: Any = Session("", ASHA, "acme", role)
    allowed = [each for each in Role if session.may(each)]
    assert allowed == [*Role][: [*Role].index(role) + 1]


def test_a_disabled_user_has_no_session_and_no_link_whatever_is_stored() -> None:
    signed_in = SignedIn(id="s", signed_in_at_s=0, expires_at_s=10)
    link = OneTime(id="l", purpose=Purpose.INVITATION, expires_at_s=10)
    user = User(
        email=ASHA,
        account_id="acme",
        role=Role.ADMIN,
        created_at_s=0,
        sessions=(signed_in,),
        one_time=link,
    )
    assert user.session("s", 9)
    assert user.holds("l", Purpose.INVITATION, 9)
    assert not user.session("s", 10)
    assert not user.session("x", 9)
    assert not user.holds("l", Purpose.LINK, 9)
    disabled = user.model_copy(update={"disabled": True})
    assert not disabled.session("s", 9)
    assert not disabled.holds("l", Purpose.INVITATION, 9)
