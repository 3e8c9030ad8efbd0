"""Route HTTP API events (payload format 2.0) to handlers, and return their answers.

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
"""The event of a function's daily schedule, which only keeps Lambda from idling its version.

It never equals an event of API Gateway.
"""

_SLASHES = re.compile("//+")


class NoRoute(Exception):
    """Raised if no route takes the request's method and path."""


@dataclass(frozen=True)
class Request:
    """A request as it was sent, except that the names of its headers are in lower case.

    Surplus slashes in the path are removed: a configured base URL may end with one.

    `id` is API Gateway's: its log has it, and the answer's header Apigw-Requestid.
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
    """Whether it came to the function's own URL, which has no API or proxy in front."""

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
    """Whether a domain name is that of the function's own URL (`<id>.lambda-url.<Region>`).

    The name is the Host header's, and a wildcard domain of the API lets a client choose parts of
    it: so it must be below AWS's own domain, and begin with the id that AWS gives.
    """
    return domain.startswith(f"{api_id}.lambda-url.") and domain.endswith(".on.aws")


@dataclass
class Response:
    """An answer; a body of bytes is sent as base64."""

    status: int
    content_type: str = ""
    body: str | bytes = ""
    headers: dict[str, str] = field(default_factory=dict)

    def event(self) -> dict[str, Any]:
        """Return the answer in API Gateway's format."""
        content_type = {"Content-Type": self.content_type} if self.content_type else {}
        answer = {"statusCode": self.status, "headers": {**content_type, **self.headers}}
        if isinstance(self.body, str):
            return {**answer, "body": self.body, "isBase64Encoded": False}
        return {**answer, "body": base64.b64encode(self.body).decode(), "isBase64Encoded": True}


Handler = Callable[..., Response]
"""Answers the router's current request; takes the variable parts of its path by name."""
Register = Callable[[Handler], Handler]


class Router:
    """Routes the requests of one function, one at a time."""

    request: Request
    deadline: Deadline

    def __init__(
        self,
        failed: Callable[[Exception, Request], Response],
        admit: Callable[[Request], Request] = lambda request: request,
    ) -> None:
        """Take `failed`, which answers errors of handlers, and NoRoute if there is no route.

        `admit` returns a request as its handler shall see it, or raises to refuse it.
        """
        self._failed = failed
        self._admit = admit
        self._routes: list[tuple[re.Pattern[str], Sequence[str], Handler]] = []

    def route(self, path: str, *methods: str) -> Register:
        """Register a handler, as in `/v1/messages/<mid>`, GET. The first match is taken."""
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
        """Answer an event; a ping at once, with an empty answer."""
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
