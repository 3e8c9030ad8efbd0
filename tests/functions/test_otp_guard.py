"""The routes refuse an OTP to a number that has just got one."""

import pytest

from harkara.base.codes import Code
from harkara.model.accounts import Enforcement
from harkara.model.messages import Category
from tests.functions.handlers import Gateway
from tests.functions.sending import MESSAGE, body_of, code_of, each_route, post

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
    stored = dict(limited.store.packed)
    refused = limited.call("send", post(path))
    assert limited.store.packed == stored
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
    assert len(limited.store.packed) == 1


def test_a_dry_run_does_not_count(limited: Gateway) -> None:
    for _ in range(2):
        answer = limited.call("send", post("/v1/messages", OTP, "dry_run=true"))
        assert body_of(answer)["error"] is None
    assert limited.call("send", post("/v1/messages", OTP))["statusCode"] == 200
