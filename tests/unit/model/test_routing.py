"""A message's possible carriers, their order, and the selected one."""

import itertools
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harkara.base.ids import mid_of, new_batch_id
from harkara.model.messages import Category
from harkara.model.routing import Route, Routing, Rules, Weighted, in_order

OTP, PROMOTIONAL = Category.OTP, Category.PROMOTIONAL
INDIAN, BRITISH = "919876543210", "447400123456"
MIDS = [
    mid_of(new_batch_id(batch, bytes(10)), index) for batch in range(20) for index in range(500)
]


def route(name: str, prefix: str = "", *categories: Category) -> Route:
    return Route(prefix=prefix, categories=categories, carriers=(Weighted(carrier=name),))


def taken_by(rules: Rules, category: Category, msisdn: str) -> str:
    found = rules.route(category, msisdn)
    return found.carriers[0].carrier if found else ""


@pytest.mark.parametrize(
    ("own", "general", "carrier"),
    [
        pytest.param([], [], "", id="no route: the account's carrier"),
        pytest.param([route("a")], [], "a", id="any message"),
        pytest.param([route("a", "44")], [], "", id="another country"),
        pytest.param([route("a"), route("b", "91")], [], "b", id="longer prefix"),
        pytest.param([route("b", "9198"), route("a", "91")], [], "b", id="longer prefix first"),
        pytest.param([route("a", "91"), route("b", "91", OTP)], [], "b", id="its category"),
        pytest.param([route("b", "91"), route("a", "", OTP)], [], "b", id="prefix before category"),
        pytest.param([route("a", "", PROMOTIONAL)], [], "", id="another category"),
        pytest.param([route("b", "91"), route("a", "91")], [], "b", id="the first of equals"),
        pytest.param([], [route("g")], "g", id="that of all accounts"),
        pytest.param([route("a")], [route("g", "9198", OTP)], "a", id="its own before that of all"),
        pytest.param([route("a", "44")], [route("g")], "g", id="that of all where it has none"),
    ],
)
def test_a_message_takes_the_route_that_speaks_most_closely_of_it(
    own: list[Route], general: list[Route], carrier: str
) -> None:
    rules = Rules(Routing(routes=tuple(own)), Routing(routes=tuple(general)))
    assert taken_by(rules, OTP, INDIAN) == carrier
    assert rules.has_routes is bool(own or general)


def test_a_country_is_a_prefix() -> None:
    rules = Rules(Routing(routes=(route("india", "91"), route("elsewhere"))))
    assert taken_by(rules, OTP, INDIAN) == "india"
    assert taken_by(rules, OTP, BRITISH) == "elsewhere"


weights = st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 100), min_size=1, max_size=4)


@given(weights, st.integers(1, 9))
def test_the_order_is_that_of_the_try_and_holds_each_carrier_once(
    weights: dict[str, int], attempt: int
) -> None:
    carriers = [Weighted(carrier=name, weight=weight) for name, weight in weights.items()]
    order = in_order(carriers, MIDS[0], attempt)
    assert sorted(order) == sorted(weights)
    assert in_order(carriers[::-1], MIDS[0], attempt)[0] == order[0] or not any(weights.values())
    # Weight 0 comes last.
    spare = [name for name, weight in weights.items() if not weight]
    assert set(order[len(order) - len(spare) :]) == set(spare)


@pytest.mark.parametrize("attempt", [1, 2])
@pytest.mark.parametrize(
    "weights", [{"a": 1, "b": 1}, {"a": 70, "b": 30}, {"a": 90, "b": 9, "c": 1}, {"a": 1, "b": 0}]
)
def test_weights_are_kept_over_many_messages(weights: dict[str, int], attempt: int) -> None:
    carriers = [Weighted(carrier=name, weight=weight) for name, weight in weights.items()]
    firsts = Counter(in_order(carriers, mid, attempt)[0] for mid in MIDS)
    for name, weight in weights.items():
        share = weight / sum(weights.values())
        assert firsts[name] / len(MIDS) == pytest.approx(share, abs=0.015)


def test_without_the_first_the_others_share_by_their_weights() -> None:
    carriers = [Weighted(carrier=n, weight=w) for n, w in (("a", 80), ("b", 15), ("c", 5))]
    seconds = Counter(
        order[1] for mid in MIDS for order in [in_order(carriers, mid, 1)] if order[0] == "a"
    )
    assert seconds["b"] / seconds.total() == pytest.approx(0.75, abs=0.02)


def test_a_next_try_draws_anew() -> None:
    carriers = [Weighted(carrier=name) for name in "ab"]
    pairs = Counter((in_order(carriers, mid, 1)[0], in_order(carriers, mid, 2)[0]) for mid in MIDS)
    for first, second in itertools.product("ab", repeat=2):
        assert pairs[first, second] / len(MIDS) == pytest.approx(0.25, abs=0.02)


@pytest.mark.parametrize(
    ("own", "general", "campaign", "pauses"),
    [
        pytest.param({}, {}, "spring", False, id="nothing is paused"),
        pytest.param({"paused": True}, {}, "", True, id="the account"),
        pytest.param({}, {"paused": True}, "", True, id="all accounts"),
        pytest.param({"paused_campaigns": ("spring",)}, {}, "spring", True, id="the campaign"),
        pytest.param({"paused_campaigns": ("spring",)}, {}, "summer", False, id="another one"),
        pytest.param({"paused_campaigns": ("spring",)}, {}, "", False, id="of no campaign"),
        pytest.param({}, {"paused_campaigns": ("spring",)}, "spring", True, id="of all accounts"),
    ],
)
def test_what_is_paused_waits(
    own: dict[str, object], general: dict[str, object], campaign: str, pauses: bool
) -> None:
    rules = Rules(Routing.model_validate(own), Routing.model_validate(general))
    assert rules.pauses(campaign) is pauses


@pytest.mark.parametrize(
    ("own", "general", "resubmits"),
    [
        pytest.param({}, {}, False, id="left by default"),
        pytest.param({"promotional": "resubmit"}, {}, True, id="the account's"),
        pytest.param({}, {"promotional": "resubmit"}, True, id="that of all"),
        pytest.param({"promotional": "leave"}, {"promotional": "resubmit"}, False, id="own first"),
        pytest.param({"service_implicit": "resubmit"}, {}, False, id="of another category"),
    ],
)
def test_what_is_in_doubt_goes_again_only_where_it_is_said(
    own: dict[str, str], general: dict[str, str], resubmits: bool
) -> None:
    rules = Rules(*(Routing.model_validate({"in_doubt": each}) for each in (own, general)))
    assert rules.resubmits(PROMOTIONAL) is resubmits


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"carriers": []}, id="no carrier"),
        pytest.param({"carriers": [{"carrier": "a"}, {"carrier": "a"}]}, id="one twice"),
        pytest.param({"carriers": [{"carrier": "a"}], "prefix": "+91"}, id="a prefix with a sign"),
        pytest.param({"carriers": [{"carrier": "a", "weight": -1}]}, id="less than nothing"),
        pytest.param({"carriers": [{"carrier": ""}]}, id="no name"),
    ],
)
def test_a_route_that_cannot_be_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Route.model_validate(fields)
