"""`harkara secret`: keys change while they are in use, and none is ever shown."""

import pytest

from harkara.api.authentication import Authenticator, presented
from harkara.aws.clients import values_of
from harkara.base.errors import RequestRefused
from harkara.base.ids import ReferenceSigner
from harkara.base.keys import Keys
from harkara.model.accounts import Scope
from tests.local.operators import NOW, Operator

MID = "1" + "0" * 28


def keys(operator: Operator, secret: str) -> Keys:
    return Keys(lambda: values_of(operator.secrets[secret]), lambda: NOW)


@pytest.mark.parametrize(("name", "secret"), [("tags", "tag-secret"), ("links", "link-secret")])
def test_what_was_signed_before_is_good_until_its_key_is_dropped(name: str, secret: str) -> None:
    operator = Operator()
    before = ReferenceSigner(keys(operator, secret)).sign(MID, 1)
    done = operator(f"secret rotate {name} --json")
    assert done.json() == {"name": name, "keys": 2}
    signer = ReferenceSigner(keys(operator, secret))
    assert signer.verify(before) == (MID, 1)
    assert signer.sign(MID, 1) != before
    assert operator(f"secret drop --yes {name} --json").json() == {"name": name, "keys": 1}
    assert ReferenceSigner(keys(operator, secret)).sign(MID, 1) == signer.sign(MID, 1)
    assert all(value not in done.out for value in operator.secrets[secret].split())


def test_credentials_of_before_and_after_work_while_both_peppers_are_kept() -> None:
    operator = Operator().with_account()

    def opens(key: str) -> bool:
        authenticator = Authenticator(operator.store, keys(operator, "pepper-secret"), lambda: NOW)
        try:
            authenticator.authenticate(presented({"x-api-key": key}), Scope.SEND, "203.0.113.7")
        except RequestRefused:
            return False
        return True

    before = operator("credential create acme before --json").json()["api_key"]
    operator("secret rotate pepper")
    after = operator("credential create acme after --json").json()["api_key"]
    assert (opens(before), opens(after)) == (True, True)
    operator("secret drop --yes pepper")
    assert (opens(before), opens(after)) == (False, True)


def test_the_last_key_is_not_dropped() -> None:
    operator = Operator()
    done = operator("secret drop --yes tags")
    assert (done.status, done.out) == (1, "")
    assert "secret rotate" in done.err
    assert operator.secrets["tag-secret"] == "tag"


def test_keys_are_counted_and_not_shown() -> None:
    operator = Operator()
    operator("secret rotate tags")
    rows = operator("secret list --json").json()
    assert rows == [
        {"name": "pepper", "keys": 1},
        {"name": "tags", "keys": 2},
        {"name": "links", "keys": 1},
    ]
