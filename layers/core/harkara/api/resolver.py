"""Route the events of an HTTP API to a function's handlers, and answer in one shape.

api = new_api()  # harkara.wiring.api

@api.get("/v1/messages/<mid>")
def message(mid: str) -> Response: ...

A wrong method of a known path is answered with 405. API Gateway sends requests without a route to
`fallback`, which has the code of no other function, so `make openapi` lists the routes that all
functions register. The template's are tested against them.
"""

import gzip
import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response
from aws_lambda_powertools.event_handler.api_gateway import Route
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from harkara.accept.formats.options import refuse_dry_run
from harkara.api.request import SURPLUS_SLASHES, Request, TrustedProxy
from harkara.base.codes import MEANINGS, Code
from harkara.base.errors import RequestRefused, StoreUnavailable
from harkara.base.json import encode
from harkara.base.time import Deadline, invocation
from harkara.carriers.receipts import ReceiptRequest
from harkara.links.codec import CODE_LENGTH
from harkara.runtime.logging import log_failure

Failed = Callable[[Exception, Request], Response[Any]]
"""Answers an error."""

PING = {"ping": True}
"""The event of a function's daily schedule, which only keeps Lambda from idling its version.

It never equals an event of API Gateway.
"""


class Api(APIGatewayHttpResolver):
    """Routes the requests of one function, one at a time, and answers every error."""

    def __init__(
        self,
        failed: Failed,
        proxy: Callable[[], TrustedProxy | None] = lambda: None,
    ) -> None:
        """Take `failed`, which answers errors, and NotFoundError if there is no route.

        `proxy` returns the proxy in front, None if there is none. Powertools' debug mode stays off
        whatever the environment says: it prints each event.
        """
        super().__init__(debug=False, strip_prefixes=[SURPLUS_SLASHES])

        def begin(app: "Api", next_middleware: Callable[["Api"], Response[Any]]) -> Response[Any]:
            with invocation(app.lambda_context) as deadline:
                request = Request.of(app.current_event)
                if not request.past_api and (trusted := proxy()):
                    request = trusted.admit(request)
                app.context.update(client_request=request, deadline=deadline)
                return next_middleware(app)

        self.use([begin])
        self.exception_handler(Exception)(
            lambda error: failed(error, Request.of(self.current_event))
        )

    @property
    def client_request(self) -> Request:
        """The current request, as its client sent it to the proxy in front, if there is one."""
        request: Request = self.context["client_request"]
        return request

    def refuse_dry_run(self) -> None:
        """Raise RequestRefused if the query asks for a dry run, for a route that has none."""
        if query := self.client_request.query:
            refuse_dry_run(query)

    @property
    def deadline(self) -> Deadline:
        """The end of the current invocation."""
        deadline: Deadline = self.context["deadline"]
        return deadline

    @property
    def routes(self) -> list[Route]:
        """The routes in the order of their functions in each file, for the API's description."""

        def place(route: Route) -> tuple[str, int]:
            code = route.func.__code__
            return code.co_filename, code.co_firstlineno

        return sorted([*self._static_routes, *self._dynamic_routes], key=place)

    def resolve(self, event: Mapping[str, Any], context: Any) -> dict[str, Any]:
        """Answer an event; a ping at once, with an empty answer."""
        return {} if event == PING else super().resolve(event, context)

    @staticmethod
    def _compile_regex(rule: str, base_regex: str = r"\A{}\Z") -> re.Pattern[str]:
        """Let any character but a slash be in a variable part of a path.

        Powertools' own pattern has no quotation marks and no vowel signs of Indian scripts. Phones
        make both a part of the short link that they follow in a text.
        """
        return re.compile(base_regex.format(re.sub(r"<(\w+)>", r"(?P<\1>[^/]+)", rule)))


# `make openapi` writes it.
TABLE = Path(__file__).with_name("routes.txt")


def _read_table() -> dict[str, tuple[str, ...]]:
    """Return the methods of each path; a line has a path and its methods."""
    rows = (line.split() for line in TABLE.read_text().splitlines() if not line.startswith("#"))
    return {path: tuple(methods) for path, *methods in rows}


ROUTES = _read_table()
_NAMED = {"{code}": rf"[0-9A-Za-z]{{{CODE_LENGTH}}}"}  # other texts are no code, and no route


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile("/".join(map(_part, path.split("/"))))


def _part(part: str) -> str:
    if part.endswith("+}"):  # all that follows
        return ".+"
    return _NAMED.get(part, "[^/]+") if part[:1] == "{" else part


_PATTERNS = {_pattern(path): methods for path, methods in ROUTES.items()}


def methods_of(path: str) -> tuple[str, ...]:
    """Return the methods that a path takes; none if there is no such path."""
    return next((methods for pattern, methods in _PATTERNS.items() if pattern.fullmatch(path)), ())


TRY_AGAIN_AFTER_S = 5
# Lambda answers at most 6 MB, and a packed file is sent as base64.
EXPORT_LIMIT_BYTES = 4_400_000

Shape = Callable[[RequestRefused], tuple[int, bytes]]
"""Returns status and body of a refusal."""


def failure_answers(
    shapes: Mapping[str, Shape] = MappingProxyType({}),
    note: Callable[[RequestRefused], None] = lambda refused: None,
) -> Callable[[Exception, Request], Response[str]]:
    """Return a function that answers errors in the common shape, or in their path's shape.

    It calls `note` with each refusal.
    """

    def failed(error: Exception, request: Request) -> Response[str]:
        refused = refusal_for(error, request)
        note(refused)
        answered = answer(*refusal(refused, shapes.get(request.path, one_shape)))
        if refused.code is Code.METHOD_NOT_ALLOWED:
            answered.headers["Allow"] = ", ".join(methods_of(request.path))
        return answered

    return failed


def refusal_for(error: Exception, request: Request) -> RequestRefused:
    """Return an error as a refusal; log the failure if the error is not the caller's."""
    match error:
        case RequestRefused():
            return error
        case StoreUnavailable():
            log_failure("request not accepted", error)
            return RequestRefused(Code.TRY_AGAIN)
        case NotFoundError():
            methods = methods_of(request.path)
            if methods and request.method not in methods:
                return RequestRefused(Code.METHOD_NOT_ALLOWED)
            # API Gateway found no route for the path as it was sent, which another function serves.
            rule = "(with single slashes, and none at the end)" if methods else ""
            return RequestRefused(Code.NOT_FOUND, rule)
        case _:
            log_failure("request failed", error)
            return RequestRefused(Code.INTERNAL_ERROR)


def carrier_request(request: Request, errors: str = "replace") -> ReceiptRequest:
    """Return a request of a carrier; `errors` handles bytes of its query that are not UTF-8."""
    scheme = request.headers.get("x-forwarded-proto", "https")
    url = f"{scheme}://{request.headers.get('host', '')}{request.path}"
    return ReceiptRequest(
        method=request.method,
        headers=request.headers,
        query=parse_qs(request.query_string, keep_blank_values=True, errors=errors),
        body=request.body,
        source_ip=request.source_ip,
        url=f"{url}?{request.query_string}" if request.query_string else url,
    )


def ok(body: Any) -> Response[str]:
    """Return 200 with a JSON body."""
    return answer(200, encode(body))


def csv_file(name: str, content: bytes, request: Request) -> Response[Any]:
    """Answer with a CSV file, packed if the request allows it. Raises RequestRefused."""
    packs = request.accepts_gzip
    body = gzip.compress(content, mtime=0) if packs else content
    if len(body) > EXPORT_LIMIT_BYTES:
        way = "read them in JSON, page by page" if packs else "send Accept-Encoding: gzip"
        raise RequestRefused(Code.INVALID_REQUEST, f"(the file is too large to be sent: {way})")
    headers: dict[str, Any] = {"Content-Disposition": f'attachment; filename="{name}"'}
    if packs:
        headers["Content-Encoding"] = "gzip"
    return Response(200, "text/csv; charset=utf-8", body if packs else body.decode(), headers)


def answer(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> Response[str]:
    """Return a JSON answer."""
    return Response(status, "application/json", body.decode(), dict(headers or {}))


def one_shape(refused: RequestRefused) -> tuple[int, bytes]:
    """Return status and body of a refusal in the common shape of errors."""
    return MEANINGS[refused.code].http_status, encode(refused.body())


def refusal(
    refused: RequestRefused, shape: Callable[[RequestRefused], tuple[int, bytes]] = one_shape
) -> tuple[int, bytes, Mapping[str, str]]:
    """Return status, body and headers of the answer to a refused request."""
    status, body = shape(refused)
    headers = {}
    retry_after_s = refused.retry_after_s or (
        TRY_AGAIN_AFTER_S if refused.code is Code.TRY_AGAIN else 0
    )
    if retry_after_s:
        headers["Retry-After"] = str(retry_after_s)
    if status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Basic realm="Harkara", Bearer realm="Harkara"'
    return status, body, headers
