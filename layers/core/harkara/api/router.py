"""HTTP API events (payload format 2.0): a request in, the route that it takes, an answer out.

Powertools has a router too, but loads it with those of eight other AWS services: a tenth of a cold
start.
"""

import base64
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harkara.base.deadline import Deadline, invocation

PING = {"ping": True}
"""The event of a function's daily schedule, which only keeps its version from being put to sleep.

What API Gateway hands on is never like it.
"""

_SLASHES = re.compile("//+")


class NoRoute(Exception):
    """No route takes the request's method and path."""


@dataclass(frozen=True)
class Request:
    """What is asked, as it was sent but for the headers' names, which are in lower case.

    Slashes too many in the path are left out: a base URL may end with one, or a form's field.

    `id` is API Gateway's: its log names it, and the answer in the header Apigw-Requestid.
    """

    id: str
    method: str
    path: str
    query_string: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    source_ip: str
    past_api: bool = False
    """Whether it came to a URL of the function's own, which no API or proxy stands before."""

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> "Request":
        """Return the request of an event."""
        context = event["requestContext"]
        http = context["http"]
        body = event.get("body") or ""
        return cls(
            id=context["requestId"],
            method=http["method"],
            path=_SLASHES.sub("/", event["rawPath"]).rstrip("/") or "/",
            query_string=event.get("rawQueryString", ""),
            query=event.get("queryStringParameters") or {},
            headers={name.lower(): value for name, value in event.get("headers", {}).items()},
            body=base64.b64decode(body)
            if event.get("isBase64Encoded")
            else body.encode("utf-8", "surrogatepass"),
            source_ip=http["sourceIp"],
            past_api=_is_function_url(context.get("domainName", ""), context.get("apiId", "")),
        )


def _is_function_url(domain: str, api_id: str) -> bool:
    """Whether a domain name is that of a URL of the function's own (`<id>.lambda-url.<Region>`).

    The name is the Host header's, and a wildcard domain of the API lets a client choose parts of
    it: it counts below AWS's own domain only, and where it begins with the id that AWS gives.
    """
    return domain.startswith(f"{api_id}.lambda-url.") and domain.endswith(".on.aws")


@dataclass
class Response:
    """An answer; a body of bytes travels as base64."""

    status: int
    content_type: str = ""
    body: str | bytes = ""
    headers: dict[str, str] = field(default_factory=dict)

    def event(self) -> dict[str, Any]:
        """Return the answer as API Gateway takes it."""
        content_type = {"Content-Type": self.content_type} if self.content_type else {}
        answer = {"statusCode": self.status, "headers": {**content_type, **self.headers}}
        if isinstance(self.body, str):
            return {**answer, "body": self.body, "isBase64Encoded": False}
        return {**answer, "body": base64.b64encode(self.body).decode(), "isBase64Encoded": True}


Handler = Callable[..., Response]
"""Answers the request of the router; takes the variable parts of its path by name."""
Register = Callable[[Handler], Handler]


class Router:
    """The routes of one function, and the one request that it serves at a time."""

    request: Request
    deadline: Deadline

    def __init__(
        self,
        failed: Callable[[Exception, Request], Response],
        admit: Callable[[Request], Request] = lambda request: request,
    ) -> None:
        """Take what answers a request whose handler raised, or which has no route (NoRoute).

        `admit` returns a request as the handlers are to see it, or raises to refuse it.
        """
        self._failed = failed
        self._admit = admit
        self._routes: list[tuple[re.Pattern[str], Sequence[str], Handler]] = []

    def route(self, path: str, *methods: str) -> Register:
        """Register a handler: `/v1/messages/<mid>`, GET. The first route that fits is taken."""
        pattern = re.compile(re.sub(r"<(\w+)>", r"(?P<\1>[^/]+)", path))

        def register(handler: Handler) -> Handler:
            self._routes.append((pattern, methods, handler))
            return handler

        return register

    def get(self, path: str) -> Register:
        return self.route(path, "GET")

    def post(self, path: str) -> Register:
        return self.route(path, "POST")

    def put(self, path: str) -> Register:
        return self.route(path, "PUT")

    def delete(self, path: str) -> Register:
        return self.route(path, "DELETE")

    def resolve(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        """Answer an event; a ping at once, with nothing."""
        if event == PING:
            return {}
        self.request = Request.of(event)
        with invocation(context) as self.deadline:
            try:
                self.request = self._admit(self.request)
                answer = self._answer()
            except Exception as error:
                answer = self._failed(error, self.request)
        return answer.event()

    def _answer(self) -> Response:
        for pattern, methods, handler in self._routes:
            found = pattern.fullmatch(self.request.path)
            if found and self.request.method in methods:
                return handler(**found.groupdict())
        raise NoRoute
