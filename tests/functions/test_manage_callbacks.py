"""Registered callbacks by API: their secrets are accepted, and never shown again."""

import json
from typing import Any

import pytest

from harkara.base.codes import Code
from harkara.callbacks.formats import clevertap
from harkara.model.accounts import Account, Credential, Scope, Secret, hash_secret
from harkara.model.callbacks import PostResult
from harkara.model.messages import Endpoint
from harkara.model.tasks import QueueName
from harkara.state.endpoint_health import EndpointHealth, Verdict
from harkara.state.rates import RateLimiter
from tests.functions.answers import assert_refused
from tests.functions.handlers import Gateway
from tests.functions.invoking import NOW, SECRET, Context, Logs
from tests.functions.managing import request

URL = "https://api.clevertap.com/dlr"
HEADER, TOKEN = "not-a-real-key", "not-a-real-token"
NEW = {"id": "new", "url": URL, "headers": {"X-Key": HEADER}, "token": TOKEN}
ACTIONS = ("secret", "test", "replay")


def call(gateway: Gateway, method: str, path: str, body: Any = None) -> Any:
    """Return the JSON of a 2xx answer."""
    answer = gateway.call("manage", request(method, f"/v1/callbacks{path}", body))
    assert answer["statusCode"] in (200, 201), answer["body"]
    return json.loads(answer["body"])


def test_secrets_are_in_no_answer_and_no_line(gateway: Gateway, logs: Logs) -> None:
    answers = [
        call(gateway, "POST", "", NEW),
        call(gateway, "GET", "/new"),
        call(gateway, "PUT", "/new", {**NEW, "name": "Changed"}),
        call(gateway, "GET", ""),
        call(gateway, "POST", "/new/test"),
    ]
    secret = call(gateway, "POST", "/new/secret")["secret"]
    answers += [call(gateway, "GET", "/new"), call(gateway, "POST", "/new/secret")]
    kept = gateway.accounts.accounts["sandbox"].callbacks["new"].model_dump_json()
    for visible in (json.dumps(answers), kept, logs.own.getvalue() + logs.other.getvalue()):
        assert not [each for each in (HEADER, TOKEN, secret) if each in visible]
    assert answers[1] | {"header_names": ["x-key"], "has_token": True} == answers[1]
    assert (answers[1]["signed"], answers[5]["signed"]) == (False, True)


def test_what_was_read_can_be_put_back(gateway: Gateway) -> None:
    call(gateway, "POST", "", {**NEW, "states": ["failed"], "concurrency": 3, "rate_per_s": 1.5})
    call(gateway, "POST", "/new/secret")
    read = call(gateway, "GET", "/new")
    before = gateway.accounts.accounts["sandbox"].callbacks
    assert call(gateway, "PUT", "/new", read) == read
    assert gateway.accounts.accounts["sandbox"].callbacks == before


@pytest.mark.parametrize("body", [None, {}, {"overlap_s": 3600}])
def test_a_signing_secret_is_answered_once(body: Any, gateway: Gateway) -> None:
    gateway.put_samples()
    first, second = (call(gateway, "POST", "/sample/secret", body) for _ in range(2))
    assert first["secret"] != second["secret"]
    assert first["overlap_s"] == (3600 if body else 24 * 3600)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("{", Code.MALFORMED_JSON),
        ("[]", Code.INVALID_REQUEST),
        ({"overlap_s": 604_801}, Code.INVALID_REQUEST),
        ({"secret": "mine"}, Code.INVALID_REQUEST),
    ],
)
def test_a_wrong_renewal_is_refused(body: Any, code: Code, gateway: Gateway) -> None:
    gateway.put_samples()
    answer = gateway.call("manage", request("POST", "/v1/callbacks/sample/secret", body))
    assert_refused(answer, code)


def test_a_sample_is_posted_and_its_answer_shown(gateway: Gateway) -> None:
    call(gateway, "POST", "", NEW)
    gateway.platform.script = [410, 200]
    tried = [call(gateway, "POST", "/new/test") for _ in range(2)]
    assert [each["status"] for each in tried] == [410, 200]
    (task,) = gateway.platform.taken
    assert task.endpoint == Endpoint(URL, "clevertap", "new")
    (member,) = task.members
    assert (member.mid, member.client_ref, member.at_s) == ("test", "test", int(NOW))


def test_what_was_not_taken_is_shown_and_replayed(gateway: Gateway, logs: Logs) -> None:
    gateway.put_samples()
    (row,) = call(gateway, "GET", "/signed/parked")["parked"]
    assert row["reason"] == "HTTP 503"
    assert call(gateway, "GET", "/sample/parked") == {"parked": [], "next": None}
    replayed = call(gateway, "POST", "/signed/replay", {"ids": [row["id"]]})
    assert replayed == {"replayed": 1, "complete": True}
    (body,) = gateway.bodies(QueueName.CALLBACK)
    assert row["messages"][0]["mid"] in body
    assert call(gateway, "GET", "/signed/parked") == {"parked": [], "next": None}
    assert logs.lines("callbacks replayed")[0]["replayed"] == 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("PUT", "/signed", {"url": URL}, id="a change"),
        pytest.param("POST", "/signed/test", None, id="a test"),
        pytest.param("POST", "/signed/replay", {"all": True}, id="a replay"),
    ],
)
def test_an_endpoint_that_was_gone_is_posted_to_again(
    method: str, path: str, body: Any, gateway: Gateway
) -> None:
    gateway.put_samples()
    callback = gateway.accounts.accounts["sandbox"].callbacks["signed"]

    def endpoint_health() -> EndpointHealth:
        rate_limiter = RateLimiter(gateway.counted, gateway.clock, lambda: 0.5)
        return EndpointHealth(gateway.counted, rate_limiter, gateway.clock)

    def verdict() -> Verdict:
        return (
            endpoint_health().acquire("sandbox", callback.endpoint, callback, "lease", 10).verdict
        )

    admission = endpoint_health().acquire("sandbox", callback.endpoint, callback, "first", 10)
    endpoint_health().report("sandbox", callback.endpoint, admission, PostResult(410, "HTTP 410"))
    assert verdict() is Verdict.GONE
    call(gateway, method, path, body)
    assert verdict() is Verdict.POST


@pytest.mark.parametrize("query", [{"limit": "101"}, {"limit": "0"}, {"after": "x"}, {"to": "now"}])
def test_a_wrong_query_is_refused(query: dict[str, str], gateway: Gateway) -> None:
    event = request("GET", "/v1/callbacks/-/parked", query=query)
    assert_refused(gateway.call("manage", event), Code.INVALID_REQUEST)


def test_what_time_does_not_allow_is_said_to_be_left(gateway: Gateway) -> None:
    gateway.put_samples()
    event = request("POST", "/v1/callbacks/signed/replay", {"all": True})
    answer = gateway.call("manage", event, Expiring())
    assert json.loads(answer["body"]) == {"replayed": 0, "complete": False}
    assert gateway.bodies(QueueName.CALLBACK) == []


class Expiring(Context):
    """A context whose time is up after the first question."""

    def get_remaining_time_in_millis(self) -> int:
        left_ms, self.remaining_ms = self.remaining_ms, 0
        return left_ms


@pytest.mark.parametrize("action", ACTIONS)
def test_only_its_account_reaches_a_callback(action: str, gateway: Gateway) -> None:
    gateway.put_samples()
    before = gateway.accounts.accounts["sandbox"]
    gateway.accounts.accounts["other"] = Account(id="other", name="Other", carrier="sim")
    for username, account_id, scopes, code in (
        ("other", "other", tuple(Scope), Code.NOT_FOUND),
        ("reader", "sandbox", (Scope.READ, Scope.SEND), Code.SCOPE_MISSING),
    ):
        gateway.accounts.credentials[username] = Credential(
            username=username,
            account_id=account_id,
            secrets=(Secret(hash=hash_secret(b"pepper", SECRET)),),
            scopes=scopes,
        )
        path, body = f"/v1/callbacks/signed/{action}", {"all": True} if action == "replay" else {}
        answer = gateway.call("manage", request("POST", path, body, f"{username}.{SECRET}"))
        assert_refused(answer, code)
    assert gateway.accounts.accounts["sandbox"] is before
    assert gateway.platform.posts == []
    assert gateway.queues.waiting == []


@pytest.mark.parametrize("action", ACTIONS)
def test_another_method_is_told_which_is_allowed(action: str, gateway: Gateway) -> None:
    answer = gateway.call("manage", request("GET", f"/v1/callbacks/sample/{action}"))
    assert_refused(answer, Code.METHOD_NOT_ALLOWED)
    assert answer["headers"]["Allow"] == ("POST, DELETE" if action == "secret" else "POST")


def test_signing_can_be_turned_off(gateway: Gateway) -> None:
    gateway.put_samples()
    call(gateway, "POST", "/sample/secret", {"overlap_s": 3600})
    call(gateway, "POST", "/sample/secret")
    for _ in range(2):
        answer = gateway.call("manage", request("DELETE", "/v1/callbacks/sample/secret"))
        assert answer["statusCode"] == 204
    assert call(gateway, "GET", "/sample")["signed"] is False
    assert gateway.accounts.accounts["sandbox"].callbacks["sample"].encrypted == b""
    answer = gateway.call("manage", request("DELETE", "/v1/callbacks/gone/secret"))
    assert_refused(answer, Code.NOT_FOUND)


@pytest.mark.parametrize(
    ("fields", "schedule"),
    [
        ({"format": "clevertap"}, list(clevertap.RETRY_DELAYS_S)),
        ({}, list(clevertap.RETRY_DELAYS_S)),
        ({"format": "standard"}, []),
        ({"format": "clevertap", "retry_delays_s": []}, []),
        ({"format": "standard", "retry_delays_s": [1, 43_200]}, [1, 43_200]),
    ],
)
def test_a_new_callback_has_its_formats_schedule_or_its_own(
    fields: dict[str, Any], schedule: list[int], gateway: Gateway
) -> None:
    body = {"id": "new", "url": "https://127.0.0.1/dlr", **fields}
    assert call(gateway, "POST", "", body)["retry_delays_s"] == schedule
    assert call(gateway, "GET", "/new")["retry_delays_s"] == schedule


@pytest.mark.parametrize("delays", [[0], [43_201], [43_200] * 3, [1] * 21, ["5"], 5, [1.5]])
def test_a_schedule_has_bounds(delays: Any, gateway: Gateway) -> None:
    body = {"id": "new", "url": "https://127.0.0.1/dlr", "retry_delays_s": delays}
    answer = gateway.call("manage", request("POST", "/v1/callbacks", body))
    assert_refused(answer, Code.INVALID_REQUEST)
    assert "retry_delays_s" in answer["body"]
