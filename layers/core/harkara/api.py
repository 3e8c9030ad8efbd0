"""An HTTP API function: routes, and one shape for whatever goes wrong in them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from harkara.codes import Code
from harkara.errors import RequestRefused, StoreUnavailable
from harkara.jsons import encode
from harkara.routes import methods_of
from harkara.runtime import answer, log_failure, one_shape, refusal

Shape = Callable[[RequestRefused], tuple[int, bytes]]
"""Makes status and body of a refusal."""


def new_api(shapes: Mapping[str, Shape] = MappingProxyType({})) -> APIGatewayHttpResolver:
    """Return a router whose errors are answered in the one shape, or in that of their path."""
    api = APIGatewayHttpResolver()

    def refuse(refused: RequestRefused) -> "Response[str]":
        return answer(*refusal(refused, shapes.get(api.current_event.path, one_shape)))

    def unavailable(error: StoreUnavailable) -> "Response[str]":
        log_failure("request not accepted", error)
        return refuse(RequestRefused(Code.TRY_AGAIN))

    def failed(error: Exception) -> "Response[str]":
        log_failure("request failed", error)
        return refuse(RequestRefused(Code.INTERNAL_ERROR))

    def no_route(_: Exception) -> "Response[str]":
        methods = methods_of(api.current_event.path)
        if not methods:
            return refuse(RequestRefused(Code.NOT_FOUND))
        refused = refuse(RequestRefused(Code.METHOD_NOT_ALLOWED))
        refused.headers["Allow"] = ", ".join(methods)
        return refused

    api.exception_handler(RequestRefused)(refuse)
    api.exception_handler(StoreUnavailable)(unavailable)
    api.exception_handler(Exception)(failed)
    api.not_found(no_route)
    return api


def ok(body: Any) -> "Response[str]":
    """Return 200 with a JSON body."""
    return answer(200, encode(body))
