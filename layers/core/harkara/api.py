"""An HTTP API function: routes, and one shape for whatever goes wrong in them."""

from collections.abc import Callable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs

from harkara.aws.secrets import secret_keys
from harkara.codes import Code
from harkara.errors import RequestRefused, StoreUnavailable
from harkara.jsons import encode
from harkara.platforms.near_names import DRY_RUN_RULE, names_dry_run
from harkara.proxy import TrustedProxy
from harkara.received import ReceiptRequest
from harkara.router import NoRoute, Request, Response, Router
from harkara.routes import methods_of
from harkara.runtime import answer, log_failure, one_shape, refusal
from harkara.settings import ProxySettings

Shape = Callable[[RequestRefused], tuple[int, bytes]]
"""Makes status and body of a refusal."""


def new_api(shapes: Mapping[str, Shape] = MappingProxyType({})) -> Router:
    """Return a router whose errors are answered in the one shape, or in that of their path."""

    def failed(error: Exception, request: Request) -> Response:
        refused = _refusal_for(error, request)
        answered = answer(*refusal(refused, shapes.get(request.path, one_shape)))
        if refused.code is Code.METHOD_NOT_ALLOWED:
            answered.headers["Allow"] = ", ".join(methods_of(request.path))
        return answered

    return Router(failed, _admit)


@cache
def _proxy() -> TrustedProxy | None:
    """Return the proxy in front, None where there is none. Raises StoreUnavailable."""
    secret_id = ProxySettings.from_environment().proxy_secret_id
    return TrustedProxy(secret_keys(secret_id)) if secret_id else None


def _admit(request: Request) -> Request:
    proxy = None if request.past_api else _proxy()
    return proxy.admit(request) if proxy else request


def _refusal_for(error: Exception, request: Request) -> RequestRefused:
    match error:
        case RequestRefused():
            return error
        case StoreUnavailable():
            log_failure("request not accepted", error)
            return RequestRefused(Code.TRY_AGAIN)
        case NoRoute():
            methods = methods_of(request.path)
            if methods and request.method not in methods:
                return RequestRefused(Code.METHOD_NOT_ALLOWED)
            # API Gateway found no route for it as it was sent: another function has this one.
            rule = "(with single slashes, and none at the end)" if methods else ""
            return RequestRefused(Code.NOT_FOUND, rule)
        case _:
            log_failure("request failed", error)
            return RequestRefused(Code.INTERNAL_ERROR)


def refuse_dry_run(asked: Request) -> None:
    """Raise RequestRefused where the query asks for a dry run of a route that has none."""
    if any(map(names_dry_run, asked.query)):
        raise RequestRefused(Code.INVALID_REQUEST, DRY_RUN_RULE)


def carrier_request(asked: Request, errors: str = "replace") -> ReceiptRequest:
    """Return a request at a carrier's route; `errors` is for bytes of its query beyond UTF-8."""
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


def ok(body: Any) -> Response:
    """Return 200 with a JSON body."""
    return answer(200, encode(body))
