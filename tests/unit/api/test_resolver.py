"""Routes of an API's requests, errors of their handlers, and answers in API Gateway's form."""

from typing import Any

import pytest
from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError
from hypothesis import given
from hypothesis import strategies as st

from harkara.api.request import SECRET_HEADER, Request, TrustedProxy
from harkara.api.resolver import PING, Api
from harkara.base.keys import as_keys
from harkara.base.time import left_s
from tests.functions.invoking import Context, http_event

PROXY = TrustedProxy(as_keys(b"key"))


def failed(error: Exception, request: Request) -> Response[str]:
    return Response(599, body=f"{type(error).__name__} at {request.path}")


def body_of(api: Api, method: str, path: str) -> Any:
    return api.resolve(http_event(method, path), Context())["body"]


def routed(method: str, path: str) -> Any:
    """Return the body of the answer of an API with a few routes."""
    api = Api(failed)
    api.get("/a")(lambda: Response(200, body="get a"))
    api.post("/a")(lambda: Response(200, body="post a"))
    api.put("/a/<name>")(lambda name: Response(200, body=f"put {name}"))
    api.delete("/a/<name>")(lambda name: Response(200, body=f"delete {name}"))
    api.delete("/a/fixed")(lambda: Response(200, body="delete fixed"))
    api.route("/<one>/<two>/c", ["GET", "POST"])(
        lambda one, two: Response(200, body=f"{api.client_request.method} {one} {two}")
    )
    return body_of(api, method, path)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("GET", "/a", "get a", id="by method"),
        pytest.param("POST", "/a", "post a", id="by another method"),
        pytest.param("PUT", "/a/x.y", "put x.y", id="a variable part"),
        pytest.param("PUT", "/a/%2F", "put %2F", id="as it was sent"),
        pytest.param("DELETE", "/a/fixed", "delete fixed", id="a fixed path first"),
        pytest.param("DELETE", "/a/other", "delete other", id="a variable one next"),
        pytest.param("POST", "/x/y/c", "POST x y", id="one of two methods"),
        pytest.param("DELETE", "/a", "NotFoundError at /a", id="no such method"),
        pytest.param("GET", "/a/", "get a", id="a slash at the end"),
        pytest.param("GET", "//a//", "get a", id="slashes too many"),
        pytest.param("GET", "/", "NotFoundError at /", id="a slash alone"),
        pytest.param("GET", "/aa", "NotFoundError at /aa", id="a longer path"),
        pytest.param("PUT", "/a/x/y", "NotFoundError at /a/x/y", id="a part too many"),
        pytest.param("GET", "/a\n", "NotFoundError at /a\n", id="a line's end is a character"),
    ],
)
def test_a_request_takes_its_route(method: str, path: str, body: str) -> None:
    assert routed(method, path) == body


@given(st.text(st.characters(exclude_characters="/"), min_size=1))
def test_a_variable_part_may_hold_any_character_but_a_slash(name: str) -> None:
    assert routed("PUT", f"/a/{name}") == f"put {name}"


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        (Response(204, body=""), {"statusCode": 204, "body": ""}),
        (
            Response(200, "text/csv", "a,b", {"Allow": "GET"}),
            {
                "statusCode": 200,
                "headers": {"Content-Type": "text/csv", "Allow": "GET"},
                "body": "a,b",
            },
        ),
        (
            Response(200, "application/gzip", b"\x1f\x8b"),
            {
                "statusCode": 200,
                "headers": {"Content-Type": "application/gzip"},
                "body": "H4s=",
                "isBase64Encoded": True,
            },
        ),
    ],
    ids=["nothing", "text", "bytes"],
)
def test_an_answer_is_what_the_gateway_takes(
    response: Response[Any], answer: dict[str, Any]
) -> None:
    api = Api(failed)
    api.get("/a")(lambda: response)
    base = {"headers": {}, "cookies": [], "isBase64Encoded": False}
    event = http_event("GET", "/a", None, {"accept-encoding": "gzip"})
    assert api.resolve(event, Context()) == base | answer


def test_whatever_a_handler_raises_is_answered_and_the_next_request_served() -> None:
    api = Api(failed)

    @api.get("/<what>")
    def fail(what: str) -> Response[str]:
        if what == "fails":
            raise LookupError
        return Response(200, body=what)

    assert body_of(api, "GET", "/fails") == "LookupError at /fails"
    assert body_of(api, "GET", "/not") == "not"


@pytest.mark.parametrize("path", ["/a", "/nothing"])
def test_what_is_not_admitted_reaches_no_handler_and_is_not_looked_for(path: str) -> None:
    api, reached = Api(failed, lambda: PROXY), list[str]()
    api.get("/a")(lambda: reached.append("a"))
    assert body_of(api, "GET", path) == f"RequestRefused at {path}"
    assert reached == []


def test_a_handler_sees_the_request_as_it_was_admitted_and_the_invocations_end() -> None:
    def proxy() -> TrustedProxy:
        assert left_s() == 7.0
        return PROXY

    api = Api(failed, proxy)

    @api.get("/a")
    def show() -> Response[str]:
        assert left_s() == api.deadline.remaining_s() == 7.0
        return Response(200, body=api.client_request.source_ip)

    headers = {SECRET_HEADER: "key", "x-forwarded-for": "198.51.100.7"}
    event = http_event("GET", "/a", None, headers)
    assert api.resolve(event, Context(7_000))["body"] == "198.51.100.7"
    assert left_s() == float("inf")


def test_no_route_is_powertools_own_error() -> None:
    seen: list[Exception] = []

    def remember(error: Exception, request: Request) -> Response[str]:
        seen.append(error)
        return Response(404, body="")

    Api(remember).resolve(http_event("GET", "/"), Context())
    assert isinstance(seen[0], NotFoundError)


def test_nothing_is_printed_in_the_debug_mode_of_powertools(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POWERTOOLS_DEV", "true")
    api = Api(failed)
    api.get("/a")(lambda: Response(200, body="a"))
    assert body_of(api, "GET", "/a") == "a"
    assert api.resolve(PING, Context()) == {}
    assert capfd.readouterr() == ("", "")
