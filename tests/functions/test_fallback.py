"""Unknown routes get an error of the usual shape, from a function without table or secret."""

import pytest

from harkara.api.resolver import ROUTES
from harkara.base.codes import Code
from tests.functions.answers import assert_refused
from tests.functions.handlers import Gateway
from tests.functions.invoking import Logs, http_event
from tests.functions.sending import code_of
from tests.template.reading import functions, routes


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/nothing"),
        ("POST", "/wp-login.php"),
        ("GET", "/.git/config"),
        ("POST", "/datasend/x"),
        ("POST", "/receipts/a"),
    ],
)
def test_another_route_is_not_found(method: str, path: str, gateway: Gateway, logs: Logs) -> None:
    assert_refused(gateway.call("fallback", http_event(method, path, "{}")), Code.NOT_FOUND)
    assert logs.lines() == []


@pytest.mark.parametrize("path", sorted(ROUTES))
@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "get"])
def test_another_method_is_told_which_are_allowed(method: str, path: str, gateway: Gateway) -> None:
    event = http_event(method, path.replace("{code}", "0" * 14), "{}")
    answer = gateway.call("fallback", event)
    assert code_of(answer) is Code.METHOD_NOT_ALLOWED
    assert answer["headers"]["Allow"] == ", ".join(ROUTES[path])


def test_webengage_is_answered_in_its_shape(gateway: Gateway) -> None:
    answer = gateway.call("fallback", http_event("GET", "/webengage"))
    assert code_of(answer) is Code.METHOD_NOT_ALLOWED
    assert '"status":"sms_rejected"' in answer["body"]


@pytest.mark.parametrize("path", ["//datasend", "/datasend//", "/v1//messages", "/datasend/"])
def test_a_route_that_a_slash_hides_is_told(path: str, gateway: Gateway) -> None:
    answer = gateway.call("fallback", http_event("POST", path, "{}"))
    message = assert_refused(answer, Code.NOT_FOUND)
    assert message.endswith("(with single slashes, and none at the end)")


def test_no_other_function_gets_what_is_no_route() -> None:
    strangers = [name for name, each in functions().items() if "$default" in routes(each)]
    assert strangers == ["fallback"]
    assert set(functions()["fallback"]["Environment"]["Variables"]) == {"POWERTOOLS_SERVICE_NAME"}
