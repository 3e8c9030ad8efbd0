"""Credentials: whose they are, what is taken of a form, and how long secrets work."""

from base64 import b64decode
from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.api.authentication import Authenticator
from harkara.api.request import Request
from harkara.aws.carriers import DynamoCarrierStore
from harkara.base.codes import Code
from harkara.base.errors import FieldRefused, RequestRefused
from harkara.callbacks.posting import signature
from harkara.manage.credentials import NETWORKS_LIMIT, mark_of
from harkara.model.accounts import Scope
from tests.support.dynamo import ACCOUNTS
from tests.unit.changing import PEPPER, SOURCE
from tests.unit.issuing import ACTS, ALL, DAY_S, NOW_S, Act, World, refused


def test_a_new_credential_works_and_its_secret_is_stored_nowhere() -> None:
    world = World()
    assert world.works(world.issued)
    assert world.issued.api_key == f"user.{world.issued.secret}"
    assert world.issued.secret not in str(world.table.items)
    assert world.issued.secret not in repr(world.issued)
    assert world.issued.hook_secret not in repr(world.issued)


def test_a_hooks_secret_signs_and_ends_with_its_credentials_secret() -> None:
    world = World()
    new = world.rotate(3600)
    for issued, works in product((world.issued, new), (True, False)):
        at_s = NOW_S if works else NOW_S + 3600
        key = b64decode(issued.hook_secret.removeprefix("v1,whsec_"))
        headers = {"webhook-id": "w", "webhook-timestamp": str(at_s)}
        headers["webhook-signature"] = signature(key, "w", str(at_s), b"{}")
        request = Request("", "POST", "/hooks/supabase", "", {}, headers, b"{}", SOURCE)
        store = DynamoCarrierStore(world.dynamo, ACCOUNTS)
        signed = Authenticator(store, PEPPER, lambda at_s=at_s: at_s)  # type: ignore[misc]
        try:
            signed.authenticate_signed("user", request, Scope.SEND)
        except RequestRefused:
            assert (issued, works) == (world.issued, False)
        else:
            assert works or issued is new
    assert world.service.hook_secret(world.user) == new.hook_secret


USERNAMES = st.one_of(
    st.sampled_from(["user", "mine", "gone", "user ", "acme#user", "user\x00", "", "x" * 65]),
    st.text(max_size=70),
)


@given(acts=st.lists(st.tuples(st.sampled_from(ACTS), USERNAMES), max_size=6))
def test_an_account_finds_and_changes_its_own_credentials_alone(
    acts: list[tuple[Act, str]],
) -> None:
    world = World()
    world.rotate()
    world.service.create("other", "mine", ALL)
    own = {("credential#mine", "credential"), ("account#other", "credential#mine")}
    before = {key: item for key, item in world.table.items.items() if key not in own}
    mark, revoked = mark_of(world.user), False
    for act, name in acts:
        if name == "mine" and not revoked:
            mine = mark_of(world.service.get("other", "mine"))
            act.on(world.service, "other", name, mine)
            revoked = act.name.startswith("revoke")
        else:
            found = refused(lambda: act.on(world.service, "other", name, mark))  # noqa: B023
            assert found.code is Code.NOT_FOUND
    assert {key: item for key, item in world.table.items.items() if key not in own} == before
    listed = [each.username for each in world.service.registry.credentials("other")]
    assert listed == ([] if revoked else ["mine"])


@given(
    steps=st.lists(
        st.tuples(st.integers(1, 2 * DAY_S), st.integers(0, 8 * DAY_S), st.booleans()), max_size=6
    ),
    later_s=st.integers(0, 9 * DAY_S),
)
def test_a_secret_works_until_an_overlap_is_over_or_all_old_ones_end(
    steps: list[tuple[int, int, bool]], later_s: int
) -> None:
    """Each step waits, then rotates with an overlap, and may end the old secrets."""
    world = World()
    ends = {world.issued: float("inf")}
    for wait_s, overlap_s, end in steps:
        world.now_s += wait_s
        ends = {each: min(at_s, world.now_s + overlap_s) for each, at_s in ends.items()}
        new = world.rotate(overlap_s)
        if end:
            world.service.end_old_secrets("acme", "user", mark_of(world.user))
            ends = {each: min(at_s, world.now_s) for each, at_s in ends.items()}
        ends[new] = float("inf")
    world.now_s += later_s
    for issued, at_s in ends.items():
        assert world.works(issued) == (world.now_s < at_s)


VALUES: dict[str, st.SearchStrategy[Any]] = {
    "scopes": st.lists(st.sampled_from([*Scope, "owner", 1]), max_size=4),
    "networks": st.lists(
        st.sampled_from(["203.0.113.0/24", "2001:db8::/32", "203.0.113.7/24", "any", 7]), max_size=3
    ),
    "callback": st.sampled_from(["", "main", "theirs", "gone", "<b>", "x" * 70, 7]),
    "default_category": st.sampled_from(["otp", "promotional", "", "news"]),
    "expires_at_s": st.sampled_from([-1, 0, NOW_S, NOW_S + 1, 32_503_679_999, 2**62, "soon"]),
}
GOOD: dict[str, Callable[[Any], bool]] = {
    "scopes": lambda given: bool(given) and set(given) <= {*Scope},
    "networks": lambda given: set(given) <= {"203.0.113.0/24", "2001:db8::/32"},
    "callback": lambda given: given in ("", "main"),
    "default_category": lambda given: given in ("otp", "promotional"),
    "expires_at_s": lambda given: given in (NOW_S + 1, 32_503_679_999),
}


@given(fields=st.fixed_dictionaries({}, optional=VALUES), is_new=st.booleans())
def test_fields_are_taken_as_a_whole_or_one_is_named_and_nothing_changes(
    fields: dict[str, Any], is_new: bool
) -> None:
    world = World()
    before, secrets = dict(world.table.items), world.user.secrets
    wrong = [name for name, given in fields.items() if not GOOD[name](given)]

    def take() -> None:
        if is_new:
            world.service.create("acme", "new", fields)
        else:
            world.service.change("acme", "user", fields)

    if wrong:
        error = refused(take).__cause__
        assert isinstance(error, FieldRefused)
        assert error.field in wrong
        assert world.table.items == before
        return
    take()
    found = world.service.get("acme", "new" if is_new else "user")
    assert found.account_id == "acme"
    assert set(found.scopes) == set(fields.get("scopes", Scope))
    assert set(found.networks) == set(fields.get("networks", ()))
    assert found.callback == fields.get("callback", "")
    assert found.default_category == fields.get("default_category")
    assert found.expires_at_s == fields.get("expires_at_s", 0)
    assert len(found.secrets) == 1
    assert is_new or found.secrets == secrets


def test_an_expiry_that_has_passed_may_stay_and_no_other_may_be_set() -> None:
    world = World()
    ended = {"expires_at_s": NOW_S + 10}
    world.service.change("acme", "user", ended)
    world.now_s += 100
    world.service.change("acme", "user", {**ended, "scopes": ["read"]})
    assert world.user.scopes == (Scope.READ,)
    for at_s in (NOW_S, NOW_S + 11, NOW_S + 100, 32_503_680_000, 2**62):
        refused(lambda at_s=at_s: world.service.change("acme", "user", {"expires_at_s": at_s}))  # type: ignore[misc]
    world.service.change("acme", "user", {})
    assert world.user.expires_at_s == 0


@pytest.mark.parametrize("username", ["", "us.er", "us er", "x" * 65, "é", "user\n"])
def test_a_user_name_that_no_key_could_hold_is_refused(username: str) -> None:
    world = World()
    error = refused(lambda: world.service.create("acme", username, ALL)).__cause__
    assert isinstance(error, FieldRefused)
    assert error.field == "username"


def test_a_taken_user_name_is_refused_whoever_has_it() -> None:
    world = World()
    for account_id in ("acme", "other"):
        error = refused(lambda account_id=account_id: world.service.create(account_id, "user", ALL))  # type: ignore[misc]
        assert error.code is Code.ALREADY_EXISTS
    assert world.works(world.issued)


def test_networks_have_a_number_that_is_checked_at_each_request() -> None:
    world = World()
    networks = [f"203.0.{number}.0/24" for number in range(NETWORKS_LIMIT + 1)]
    refused(lambda: world.service.change("acme", "user", {"networks": networks}))
    world.service.change("acme", "user", {"networks": networks[1:]})
    assert len(world.user.networks) == NETWORKS_LIMIT


def test_credentials_are_listed_a_page_at_a_time() -> None:
    world = World()
    for number in range(7):
        world.service.create("acme", f"n{number}", ALL)
    registry = world.service.registry
    first = [each.username for each in registry.credentials("acme", limit=3)]
    rest = [each.username for each in registry.credentials("acme", first[-1])]
    assert (len(first), first + rest) == (3, [*(f"n{number}" for number in range(7)), "user"])
