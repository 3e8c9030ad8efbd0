"""The cost of a request before authentication: how often its body is decoded and read."""

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from harkara.accept.formats import ics, native, record_parsing, webengage
from harkara.base.codes import Code
from tests.functions.handlers import Gateway
from tests.functions.invoking import RECORD, SECRET, http_event
from tests.functions.sending import API_KEY, FORM, ROUTES, SMPP, code_of, each_route

WRONG = {"x-api-key": "sandbox.wrong"}


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the decoded bodies, and the requests whose records are read."""
    counts: Counter[str] = Counter()

    def counted(module: Any, name: str, as_what: str) -> None:
        function: Callable[..., Any] = getattr(module, name)

        def call(*arguments: Any, **more: Any) -> Any:
            counts[as_what] += 1
            return function(*arguments, **more)

        monkeypatch.setattr(module, name, call)

    counted(record_parsing, "decode", "decoded")
    for platform in (ics, native, webengage):
        name = "parse" if platform is webengage else "request_of"
        counted(platform, name, "read")
    return counts


@each_route
def test_a_body_is_not_decoded_where_the_header_is_wrong(
    path: str, work: Counter[str], gateway: Gateway
) -> None:
    for body in (json.dumps(ROUTES[path]), "{", "[" * 1000):
        assert code_of(gateway.call("send", http_event("POST", path, body, WRONG))) is (
            Code.UNAUTHORIZED
        )
    assert not work


@each_route
def test_a_body_is_decoded_and_read_once_where_the_header_is_right(
    path: str, work: Counter[str], gateway: Gateway
) -> None:
    event = http_event("POST", path, json.dumps(ROUTES[path]), API_KEY)
    assert gateway.call("send", event)["statusCode"] == 200
    assert work == {"decoded": 1, "read": 1}


@pytest.mark.parametrize(
    ("path", "fields", "headers"),
    [
        pytest.param("/datasend", {"user": "sandbox", "pass": "wrong"}, {}, id="the body's own"),
        pytest.param("/datasend", {}, {}, id="none"),
        pytest.param("/smpp", {"username": "sandbox", "password": "wrong"}, {}, id="of smpp"),
        pytest.param(
            "/datasend",
            {"user": "sandbox"},
            {"authorization": "Bearer wrong"},
            id="a secret alone, with the body's user",
        ),
    ],
)
@pytest.mark.parametrize("form", ["json", "form"])
def test_no_record_is_read_where_the_body_has_wrong_credentials(
    path: str,
    fields: dict[str, str],
    headers: dict[str, str],
    form: str,
    work: Counter[str],
    gateway: Gateway,
) -> None:
    request: dict[str, Any] = fields | (
        SMPP if path == "/smpp" else {"smstosend": [RECORD] * 1_000}
    )
    if form == "form":
        pairs = (
            (name, value if isinstance(value, str) else "[{}]") for name, value in request.items()
        )
        body = "&".join(f"{name}={value}" for name, value in pairs)
        headers = headers | FORM
    else:
        body = json.dumps(request)
    answer = gateway.call("send", http_event("POST", path, body, headers))
    assert code_of(answer) is Code.UNAUTHORIZED
    assert not work["read"]
    assert work["decoded"] <= 1


def test_the_bodys_own_credentials_cost_one_decoding(work: Counter[str], gateway: Gateway) -> None:
    body = {"user": "sandbox", "pass": SECRET, "smstosend": [RECORD]}
    event = http_event("POST", "/datasend", json.dumps(body), {})
    assert gateway.call("send", event)["statusCode"] == 200
    assert work == {"decoded": 1, "read": 1}
