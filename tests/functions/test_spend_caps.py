"""The routes refuse what an account's caps of a day and a month do not hold."""

from decimal import Decimal
from typing import Any

import pytest

from harkara.base.codes import Code
from harkara.base.time import utc_text
from harkara.model.accounts import Enforcement, Limits, OtpLimit
from harkara.model.rates import Rate
from tests.functions.handlers import Gateway
from tests.functions.invoking import NOW, Context
from tests.functions.managing import request
from tests.functions.sending import MESSAGE, ROUTES, accepted_in, body_of, code_of, each_route, post
from tests.support.invocations import invoke

LATER = utc_text(int(NOW * 1000) + 7_200_000)
CARD = (Rate(prefix="91", price=Decimal("0.2")), Rate(prefix="44", price=Decimal(3)))


def give(gateway: Gateway, **fields: Any) -> None:
    account = gateway.accounts.accounts["sandbox"]
    own = {"dlt": Enforcement.OFF, "senders": {}, "countries": ("IN", "GB"), "rates": CARD}
    gateway.accounts.accounts["sandbox"] = account.model_copy(update={**own, **fields})


def capped(gateway: Gateway, day: str = "0", month: str = "0", **fields: Any) -> None:
    limits = Limits(spend_per_day=Decimal(day), spend_per_month=Decimal(month))
    give(gateway, limits=limits, **fields)


def sent(gateway: Gateway, **fields: Any) -> dict[str, Any]:
    answer: dict[str, Any] = gateway.call("send", post("/v1/messages", {**MESSAGE, **fields}))
    return answer


@each_route
def test_what_the_cap_does_not_hold_is_refused_with_its_own_code(
    path: str, gateway: Gateway
) -> None:
    capped(gateway, day="0.4")
    for _ in range(2):
        assert gateway.call("send", post(path))["statusCode"] == 200
    stored = accepted_in(gateway)
    refused = gateway.call("send", post(path))
    assert code_of(refused) is Code.SPEND_LIMIT
    assert "(of the day)" in refused["body"]
    assert 0 < int(refused["headers"]["Retry-After"]) <= 24 * 3600
    assert accepted_in(gateway) == stored


def test_a_month_is_capped_too(gateway: Gateway) -> None:
    capped(gateway, day="100", month="3.1")
    assert sent(gateway, to="+447400123456")["statusCode"] == 200
    refused = sent(gateway)
    assert code_of(refused) is Code.SPEND_LIMIT
    assert "(of the month)" in refused["body"]


def test_a_raised_cap_counts_at_once_and_no_cap_is_no_cap(gateway: Gateway) -> None:
    capped(gateway, day="0.2")
    assert [sent(gateway)["statusCode"] for _ in range(2)] == [200, 429]
    capped(gateway, day="0.5")
    assert [sent(gateway)["statusCode"] for _ in range(2)] == [200, 429]
    capped(gateway)
    assert [sent(gateway)["statusCode"] for _ in range(2)] == [200, 200]


def test_segments_cost_each_and_a_whole_request_passes_or_none_of_it(gateway: Gateway) -> None:
    capped(gateway, day="0.8")
    two_segments = {**MESSAGE, "text": "a" * 200}
    body = {"messages": [MESSAGE, two_segments, {**two_segments, "to": "9876500000"}]}
    refused = gateway.call("send", post("/v1/messages", body))
    assert code_of(refused) is Code.SPEND_LIMIT
    assert sent(gateway, text="a" * 200)["statusCode"] == 200
    assert sent(gateway, text="a" * 200)["statusCode"] == 200
    assert code_of(sent(gateway)) is Code.SPEND_LIMIT


def test_what_has_no_price_counts_nothing_and_passes(gateway: Gateway) -> None:
    capped(gateway, day="0.2", rates=CARD[:1])
    assert [sent(gateway)["statusCode"] for _ in range(2)] == [200, 429]
    assert sent(gateway, to="+447400123456")["statusCode"] == 200


def test_a_scheduled_message_counts_when_it_is_accepted(gateway: Gateway) -> None:
    capped(gateway, day="0.2")
    assert sent(gateway, send_at=LATER)["statusCode"] == 200
    assert code_of(sent(gateway)) is Code.SPEND_LIMIT


def test_a_cancelled_message_stays_counted(gateway: Gateway) -> None:
    capped(gateway, day="0.2")
    mid = body_of(sent(gateway, send_at=LATER))["mid"]
    cancelled = gateway.call("manage", request("DELETE", f"/v1/messages/{mid}"))
    assert cancelled["statusCode"] == 200
    assert code_of(sent(gateway)) is Code.SPEND_LIMIT


def test_refused_records_and_dry_runs_count_nothing(gateway: Gateway) -> None:
    capped(gateway, day="0.2")
    dry = gateway.call("send", post("/v1/messages", MESSAGE, "dry_run=true"))
    assert dry["statusCode"] == 200
    assert code_of(sent(gateway, to="12")) is Code.INVALID_NUMBER
    mixed = {"messages": [MESSAGE, {**MESSAGE, "to": "12"}]}
    assert gateway.call("send", post("/v1/messages", mixed))["statusCode"] == 200


def test_otps_that_are_refused_cost_nothing(gateway: Gateway) -> None:
    capped(gateway, day="0.6", otp_cooldown_s=30)
    otp = {**MESSAGE, "category": "otp"}
    assert [sent(gateway, category="otp")["statusCode"] for _ in range(3)] == [200, 429, 429]
    both = {"messages": [otp, {**otp, "to": "9876500000"}]}
    assert gateway.call("send", post("/v1/messages", both))["statusCode"] == 200
    assert [sent(gateway)["statusCode"] for _ in range(2)] == [200, 429]


def test_a_request_that_is_too_fast_costs_nothing(gateway: Gateway) -> None:
    limits = Limits(requests_per_s=0.1, spend_per_day=Decimal("0.4"))
    give(gateway, limits=limits)
    codes = [sent(gateway)["statusCode"] for _ in range(3)]
    assert codes == [200, 429, 429]
    give(gateway, limits=limits.model_copy(update={"requests_per_s": 0}))
    assert [sent(gateway)["statusCode"] for _ in range(2)] == [200, 429]


def test_what_is_known_to_be_beyond_a_cap_counts_against_no_other_limit(gateway: Gateway) -> None:
    limits = Limits(spend_per_day=Decimal("0.2"), segments_per_day=2)
    give(gateway, limits=limits)
    process = gateway.app("send", gateway.services("send"))
    event = post("/v1/messages", MESSAGE)
    answers = [invoke(process.handler, event, Context()) for _ in range(4)]
    assert [answer["statusCode"] for answer in answers] == [200, 429, 429, 429]
    give(gateway, limits=limits.model_copy(update={"spend_per_day": Decimal(9)}))
    assert [sent(gateway)["statusCode"] for _ in range(2)] == [200, 429]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"to": "+447400123456"}, Code.COUNTRY_NOT_ALLOWED),
        ({"to": MESSAGE["to"]}, Code.SPEND_LIMIT),
    ],
)
def test_the_countries_an_account_may_send_to_come_first(
    fields: dict[str, str], code: Code, gateway: Gateway
) -> None:
    capped(gateway, day="0.1", countries=("IN",))
    assert code_of(sent(gateway, **fields)) is code


def test_accounts_without_caps_make_no_call_for_them(gateway: Gateway) -> None:
    give(gateway)
    before = list(gateway.counted.faults.calls)
    assert all(gateway.call("send", post(path))["statusCode"] == 200 for path in ROUTES)
    assert gateway.counted.faults.calls.count("swap") == before.count("swap")
    give(gateway, otp_limits=(OtpLimit(prefix="44", count=1, every="hour"),))
    assert sent(gateway, category="otp")["statusCode"] == 200
    assert gateway.counted.faults.calls.count("swap") == before.count("swap")
