"""`harkara route`, `pause` and `resume`: `submit` reads the operator's settings."""

import pytest

from harkara.aws.carriers import DynamoRoutingStore
from harkara.model.messages import Category
from harkara.model.routing import EVERYONE, InDoubtPolicy, RcsFirst, Route, Routing, Rules, Weighted
from tests.local.operators import CARRIER, Operator
from tests.support.rcs import RCS


@pytest.fixture
def operator() -> Operator:
    operator = Operator().with_account()
    operator.store.put_carrier(CARRIER.model_copy(update={"name": "spare"}))
    return operator


def rules(operator: Operator, account_id: str = "acme") -> Rules:
    """Return the rules as a freshly started process reads them."""
    return DynamoRoutingStore(operator.client("dynamodb"), "Accounts").rules(account_id)


def route(prefix: str = "", *categories: Category, **weights: int) -> Route:
    carriers = tuple(Weighted(carrier=name, weight=weight) for name, weight in weights.items())
    return Route(prefix=prefix, categories=categories, carriers=carriers)


def test_routes_are_added_changed_and_removed(operator: Operator) -> None:
    operator("route set acme --carriers sim spare=3 --json").json()
    operator("route set acme --prefix 91 --categories transactional otp --carriers sim")
    operator("route set * --prefix 44 --carriers spare --json").json()
    special = route("91", Category.OTP, Category.TRANSACTIONAL, sim=1)
    assert rules(operator).own.routes == (route(sim=1, spare=3), special)
    assert rules(operator).general.routes == (route("44", spare=1),)
    operator("route set acme --carriers spare=0 --json").json()
    operator("route remove --yes acme --prefix 91 --categories otp transactional --json").json()
    assert rules(operator).own.routes == (route(spare=0),)


def test_routes_are_shown(operator: Operator) -> None:
    operator("route set acme --prefix 91 --categories otp --carriers sim=70 spare=30")
    operator("route doubt acme promotional=resubmit")
    operator("pause campaign --yes acme spring")
    assert operator("route show acme --json").json() == {
        "account": "acme",
        "paused": False,
        "paused_campaigns": ["spring"],
        "in_doubt": ["promotional=resubmit"],
        "routes": [{"prefix": "91", "categories": ["otp"], "carriers": ["sim=70", "spare=30"]}],
    }
    assert operator("route show * --json").json()["routes"] == []


@pytest.fixture
def with_rcs(operator: Operator) -> Operator:
    operator.store.put_carrier(RCS)
    return operator


def test_a_route_sends_by_rcs_first(with_rcs: Operator) -> None:
    with_rcs("route set acme --carriers sim --rcs rcs")
    (usual,) = rules(with_rcs).own.routes
    assert usual.rcs == RcsFirst(carrier="rcs", wait_s=300, doubles=False, monthly=4)
    with_rcs("route set acme --carriers sim --rcs rcs --rcs-wait 30 --rcs-doubles --rcs-monthly 0")
    set_ = {"carrier": "rcs", "wait_s": 30, "doubles": True, "monthly": 0}
    (row,) = with_rcs("route show acme --json").json()["routes"]
    assert row == {"prefix": "", "categories": [], "carriers": ["sim=1"], "rcs": set_}
    with_rcs("route set acme --carriers sim")
    assert rules(with_rcs).own.routes == (route(sim=1),)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("route set acme --carriers sim rcs", "the carrier rcs is for rcs"),
        ("route set acme --carriers rcs", "the carrier rcs is for rcs"),
        ("route set acme --carriers sim --rcs spare", "the carrier spare is for sms"),
        ("route set acme --carriers sim --rcs nobody", "there is no carrier nobody"),
        ("route set acme --carriers sim --rcs rcs --rcs-wait 9", "--rcs-wait"),
        ("account set acme --carrier rcs", "the carrier rcs is for rcs"),
        ("carrier put sim --channel rcs", "--channel: the carrier sim is for sms"),
        ("carrier put rcs --channel sms", "--channel: the carrier rcs is for rcs"),
    ],
)
def test_a_carrier_is_named_where_its_channel_is(with_rcs: Operator, line: str, says: str) -> None:
    done = with_rcs.run(line.split())
    assert done.status != 0
    assert says in " ".join(done.err.split())


def test_an_rcs_carrier_of_a_route_is_not_removed(with_rcs: Operator) -> None:
    with_rcs("route set acme --carriers sim --rcs rcs")
    done = with_rcs.run(["carrier", "remove", "rcs", "--yes"])
    assert "routes of acme lead to rcs" in " ".join(done.err.split())


def test_policies_for_doubts_are_kept_by_category(operator: Operator) -> None:
    operator("route doubt acme promotional=resubmit otp=leave")
    operator("route doubt acme promotional=leave service_explicit=resubmit")
    assert rules(operator).own.in_doubt == {
        Category.PROMOTIONAL: InDoubtPolicy.LEAVE,
        Category.OTP: InDoubtPolicy.LEAVE,
        Category.SERVICE_EXPLICIT: InDoubtPolicy.RESUBMIT,
    }


@pytest.mark.parametrize("account_id", ["acme", EVERYONE])
def test_an_account_is_paused_and_resumed(operator: Operator, account_id: str) -> None:
    operator("route set acme --carriers sim")
    assert operator(f"pause account --yes {account_id} --json").json()["paused"] is True
    assert rules(operator).pauses("")
    assert rules(operator, "other").pauses("") is (account_id == EVERYONE)
    assert operator(f"resume account {account_id} --json").json()["paused"] is False
    assert rules(operator) == Rules(Routing(routes=(route(sim=1),)))


def test_a_campaign_is_paused_and_resumed(operator: Operator) -> None:
    for _ in range(2):
        operator("pause campaign --yes acme spring")
    operator("pause campaign --yes acme summer")
    assert rules(operator).own.paused_campaigns == ("spring", "summer")
    operator("resume campaign acme spring")
    assert rules(operator).own.paused_campaigns == ("summer",)


def test_a_carrier_is_paused_and_resumed(operator: Operator) -> None:
    operator("pause carrier --yes spare --json").json()
    paused, running = operator.store.carrier("spare"), operator.store.carrier("sim")
    assert paused is not None
    assert running is not None
    assert (paused.paused, running.paused) == (True, False)
    operator("resume carrier spare --json").json()
    assert operator.store.carrier("spare") == CARRIER.model_copy(update={"name": "spare"})


def test_an_account_is_drained_until_it_is_resumed(operator: Operator) -> None:
    assert operator("account drain --yes acme --json").json() == {
        "account": "acme",
        "draining": True,
    }
    drained = operator.store.account("acme")
    assert drained is not None
    assert drained.draining
    assert not rules(operator).pauses(""), "what it accepted goes on"
    operator("resume account acme")
    resumed = operator.store.account("acme")
    assert resumed is not None
    assert not resumed.draining


@pytest.mark.parametrize(
    ("command", "status", "says"),
    [
        ("route set gone --carriers sim", 1, "no account gone"),
        ("route set acme --carriers gone", 1, "no carrier gone"),
        ("route set acme", 2, "--carriers"),
        ("route set acme --carriers sim=1001", 2, "up to 1000"),
        ("route set acme --carriers sim=", 2, "airtel=70"),
        ("route set acme --carriers sim sim", 2, "each carrier once"),
        ("route set acme --prefix +91 --carriers sim", 2, "up to 15 digits"),
        ("route set acme --categories sms --carriers sim", 2, "--categories"),
        ("route remove --yes acme --prefix 91", 1, "no such route"),
        ("route doubt acme promotional", 2, "promotional=resubmit"),
        ("route show ac.me", 2, "'*'"),
        ("pause account --yes gone", 1, "no account gone"),
        ("pause carrier --yes gone", 1, "no carrier gone"),
        ("resume campaign gone spring", 1, "no account gone"),
        ("account drain --yes gone", 1, "no account gone"),
    ],
)
def test_what_cannot_be_is_refused(
    operator: Operator, command: str, status: int, says: str
) -> None:
    done = operator(command)
    assert done.status == status
    assert says in done.err
    assert rules(operator) == Rules()
