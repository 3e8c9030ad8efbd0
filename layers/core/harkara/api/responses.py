"""Answer requests: with results, or with errors in one shape."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.event_handler.exceptions import NotFoundError

from harkara.accept.formats.near_names import DRY_RUN_RULE, names_dry_run
from harkara.api.request import Request
from harkara.api.routes import methods_of
from harkara.base.codes import MEANINGS, Code
from harkara.base.errors import RequestRefused, StoreUnavailable
from harkara.base.json import encode
from harkara.carriers.received import ReceiptRequest
from harkara.runtime.logging import log_failure

TRY_AGAIN_AFTER_S = 5

Shape = Callable[[RequestRefused], tuple[int, bytes]]
"""Returns status and body of a refusal."""


def failure_answers(
    shapes: Mapping[str, Shape] = MappingProxyType({}),
) -> Callable[[Exception, Request], Response[str]]:
    """Return a function that answers errors in the common shape, or in their path's shape."""

    def failed(error: Exception, request: Request) -> Response[str]:
        refused = _refusal_for(error, request)
        answered = answer(*refusal(refused, shapes.get(request.path, one_shape)))
        if refused.code is Code.METHOD_NOT_ALLOWED:
            answered.headers["Allow"] = ", ".join(methods_of(request.path))
        return answered

    return failed


def _refusal_for(error: Exception, request: Request) -> RequestRefused:
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


def refuse_dry_run(asked: Request) -> None:
    """Raise RequestRefused if the query asks for a dry run of a route that has none."""
    if any(map(names_dry_run, asked.query)):
        raise RequestRefused(Code.INVALID_REQUEST, DRY_RUN_RULE)


def carrier_request(asked: Request, errors: str = "replace") -> ReceiptRequest:
    """Return a request of a carrier; `errors` handles bytes of its query that are not UTF-8."""
    scheme = asked.headers.get("x-forwarded-proto", "https")
    url = f"{scheme}://{asked.headers.get('host', '')}{asked.path}"
    return ReceiptRequest(
        method=asked.method,
        headers=asked.headers,
        query=parse_qs(asked.query_string, keep_blank_values=True, errors=errors),
        body=asked.body,
        source_ip=asked.source_ip,
        url=f"{url}?{asked.query_string}" if asked.query_string else url,
    )


def ok(body: Any) -> Response[str]:
    """Return 200 with a JSON body."""
    return answer(200, encode(body))


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
