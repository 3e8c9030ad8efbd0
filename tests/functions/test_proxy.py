"""The functions behind a proxy: refused without its secret; networks are checked by its header."""

from collections.abc import Iterator
from typing import Any, cast

import boto3
import pytest

from harkara.base.codes import Code
from harkara.wiring import api
from local.settings import RECEIPT_TOKEN
from tests.functions.answers import assert_refused
from tests.functions.handlers import Gateway
from tests.functions.invoking import RECORD, Event, Logs, datasend, http_event
from tests.template.reading import environment, functions

SECRET = "what-the-proxy-shows"
ROUTES = {
    "send": ("POST", "/datasend"),
    "manage": ("GET", "/v1/templates"),
    "receipt": ("POST", f"/receipts/sim/{RECEIPT_TOKEN}"),
    "inbound": ("POST", f"/inbound/sim/{RECEIPT_TOKEN}"),
    "link": ("GET", "/00000000000000"),
}


class SecretsManager:
    text = f"{SECRET} the-one-before"

    def get_secret_value(self, SecretId: str) -> dict[str, str]:
        assert SecretId == "proxy-id"
        return {"SecretString": self.text}


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> Iterator[SecretsManager]:
    manager = SecretsManager()
    monkeypatch.setenv("PROXY_SECRET_ID", "proxy-id")
    monkeypatch.setattr(boto3.Session, "client", lambda *_, **__: manager)
    cast(Any, api._proxy).cache_clear()
    yield manager
    cast(Any, api._proxy).cache_clear()


def request(method: str, path: str, body: str = "", **headers: str) -> Event:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return http_event(method, path, body, named)


@pytest.mark.usefixtures("proxy")
@pytest.mark.parametrize("function", ROUTES)
@pytest.mark.parametrize("visible", [{}, {"X-Harkara-Proxy": "wrong"}, {"X-Harkara-Proxy": ""}])
def test_what_goes_round_the_proxy_is_refused(
    function: str, visible: dict[str, str], gateway: Gateway, logs: Logs
) -> None:
    answer = gateway.call(function, http_event(*ROUTES[function], "{}", visible))
    assert_refused(answer, Code.PROXY_REQUIRED)
    assert (gateway.faults.calls, logs.lines()) == ([], [])


@pytest.mark.usefixtures("proxy")
@pytest.mark.parametrize("secret", SecretsManager.text.split())
def test_a_credentials_networks_are_held_to_what_the_proxy_says(
    secret: str, gateway: Gateway
) -> None:
    credential = gateway.accounts.credentials["sandbox"]
    changes = {"networks": ("198.51.100.0/24", "2001:db8::/32")}
    gateway.accounts.credentials["sandbox"] = credential.model_copy(update=changes)

    def status(forwarded: str) -> Any:
        event = http_event("POST", "/datasend", datasend(RECORD))
        event["headers"] |= {"x-harkara-proxy": secret, "x-forwarded-for": forwarded}
        return gateway.call("send", event)["statusCode"]

    assert status("198.51.100.7") == 200
    assert status("203.0.113.9, [2001:db8::7]:443") == 200
    # The event comes from 203.0.113.10, and API Gateway adds that after the proxy's entry.
    assert status("6.6.6.6, 198.51.100.7, 203.0.113.10") == 200
    assert status("198.51.100.7, 203.0.113.9") == 401
    assert status("198.51.100.7, 203.0.113.9, 203.0.113.10") == 401
    assert status("198.51.100.7, unknown") == 401
    assert status("") == 401


@pytest.mark.usefixtures("proxy")
def test_a_carriers_networks_are_held_to_what_the_proxy_says(gateway: Gateway) -> None:
    settings = gateway.accounts.carriers["sim"]
    changes = {"receipt_networks": ("198.51.100.0/24",)}
    gateway.accounts.carriers["sim"] = settings.model_copy(update=changes)
    for forwarded, code in (("198.51.100.7", 200), ("198.51.100.7, 203.0.113.9", 401)):
        event = http_event(*ROUTES["receipt"], "[]")
        event["headers"] |= {"x-harkara-proxy": SECRET, "x-forwarded-for": forwarded}
        assert gateway.call("receipt", event)["statusCode"] == code


@pytest.mark.usefixtures("proxy")
def test_a_url_of_the_functions_own_has_no_proxy_before_it(gateway: Gateway) -> None:
    """A client's headers make no such URL: `domainName` is the host that AWS was called by."""
    settings = gateway.accounts.carriers["sim"]
    changes = {"receipt_networks": ("203.0.113.10",)}
    gateway.accounts.carriers["sim"] = settings.model_copy(update=changes)
    event = http_event(*ROUTES["receipt"], "[]", {"host": "x.lambda-url.ap-south-1.on.aws"})
    event["headers"]["x-forwarded-for"] = "6.6.6.6"
    assert_refused(gateway.call("receipt", event), Code.PROXY_REQUIRED)
    event["requestContext"] |= {"domainName": "x.lambda-url.ap-south-1.on.aws", "apiId": "x"}
    assert gateway.call("receipt", event)["statusCode"] == 200


@pytest.mark.usefixtures("proxy")
@pytest.mark.parametrize(
    "domain",
    [
        pytest.param("api1.execute-api.ap-south-1.amazonaws.com", id="the API's own"),
        pytest.param("x.lambda-url.acme.example", id="below a wildcard domain"),
        pytest.param("api1.lambda-url.acme.example", id="there too, with the API's id"),
        pytest.param("x.lambda-url.ap-south-1.on.aws", id="of another id than the API's"),
        pytest.param("api1.lambda-url.ap-south-1.on.aws.acme.example", id="AWS's with more"),
        pytest.param("", id="none"),
    ],
)
def test_a_client_cannot_name_a_domain_that_lets_it_past_the_proxy(
    domain: str, gateway: Gateway
) -> None:
    """`domainName` is "the same as the incoming Host header" (API Gateway Developer Guide)."""
    event = http_event(*ROUTES["receipt"], "[]", {"host": domain})
    event["requestContext"] |= {"domainName": domain, "apiId": "api1"}
    assert_refused(gateway.call("receipt", event), Code.PROXY_REQUIRED)


def test_a_secret_that_cannot_be_read_lets_nobody_in(
    proxy: SecretsManager, gateway: Gateway
) -> None:
    proxy.text = " "
    event = http_event("GET", "/health", None, {"X-Harkara-Proxy": ""})
    assert_refused(gateway.call("send", event), Code.TRY_AGAIN)


def test_without_a_proxy_the_connection_counts_whatever_the_client_wrote(gateway: Gateway) -> None:
    credential = gateway.accounts.credentials["sandbox"]
    changes = {"networks": ("198.51.100.0/24",)}
    gateway.accounts.credentials["sandbox"] = credential.model_copy(update=changes)
    event = http_event("POST", "/datasend", datasend(RECORD))
    event["headers"] |= {"x-harkara-proxy": SECRET, "x-forwarded-for": "198.51.100.7"}
    assert gateway.call("send", event)["statusCode"] == 401


def test_every_function_of_the_api_that_reads_anything_knows_of_the_proxy() -> None:
    answering = {name for name, each in functions().items() if "SnapStart" in each}
    knowing = {name for name in functions() if "PROXY_SECRET_ID" in environment(name)}
    assert knowing == answering - {"fallback"} == {*ROUTES, "console"}


def test_the_console_is_reached_by_way_of_the_proxy_alone(
    proxy: SecretsManager, gateway: Gateway
) -> None:
    past = http_event("GET", "/console/sign-in")
    answers = [gateway.call("console", past)]
    past["headers"] |= {"X-Harkara-Proxy": SECRET}
    answers.append(gateway.call("console", past))
    assert [answer["statusCode"] for answer in answers] == [403, 200]
    assert all("<h1>" in answer["body"] for answer in answers)
