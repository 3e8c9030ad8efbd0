"""Allowed targets of a callback, and the results of posting it."""

import asyncio
import dataclasses
import itertools
import json
import socket
from collections.abc import Mapping

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from harkara.base.errors import ExchangeOutcomeUnknown, ExchangeUnreachable, HttpAnswer
from harkara.base.version import VERSION
from harkara.model.callbacks import (
    CallbackSecrets,
    Destination,
    PostResult,
    SigningSecret,
    UrlRules,
    unregistered,
)
from harkara.model.events import Dlr
from harkara.model.messages import Endpoint, State
from harkara.model.tasks import CallbackTask
from harkara.net.callback_poster import GuardedResolver, HttpCallbackPoster

NOW = 1_700_000_000.5
URL = "https://api.clevertap.com/dlr?key=1"
MEMBERS = (Dlr("M1", "ref", State.DELIVERED, 1_435_322_805),)
RULES = UrlRules()
ENDPOINT = Endpoint(URL, "clevertap")
TASK = CallbackTask("task_id", 2, 5, "acme", ENDPOINT, MEMBERS)


# Names


class ScriptedResolver(AbstractResolver):
    """Returns the next of its answers for each question."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.questions: list[tuple[str, int, int]] = []
        self.closed = False

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.questions.append((host, port, family))
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in self.answers.pop(0)
        ]

    async def close(self) -> None:
        self.closed = True


def resolve(resolver: GuardedResolver) -> list[str]:
    results = asyncio.run(resolver.resolve("api.clevertap.com", 443, socket.AF_UNSPEC))
    return [result["host"] for result in results]


@pytest.mark.parametrize(
    ("addresses", "allowed"),
    [
        pytest.param(["52.1.2.3"], True, id="a global address"),
        pytest.param(["52.1.2.3", "2600:9000::1"], True, id="two global addresses"),
        pytest.param(["127.0.0.1"], False, id="loopback"),
        pytest.param(["52.1.2.3", "169.254.169.254"], False, id="metadata among global ones"),
        pytest.param(["fe80::1%eth0", "52.1.2.3"], False, id="link-local first"),
    ],
)
def test_a_name_leads_to_global_addresses_or_nowhere(addresses: list[str], allowed: bool) -> None:
    scripted = ScriptedResolver(addresses)
    guarded = GuardedResolver(RULES, scripted)
    if allowed:
        assert resolve(guarded) == addresses
    else:
        with pytest.raises(OSError, match="not global"):
            resolve(guarded)
    assert scripted.questions == [("api.clevertap.com", 443, socket.AF_UNSPEC)]


def test_a_name_without_an_address_leads_nowhere() -> None:
    with pytest.raises(OSError, match="none"):
        resolve(GuardedResolver(RULES, ScriptedResolver([])))


def test_a_name_that_moves_is_judged_at_every_resolution() -> None:
    guarded = GuardedResolver(RULES, ScriptedResolver(["52.1.2.3"], ["10.0.0.1"]))
    assert resolve(guarded) == ["52.1.2.3"]
    with pytest.raises(OSError, match="not global"):
        resolve(guarded)


def test_closing_closes_the_resolver_below() -> None:
    scripted = ScriptedResolver()
    asyncio.run(GuardedResolver(RULES, scripted).close())
    assert scripted.closed


# Posts


class Exchange:
    """Returns the same answer to every request, and records the requests."""

    def __init__(self, answer: HttpAnswer | Exception) -> None:
        self.answer = answer
        self.requests: list[tuple[str, str, Mapping[str, str], bytes, float]] = []

    async def __call__(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, timeout_s: float
    ) -> HttpAnswer:
        self.requests.append((method, url, headers, content, timeout_s))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def post(
    exchange: Exchange,
    url: str = URL,
    urls: UrlRules = RULES,
    secrets: CallbackSecrets | None = None,
) -> PostResult:
    settings, none = unregistered(Endpoint(url, "clevertap"))
    timer = itertools.count(7, 0.25)  # a quarter of a second later at each call
    poster = HttpCallbackPoster(exchange, urls, lambda: NOW, lambda: next(timer), 7.5)
    return asyncio.run(poster.post(TASK, Destination(settings, secrets or none)))


def test_a_callback_is_posted_in_its_format_under_its_name() -> None:
    exchange = Exchange(HttpAnswer(200, {}, b""))
    assert post(exchange) == PostResult(200, "HTTP 200", duration_ms=250)
    ((method, url, headers, content, timeout_s),) = exchange.requests
    assert (method, url) == ("POST", URL)
    assert headers == {
        "content-type": "application/json",
        "user-agent": f"Harkara/{VERSION}",
        "webhook-id": "task_id.2",
        "webhook-timestamp": "1700000000",
    }
    assert json.loads(content)[0]["data"][0]["meta"] == "ref"
    assert timeout_s == 7.5
    assert HttpCallbackPoster(exchange, RULES).timeout_s == 10


@pytest.mark.parametrize(
    ("status", "acknowledged"),
    [(200, True), (204, True), (299, True), (199, False), (301, False), (400, False), (503, False)],
)
def test_only_a_2xx_is_an_acknowledgement(status: int, acknowledged: bool) -> None:
    result = post(Exchange(HttpAnswer(status, {}, b"said so")))
    assert result == PostResult(status, f"HTTP {status}", 0, "said so", 250)
    assert result.acknowledged is acknowledged


@pytest.mark.parametrize(
    ("error", "in_doubt"),
    [
        pytest.param(ExchangeUnreachable("no connection"), False, id="it was not sent"),
        pytest.param(ExchangeOutcomeUnknown("no answer"), True, id="nobody knows"),
    ],
)
def test_a_post_that_fails_is_a_result(error: Exception, in_doubt: bool) -> None:
    result = post(Exchange(error))
    assert result == PostResult(0, str(error), duration_ms=250, in_doubt=in_doubt)
    assert not result.acknowledged


def test_a_destination_is_told_who_posts() -> None:
    exchange = Exchange(HttpAnswer(200, {}, b""))
    signing = (SigningSecret(secret="whsec_a2V5"),)
    post(exchange, secrets=CallbackSecrets(token="t", headers={"X-Key": "k"}, signing=signing))
    (_, _, headers, _, _) = exchange.requests[0]
    assert headers["authorization"] == "Bearer t"
    assert headers["x-key"] == "k"
    assert headers["webhook-signature"].startswith("v1,")


def test_a_platform_says_when_to_come_again() -> None:
    result = post(Exchange(HttpAnswer(503, {"retry-after": "120"}, b"busy")))
    assert (result.retry_after_s, result.answer) == (120, "busy")


PARTIAL = b'{"status":"partial","unprocessed":[{"code":400,"record":{"meta":"ref"}}]}'


def test_what_a_platform_took_and_did_not_process_is_named() -> None:
    result = post(Exchange(HttpAnswer(200, {}, PARTIAL)))
    assert result.acknowledged
    assert result.unprocessed == (("ref", "400"),)
    assert result.reason == "HTTP 200, 1 not processed"


def test_what_a_platform_did_not_take_is_read_no_further() -> None:
    assert post(Exchange(HttpAnswer(500, {}, PARTIAL))).unprocessed == ()


@pytest.mark.parametrize("url", ["http://api.clevertap.com/", "https://127.0.0.1/"])
def test_a_callback_goes_only_where_it_may(url: str) -> None:
    exchange = Exchange(HttpAnswer(200, {}, b""))
    assert post(exchange, url) == PostResult(0, "the callback URL is not allowed")
    assert exchange.requests == []


def test_the_local_stack_posts_to_this_machine() -> None:
    exchange = Exchange(HttpAnswer(200, {}, b""))
    assert post(exchange, "http://127.0.0.1:8092/dlr", UrlRules(loopback=True)).acknowledged


def test_a_group_that_a_new_format_cannot_hold_goes_out_in_that_of_its_acceptance() -> None:
    exchange = Exchange(HttpAnswer(200, {}, b""))
    destination = unregistered(Endpoint(URL, "moengage"))
    two = dataclasses.replace(TASK, members=MEMBERS * 2)
    asyncio.run(HttpCallbackPoster(exchange, RULES).post(two, destination))
    assert len(json.loads(exchange.requests[0][3])[0]["data"]) == 2
    asyncio.run(HttpCallbackPoster(exchange, RULES).post(TASK, destination))
    assert json.loads(exchange.requests[1][3])["status"] == "DELIVERED"
