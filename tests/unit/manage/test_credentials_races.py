"""Two people at one credential: neither loses a secret, or ends one of somebody else."""

from collections.abc import Callable

import pytest

from harkara.aws.operator import OperatorStore
from harkara.base.codes import Code
from harkara.base.errors import FieldRefused
from harkara.manage.credentials import IssuedSecret, mark_of
from harkara.model.accounts import Credential, Scope
from tests.unit.issuing import ACTS, ALL, DAY_S, NOW_S, Act, World, refused


@pytest.mark.parametrize("act", ACTS[1:], ids=lambda act: act.name)
def test_a_name_that_another_account_took_meanwhile_is_not_touched(act: Act) -> None:
    world = World()
    world.rotate()
    mark, theirs = mark_of(world.user), list[IssuedSecret]()

    def retake(_: Credential) -> None:
        world.service.revoke("acme", "user")
        theirs.append(world.service.create("other", "user", ALL))

    world.store.meanwhile = retake
    assert refused(lambda: act.on(world.service, "acme", "user", mark)).code is Code.NOT_FOUND
    assert world.works(theirs[0])
    assert len(world.service.get("other", "user").secrets) == 1


def test_of_two_secrets_that_are_made_at_once_both_work() -> None:
    world, others = World(), list[IssuedSecret]()
    world.store.meanwhile = lambda _: others.append(world.rotate())
    mine = world.rotate()
    assert [world.works(each) for each in (world.issued, *others, mine)] == [True, True, True]
    assert world.works(mine, NOW_S + DAY_S)


@pytest.mark.parametrize(
    "act",
    [
        lambda world, seen: world.rotate(0, seen),
        lambda world, seen: world.service.end_old_secrets("acme", "user", seen),
        lambda world, seen: world.service.revoke("acme", "user", seen),
    ],
    ids=["rotate", "end", "revoke"],
)
@pytest.mark.parametrize("meanwhile", [False, True])
def test_nobody_ends_a_secret_that_the_page_did_not_show(
    act: Callable[[World, str], object], meanwhile: bool
) -> None:
    """Neither one made before the form came, nor one made in between."""
    world, others = World(), list[IssuedSecret]()
    world.rotate()
    seen = mark_of(world.user)
    if meanwhile:
        world.store.meanwhile = lambda _: others.append(world.rotate())
    else:
        others.append(world.rotate())
    error = refused(lambda: act(world, seen))
    assert isinstance(error.__cause__, FieldRefused)
    assert (error.code, error.__cause__.field) == (Code.INVALID_REQUEST, "secret")
    assert world.works(others[0])
    assert world.user.secrets[0].expires_at_s == 0
    assert len(world.user.secrets) == 3


def test_a_rotation_whose_answer_was_lost_made_one_secret() -> None:
    world = World()
    seen = mark_of(world.user)
    world.store.meanwhile = lambda changed: OperatorStore.change_credential(
        world.store, "user", lambda _: changed
    )
    new = world.rotate(seen=seen)
    assert world.works(new)
    assert len(world.user.secrets) == 2


def test_a_change_that_meets_a_new_secret_keeps_it() -> None:
    world, others = World(), list[IssuedSecret]()
    world.store.meanwhile = lambda _: others.append(world.rotate())
    world.service.change("acme", "user", {"scopes": ["send"]})
    assert world.works(others[0])
    assert world.user.scopes == (Scope.SEND,)
