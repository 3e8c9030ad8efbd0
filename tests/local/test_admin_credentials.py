"""`harkara credential`: printed keys work, and end when they should."""

from base64 import b64decode
from typing import Any

import pytest

from harkara.api.authentication import Authenticator, presented
from harkara.api.request import Request
from harkara.base.errors import RequestRefused
from harkara.callbacks.posting import signature
from harkara.model.accounts import Caller, Scope
from tests.local.operators import NOW, PEPPER, Operator
from tests.support.fakes import calling_back

DAY_S = 24 * 3600
ADDRESS = "203.0.113.7"


def authenticate(
    operator: Operator, key: str, *, at_s: float = NOW, address: str = ADDRESS
) -> Caller:
    """Return the caller that `send` recognises by an API key."""
    authenticator = Authenticator(operator.store, PEPPER, lambda: at_s)
    return authenticator.authenticate(presented({"x-api-key": key}), Scope.SEND, address)


def works(operator: Operator, key: str, **circumstances: Any) -> bool:
    try:
        authenticate(operator, key, **circumstances)
    except RequestRefused:
        return False
    return True


def created(operator: Operator, options: str = "") -> dict[str, str]:
    answer: dict[str, str] = operator(f"credential create acme user {options} --json").json()
    return answer


def test_the_printed_key_works_and_is_stored_nowhere() -> None:
    operator = Operator().with_account()
    answer = created(operator)
    assert answer["api_key"] == f"user.{answer['password']}"
    caller = authenticate(operator, answer["api_key"])
    assert (caller.account.id, caller.credential.scopes) == ("acme", tuple(Scope))
    assert answer["password"] not in str(operator.table.items)


def test_the_secret_is_shown_to_people_once_with_a_word_of_warning() -> None:
    operator = Operator().with_account()
    lines = dict(
        line.split(maxsplit=1) for line in operator("credential create acme user").out.splitlines()
    )
    assert lines["api_key"] == f"{lines['username']}.{lines['password']}"
    assert "once" in lines["note"]
    assert lines["password"] not in operator("credential list acme --json").out


def test_every_secret_is_another() -> None:
    operator = Operator().with_account()
    answers = [operator(f"credential create acme user-{n} --json").json() for n in (1, 2)]
    assert answers[0]["password"] != answers[1]["password"]


def test_a_credential_is_what_its_options_say() -> None:
    operator = Operator().with_account(**calling_back("https://hooks.acme.in/dlr"))
    answer = created(
        operator,
        "--scopes send read --networks 203.0.113.0/24 2001:db8::/32 --callback main"
        " --default-category otp --expires 2026-01-31T00:00:00+05:30",
    )
    key = answer["api_key"]
    assert works(operator, key)
    assert not works(operator, key, address="198.51.100.1")
    assert not works(operator, key, at_s=NOW + 40 * DAY_S)
    assert operator("credential list acme --json").json() == [
        {
            "username": "user",
            "scopes": ["send", "read"],
            "networks": ["203.0.113.0/24", "2001:db8::/32"],
            "callback": "main",
            "default_category": "otp",
            "expires": "2026-01-30T18:30:00Z",
            "secrets_expire": ["never"],
        }
    ]


def test_a_user_name_of_another_account_is_not_listed() -> None:
    operator = Operator().with_account()
    operator("account create other --carrier sim")
    created(operator)
    assert operator("credential create other user").status == 1
    assert operator("credential list other --json").json() == []


def test_both_secrets_work_until_the_overlap_is_over() -> None:
    operator = Operator().with_account()
    old = created(operator)["api_key"]
    new = operator("credential rotate user --json").json()["api_key"]
    for at_s, works_then in ((NOW, True), (NOW + DAY_S - 1, True), (NOW + DAY_S, False)):
        assert works(operator, old, at_s=at_s) == works_then
        assert works(operator, new, at_s=at_s)


def test_without_an_overlap_the_old_secret_ends_at_once() -> None:
    operator = Operator().with_account()
    old = created(operator)["api_key"]
    new = operator("credential rotate user --overlap 0s --json").json()["api_key"]
    assert not works(operator, old)
    assert works(operator, new)


def test_another_rotation_lengthens_no_secrets_life_and_forgets_those_that_ended() -> None:
    operator = Operator().with_account()
    first = created(operator)["api_key"]
    second = operator("credential rotate user --overlap 1h --json").json()["api_key"]
    operator("credential rotate user --overlap 2h")
    assert not works(operator, first, at_s=NOW + 3600)
    assert works(operator, second, at_s=NOW + 2 * 3600 - 1)
    operator.clock.now_s += DAY_S
    operator("credential rotate user")
    credential = operator.store.credential("user")
    assert credential is not None
    assert len(credential.secrets) == 2


def test_after_revocation_no_secret_works() -> None:
    operator = Operator().with_account()
    old = created(operator)["api_key"]
    new = operator("credential rotate user --json").json()["api_key"]
    assert operator("credential revoke --yes user --json").json() == {"revoked": "user"}
    assert not any(works(operator, key) for key in (old, new))
    assert operator("credential list acme --json").json() == []


def signed(secret: str, at_s: float) -> Request:
    """Return a hook's request, signed with a printed secret."""
    body, timestamp = b"{}", str(int(at_s))
    key = b64decode(secret.removeprefix("v1,whsec_"))
    headers = {
        "webhook-id": "w1",
        "webhook-timestamp": timestamp,
        "webhook-signature": signature(key, "w1", timestamp, body),
    }
    return Request("", "POST", "/hooks/supabase", "", {}, headers, body, ADDRESS)


def hook_works(operator: Operator, secret: str, at_s: float = NOW) -> bool:
    authenticator = Authenticator(operator.store, PEPPER, lambda: at_s)
    try:
        authenticator.authenticate_signed("user", signed(secret, at_s), Scope.SEND)
    except RequestRefused:
        return False
    return True


def test_a_hooks_secret_rotates_with_its_credential() -> None:
    operator = Operator().with_account()
    created(operator)
    old = operator("credential hook user supabase --json").json()
    assert old["url"].endswith("/hooks/supabase?user=user")
    assert operator("credential hook user supabase --json").json() == old
    operator("credential rotate user --overlap 1h")
    new = operator("credential hook user supabase --json").json()
    assert [hook_works(operator, each["secret"]) for each in (old, new)] == [True, True]
    assert [hook_works(operator, each["secret"], NOW + 3600) for each in (old, new)] == [
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("line", "status", "says"),
    [
        ("credential create gone user", 1, "there is no account gone"),
        ("credential create acme taken", 1, "the user name taken is taken"),
        ("credential create acme user --callback gone", 1, "there is no callback gone"),
        ("credential rotate gone", 1, "there is no credential gone"),
        ("credential hook gone supabase", 1, "there is no credential gone"),
        ("credential revoke --yes gone", 1, "there is no credential gone"),
        ("credential list gone", 1, "there is no account gone"),
        ("credential create acme us.er", 2, "use 1 to 64 letters"),
        (
            "credential create acme user --networks 203.0.113.7/24",
            2,
            "networks: network 0 is not a CIDR",
        ),
        ("credential create acme user --expires 2027-01-31", 2, "2027-01-31T18:30:00+05:30"),
        ("credential create acme user --expires tomorrow", 2, "2027-01-31T18:30:00+05:30"),
        ("credential create acme user --expires 2025-01-31T00:00:00Z", 2, "give a time to come"),
        ("credential create acme user --expires 1970-01-01T00:00:00Z", 2, "give a time to come"),
        ("credential create acme user --scopes everything", 2, "is not one of 'send', 'read'"),
        ("credential rotate user --overlap 1w", 2, "24h"),
    ],
)
def test_what_cannot_be_done_says_why_and_changes_nothing(
    line: str, status: int, says: str
) -> None:
    operator = Operator().with_account()
    operator("credential create acme taken")
    before = operator.store.credential("taken")
    done = operator(line)
    assert (done.status, done.out) == (status, "")
    assert says in done.err
    assert done.err.count("\n") == 1
    assert operator.store.credential("taken") == before
    assert operator.store.credential("user") is None
