"""`send` when a request comes again under its Idempotency-Key, or too fast, on every route."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from harkara.base.codes import MEANINGS, Code
from harkara.model.accounts import Limits
from tests.functions.handlers import Gateway
from tests.functions.invoking import MSISDN, RECORD, SECRET, TEXT, Event, datasend, http_event
from tests.functions.sending import accepted_in
from tests.support.fakes import ProcessKilled

KEY = {"idempotency-key": "key", "x-api-key": f"sandbox.{SECRET}"}


def post(path: str, body: Any) -> Event:
    return http_event("POST", path, json.dumps(body), KEY)


def ics(to: str) -> Event:
    return http_event("POST", "/datasend", datasend({**RECORD, "to": to}), KEY)


def smpp(to: str) -> Event:
    event = http_event("GET", "/smpp", None, KEY)
    event["rawQueryString"] = f"to={to}&from=ACMEBK&text=Hello"
    return event


def webengage(to: str) -> Event:
    sms = {"toNumber": to, "fromNumber": "ACMEBK", "body": TEXT}
    metadata = {"campaignType": "TRANSACTIONAL", "messageId": "ref"}
    return post("/webengage", {"version": "2.0", "smsData": sms, "metadata": metadata})


def native(to: str) -> Event:
    return post("/v1/messages", {"to": to, "from": "ACMEBK", "text": TEXT})


every_route = pytest.mark.parametrize("request_to", [ics, smpp, webengage, native])
RequestTo = Callable[[str], Event]


def set_limits(gateway: Gateway, **limits: float) -> None:
    account = gateway.accounts.accounts["sandbox"]
    changed = account.model_copy(update={"limits": Limits.model_validate(limits)})
    gateway.accounts.accounts["sandbox"] = changed


@every_route
def test_a_repeat_is_answered_the_same_and_accepted_once(
    request_to: RequestTo, gateway: Gateway
) -> None:
    first = gateway.call("send", request_to(MSISDN))
    assert first["statusCode"] == 200
    assert gateway.call("send", request_to(MSISDN)) == first
    assert len(accepted_in(gateway)) == len(gateway.queues.waiting) == 1


@every_route
def test_a_refusal_is_not_kept_once_the_request_would_pass(
    request_to: RequestTo, gateway: Gateway
) -> None:
    account = gateway.accounts.accounts["sandbox"]
    gateway.accounts.accounts["sandbox"] = account.model_copy(update={"countries": ()})
    first = gateway.call("send", request_to(MSISDN))
    gateway.accounts.accounts["sandbox"] = account
    assert "accepted" not in first["body"]
    second = gateway.call("send", request_to(MSISDN))
    assert "accepted" in second["body"] or "mid" in second["body"]
    assert len(accepted_in(gateway)) == len(gateway.queues.waiting) == 1


@every_route
def test_another_request_under_the_key_is_refused(request_to: RequestTo, gateway: Gateway) -> None:
    gateway.call("send", request_to(MSISDN))
    other = gateway.call("send", request_to("919876543211"))
    assert MEANINGS[Code.IDEMPOTENCY_CONFLICT].advice in other["body"]
    assert len(accepted_in(gateway)) == 1


@every_route
def test_after_a_death_the_first_is_waited_for(request_to: RequestTo, gateway: Gateway) -> None:
    gateway.faults.kill_after.add(2)
    with pytest.raises(ProcessKilled):
        gateway.call("send", request_to(MSISDN))
    answer = gateway.call("send", request_to(MSISDN))
    assert answer["statusCode"] == 409
    assert int(answer["headers"]["Retry-After"]) > 0


@every_route
def test_who_sends_too_fast_is_told_when_to_send_again(
    request_to: RequestTo, gateway: Gateway
) -> None:
    set_limits(gateway, requests_per_s=0.1)
    assert gateway.call("send", ics(MSISDN))["statusCode"] == 200
    event = request_to("919876543211")
    del event["headers"]["idempotency-key"]
    answer = gateway.call("send", event)
    assert answer["statusCode"] == 429
    assert answer["headers"]["Retry-After"] == "9"
    assert MEANINGS[Code.RATE_LIMITED].advice in answer["body"]
    assert len(accepted_in(gateway)) == 1


@every_route
def test_what_was_beyond_a_limit_passes_under_its_key_once_there_is_room(
    request_to: RequestTo, gateway: Gateway
) -> None:
    set_limits(gateway, segments_per_day=1)
    other = request_to("919876543211")
    del other["headers"]["idempotency-key"]
    assert gateway.call("send", other)["statusCode"] == 200
    assert gateway.call("send", request_to(MSISDN))["statusCode"] == 429
    set_limits(gateway, segments_per_day=2)
    assert gateway.call("send", request_to(MSISDN))["statusCode"] == 200


def test_a_dry_run_counts_against_the_rate_of_requests_alone(gateway: Gateway) -> None:
    set_limits(gateway, requests_per_s=0.1)
    event = native(MSISDN)
    event["rawQueryString"] = "dry_run=true"
    event["queryStringParameters"] = {"dry_run": "true"}
    assert [gateway.call("send", event)["statusCode"] for _ in range(3)] == [200, 429, 429]
    assert accepted_in(gateway) == {}
