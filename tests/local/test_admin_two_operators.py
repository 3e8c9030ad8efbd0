"""Two operators at once: no change of one is undone by the other's command, at any moment.

The first command runs; before one of its calls to DynamoDB the second one runs as a whole. This is
tried at every call, in both orders.
"""

from collections.abc import Callable
from copy import deepcopy
from itertools import pairwise
from typing import Any

import pytest

from harkara.carriers.settings import CarrierSettings
from harkara.model.accounts import Account, Credential
from harkara.model.messages import Category
from harkara.model.routing import Routing
from tests.local.operators import Operator


class TwoOperators(Operator):
    """A deployment in which a command runs before one of the next calls, counted from 0."""

    def __init__(self) -> None:
        super().__init__()
        self.left: int | None = None
        self.meanwhile = ""
        self.with_account(dlt="off", callback_hosts=("acme.in",))
        self.done("credential create acme user")
        self.done("callback add acme main --url https://hooks.acme.in/dlr")
        self.done("account create other --carrier sim")
        self._before = deepcopy(self.table.items)

    def begin(self) -> None:
        """Restore the initial state. Making the clients anew would take most of the time."""
        self.table.items = deepcopy(self._before)
        self.left = None

    def done(self, line: str) -> None:
        done = self(line, stdin="another secret")
        assert done.status == 0, done.err

    def run_between(self, first: str, second: str, at: int) -> bool:
        """Run the first command, the second before its call `at`; return whether that was made."""
        self.left, self.meanwhile = at, second
        self.done(first)
        happened, self.left = self.left is None, None
        return happened

    @property
    def carrier(self) -> CarrierSettings:
        found = self.store.carrier("sim")
        assert found
        return found

    @property
    def account(self) -> Account:
        found = self.store.account("acme")
        assert found
        return found

    @property
    def routing(self) -> Routing:
        return Routing.model_validate_json(self.table.items["routing#acme", "routing"]["data"]["S"])

    @property
    def credential(self) -> Credential:
        found = self.store.credential("user")
        assert found
        return found

    def _dynamodb(self, operation: str, params: dict[str, Any]) -> Any:
        if self.left == 0:
            self.left = None
            self.done(self.meanwhile)
        elif self.left is not None:
            self.left -= 1
        return super()._dynamodb(operation, params)


Fact = Callable[[TwoOperators], object]

# Commands that change different fields of one record, each with a check of its effect.
CARRIER: dict[str, Fact] = {
    "carrier put sim --timeout 9": lambda on: on.carrier.timeout_s == 9,
    "carrier put sim --rate 50": lambda on: on.carrier.rate_segments_per_s == 50,
    "carrier put sim --secret-file -": lambda on: on.carrier.secret != b"cipher",
    "carrier put sim --new-receipt-url": lambda on: (
        len(on.carrier.receipt_token_hashes) == 2 and on.carrier.receipt_url
    ),
    "pause carrier --yes sim": lambda on: on.carrier.paused,
}
ACCOUNT: dict[str, Fact] = {
    "account set acme --name Another": lambda on: on.account.name == "Another",
    "account set acme --segments-per-day 7": lambda on: on.account.limits.segments_per_day == 7,
    "account set acme --requests-per-s 3": lambda on: on.account.limits.requests_per_s == 3,
    "account drain --yes acme": lambda on: on.account.draining,
    "account set acme --default-callback main": lambda on: on.account.default_callback == "main",
    "sender add acme ACMEBK --categories otp": lambda on: "ACMEBK" in on.account.senders,
    "callback add acme main --url https://x.acme.in/": lambda on: (
        on.account.callbacks["main"].url == "https://x.acme.in/"
    ),
    "callback add acme spare --url https://x.acme.in/": lambda on: "spare" in on.account.callbacks,
}
ROUTING: dict[str, Fact] = {
    "route set acme --carriers sim": lambda on: any(not each.prefix for each in on.routing.routes),
    "route set acme --prefix 91 --carriers sim": lambda on: any(
        each.prefix == "91" for each in on.routing.routes
    ),
    "route doubt acme otp=resubmit": lambda on: Category.OTP in on.routing.in_doubt,
    "route doubt acme promotional=leave": lambda on: Category.PROMOTIONAL in on.routing.in_doubt,
    "pause campaign --yes acme spring": lambda on: "spring" in on.routing.paused_campaigns,
    "pause campaign --yes acme summer": lambda on: "summer" in on.routing.paused_campaigns,
    "pause account --yes acme": lambda on: on.routing.paused,
    "suppression set acme --on": lambda on: on.routing.suppression,
    "suppression set acme --promotion 3": lambda on: on.routing.promotion == 3,
}
# Each with the next command on the same record, in both orders.
PAIRS = [
    (first, second, facts)
    for facts in (CARRIER, ACCOUNT, ROUTING)
    for pair in pairwise([*facts, next(iter(facts))])
    for first, second in (pair, pair[::-1])
]


@pytest.fixture(scope="module")
def on() -> TwoOperators:
    return TwoOperators()


@pytest.mark.parametrize(("first", "second", "facts"), PAIRS)
def test_what_either_of_two_operators_set_stands(
    on: TwoOperators, first: str, second: str, facts: dict[str, Fact]
) -> None:
    at, happened = 0, True
    while happened:
        on.begin()
        happened = on.run_between(first, second, at)
        assert facts[first](on), f"what the first set, at call {at}"
        assert not happened or facts[second](on), f"what the second set, at call {at}"
        at += 1
    assert at > 2, "it reads and writes"


def test_of_two_renewed_secrets_both_are_valid(on: TwoOperators) -> None:
    at, happened = 0, True
    while happened:
        on.begin()
        before = on.credential.secrets
        happened = on.run_between("credential rotate user", "credential rotate user", at)
        renewed = 2 if happened else 1
        assert len({each.hash for each in on.credential.secrets}) == renewed + len(before)
        at += 1


@pytest.mark.parametrize("anew", ["credential create acme user", "credential create other user"])
def test_a_credential_that_was_made_anew_is_not_revoked_with_the_one_before(
    on: TwoOperators, anew: str
) -> None:
    """It is also listed among those of its account: an index item leads to it."""
    at, happened = 0, True
    while happened:
        on.begin()
        on.left, on.meanwhile = at, "credential revoke --yes user"
        # The revoke runs between the other command's calls, or the name is still taken.
        created = on(anew).status == 0
        happened, on.left = on.left is None, None
        account = anew.split()[2]
        listed = [row["username"] for row in on(f"credential list {account} --json").json()]
        stands = on.store.credential("user")
        assert bool(stands) is created or not happened
        assert ("user" in listed) is bool(stands and stands.account_id == account)
        at += 1


def test_a_carrier_is_set_up_by_one_of_two(on: TwoOperators) -> None:
    """The other operator gets an error: its receipt URL would not be valid."""
    put = "carrier put new --url https://a.example/ --username u --secret-file -"
    at, happened, refused = 0, True, 0
    while happened:
        on.begin()
        on.left, on.meanwhile = at, put
        done = on(put, stdin="a secret")
        happened, on.left = on.left is None, None
        carrier = on.store.carrier("new")
        assert carrier
        if done.status:
            assert "do it again" in done.err
            refused += 1
        at += 1
    assert refused == 1
