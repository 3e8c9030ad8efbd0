"""Requests of HTTP API events, their routes, and answers in API Gateway's form."""

from typing import Any

import pytest

from harkara.api.router import NoRoute, Request, Response, Router
from tests.functions.invoking import Context, http_event


def failed(error: Exception, request: Request) -> Response:
    return Response(599, body=f"{type(error).__name__} at {request.path}")


def routed(method: str, path: str) -> Any:
    """Return the body of the answer of a router with a few routes."""
    router = Router(failed)
    router.get("/a")(lambda: Response(200, body="get a"))
    router.post("/a")(lambda: Response(200, body="post a"))
    router.put("/a/<name>")(lambda name: Response(200, body=f"put {name}"))
    router.delete("/a/fixed")(lambda: Response(200, body="delete fixed"))
    router.delete("/a/<name>")(lambda name: Response(200, body=f"delete {name}"))
    router.route("/<one>/<two>/c", "GET", "POST")(
        lambda one, two: Response(200, body=f"{router.request.method} {one} {two}")
    )
    return router.resolve(http_event(method, path), Context())["body"]


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        pytest.param("GET", "/a", "get a", id="by method"),
        pytest.param("POST", "/a", "post a", id="by another method"),
        pytest.param("PUT", "/a/x.y", "put x.y", id="a variable part"),
        pytest.param("PUT", "/a/%2F", "put %2F", id="as it was sent"),
        pytest.param("DELETE", "/a/fixed", "delete fixed", id="the first that fits"),
        pytest.param("DELETE", "/a/other", "delete other", id="the second"),
        pytest.param("POST", "/x/y/c", "POST x y", id="one of two methods"),
        pytest.param("DELETE", "/a", "NoRoute at /a", id="no such method"),
        pytest.param("GET", "/a/", "get a", id="a slash at the end"),
        pytest.param("GET", "//a//", "get a", id="slashes too many"),
        pytest.param("GET", "/", "NoRoute at /", id="a slash alone"),
        pytest.param("GET", "/aa", "NoRoute at /aa", id="a longer path"),
        pytest.param("PUT", "/a/x/y", "NoRoute at /a/x/y", id="a part too many"),
        pytest.param("PUT", "/a/x\n", "put x\n", id="a line's end is a character"),
    ],
)
def test_a_request_takes_its_route(method: str, path: str, body: str) -> None:
    assert routed(method, path) == body


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        pytest.param(None, b"", id="none"),
        pytest.param("नमस्ते", "नमस्ते".encode(), id="text"),
        pytest.param(b"\xff\x00", b"\xff\x00", id="bytes"),
        pytest.param("\ud800", b"\xed\xa0\x80", id="half a pair"),
    ],
)
def test_a_request_is_as_it_was_sent(sent: str | bytes | None, body: bytes) -> None:
    event = http_event("POST", "/a", sent, {"X-Api-Key": "Key"})
    event |= {"rawQueryString": "a=%31&b=2", "queryStringParameters": {"a": "1", "b": "2"}}
    assert Request.of(event) == Request(
        id="request-id",
        method="POST",
        path="/a",
        query_string="a=%31&b=2",
        query={"a": "1", "b": "2"},
        headers={"content-type": "application/json", "x-api-key": "Key"},
        body=body,
        source_ip="203.0.113.10",
    )


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        (Response(204), {"statusCode": 204, "headers": {}, "body": "", "isBase64Encoded": False}),
        (
            Response(200, "text/csv", "a,b", {"Allow": "GET"}),
            {
                "statusCode": 200,
                "headers": {"Content-Type": "text/csv", "Allow": "GET"},
                "body": "a,b",
                "isBase64Encoded": False,
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
def test_an_answer_is_what_the_gateway_takes(response: Response, answer: dict[str, Any]) -> None:
    assert response.event() == answer


def test_whatever_a_handler_raises_is_answered_and_the_next_request_served() -> None:
    router = Router(failed)

    @router.get("/<what>")
    def fail(what: str) -> Response:
        if what == "fails":
            raise LookupError
        return Response(200, body=what)

    bodies = [
        router.resolve(http_event("GET", path), Context())["body"] for path in ("/fails", "/not")
    ]
    assert bodies == ["LookupError at /fails", "not"]


def test_no_route_is_an_error_of_its_own() -> None:
    seen: list[Exception] = []

    def remember(error: Exception, request: Request) -> Response:
        seen.append(error)
        return Response(404)

    Router(remember).resolve(http_event("GET", "/"), Context())
    assert isinstance(seen[0], NoRoute)
