"""The routes refuse an OTP to a number that has just got one."""

import pytest

from harkara.base.codes import Code
from harkara.model.accounts import Enforcement, OtpLimit
from harkara.model.messages import Category
from tests.functions.handlers import Gateway
from tests.functions.sending import MESSAGE, accepted_in, body_of, code_of, each_route, post

OTP = {**MESSAGE, "category": "otp"}


@pytest.fixture
def limited(gateway: Gateway) -> Gateway:
    account = gateway.accounts.accounts["sandbox"]
    limits = {"otp_cooldown_s": 30, "otp_per_day": 10, "senders": {}, "dlt": Enforcement.OFF}
    changed = account.model_copy(update={**limits, "default_category": Category.OTP})
    gateway.accounts.accounts["sandbox"] = changed
    return gateway


@each_route
def test_a_second_otp_is_refused_and_says_how_long_to_wait(path: str, limited: Gateway) -> None:
    first = limited.call("send", post(path))
    assert first["statusCode"] == 200
    stored = accepted_in(limited)
    refused = limited.call("send", post(path))
    assert accepted_in(limited) == stored
    assert code_of(refused) is Code.OTP_LIMITED
    assert "again after" in refused["body"]


def test_a_refused_otp_does_not_keep_the_others_back(limited: Gateway) -> None:
    limited.call("send", post("/v1/messages", OTP))
    others = [{**OTP, "to": "9876500000"}, {**MESSAGE, "category": "transactional"}]
    answer = limited.call("send", post("/v1/messages", {"messages": [OTP, *others]}))
    codes = [each["error"] and each["error"]["code"] for each in body_of(answer)["messages"]]
    assert codes == ["OTP_LIMITED", None, None]


def test_a_refused_otp_may_be_sent_again_under_its_key(limited: Gateway) -> None:
    key = {"idempotency_key": "login-1"}
    assert limited.call("send", post("/v1/messages", OTP, **key))["statusCode"] == 200
    assert limited.call("send", post("/v1/messages", OTP, **key))["statusCode"] == 200
    assert len(accepted_in(limited)) == 1


def test_a_dry_run_does_not_count(limited: Gateway) -> None:
    for _ in range(2):
        answer = limited.call("send", post("/v1/messages", OTP, "dry_run=true"))
        assert body_of(answer)["error"] is None
    assert limited.call("send", post("/v1/messages", OTP))["statusCode"] == 200


HOURLY = OtpLimit(prefix="9198", count=2, every="hour")


def by_prefix(gateway: Gateway, *limits: OtpLimit, **fields: object) -> Gateway:
    account = gateway.accounts.accounts["sandbox"]
    own = {"otp_limits": limits, "senders": {}, "dlt": Enforcement.OFF, **fields}
    gateway.accounts.accounts["sandbox"] = account.model_copy(update=own)
    return gateway


def codes_of(gateway: Gateway, *numbers: str, **fields: object) -> list[str | None]:
    """Send an OTP to each number in one request; return the codes."""
    records = [{**OTP, "to": number, **fields} for number in numbers]
    answer = gateway.call("send", post("/v1/messages", {"messages": records}))
    return [each["error"] and each["error"]["code"] for each in body_of(answer)["messages"]]


@each_route
def test_otps_to_a_prefix_are_limited_on_each_route(path: str, gateway: Gateway) -> None:
    by_prefix(gateway, HOURLY, default_category=Category.OTP)
    for _ in range(2):
        assert gateway.call("send", post(path))["statusCode"] == 200
    stored = accepted_in(gateway)
    refused = gateway.call("send", post(path))
    assert code_of(refused) is Code.OTP_PREFIX_LIMITED
    assert "again after" in refused["body"]
    assert accepted_in(gateway) == stored


def test_a_request_gets_as_many_as_the_prefix_has_left_in_order(gateway: Gateway) -> None:
    by_prefix(gateway, HOURLY)
    numbers = ["9876500001", "9776500001", "9876500002", "9876500003"]
    limited = [None, None, None, "OTP_PREFIX_LIMITED"]
    assert codes_of(gateway, *numbers) == limited
    assert codes_of(gateway, "9776500002", "9876500004") == [None, "OTP_PREFIX_LIMITED"]
    assert codes_of(gateway, "9876500005", category="transactional") == [None]


def test_each_prefix_holds_however_long_another_is(gateway: Gateway) -> None:
    country = OtpLimit(prefix="91", count=3, every="day")
    by_prefix(gateway, HOURLY, country)
    numbers = ["9876500001", "9876500002", "9876500003", "9776500001", "9776500002"]
    limited = "OTP_PREFIX_LIMITED"
    assert codes_of(gateway, *numbers) == [None, None, limited, None, limited]


def test_a_number_that_has_enough_uses_up_no_prefix(gateway: Gateway) -> None:
    by_prefix(gateway, HOURLY, otp_cooldown_s=30)
    codes = codes_of(gateway, "9876500001", "9876500001", "9876500002", "9876500003")
    assert codes == [None, "OTP_LIMITED", None, "OTP_PREFIX_LIMITED"]


def test_the_countries_an_account_may_send_to_come_before_its_prefixes(gateway: Gateway) -> None:
    abroad = OtpLimit(prefix="44", count=1, every="day")
    by_prefix(gateway, abroad, countries=("IN", "GB"))
    assert codes_of(gateway, "+447400123456", "+447400123457") == [None, "OTP_PREFIX_LIMITED"]
    by_prefix(gateway, abroad, countries=("IN",), otp_cooldown_s=3600)
    assert codes_of(gateway, "+447400123456", "9876500001") == ["COUNTRY_NOT_ALLOWED", None]


def test_a_repeat_under_a_key_has_the_outcome_of_its_prefixes(gateway: Gateway) -> None:
    by_prefix(gateway, HOURLY)
    key = {"idempotency_key": "logins"}
    body = {"messages": [{**OTP, "to": f"987650000{index}"} for index in range(3)]}
    first = gateway.call("send", post("/v1/messages", body, **key))
    assert gateway.call("send", post("/v1/messages", body, **key)) == first
    assert len(accepted_in(gateway)) == 1
