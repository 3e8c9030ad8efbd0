"""An HTTP API function: routes, and one shape for whatever goes wrong in them."""

from typing import Any

from aws_lambda_powertools.event_handler import APIGatewayHttpResolver, Response

from harkara.codes import Code
from harkara.errors import RequestRefused, StoreUnavailable
from harkara.jsons import encode
from harkara.runtime import answer, log_failure, refusal


def new_api() -> APIGatewayHttpResolver:
    """Return a router whose errors are answered in the one shape."""
    api = APIGatewayHttpResolver()
    api.exception_handler(RequestRefused)(refusal)
    api.exception_handler(StoreUnavailable)(_unavailable)
    api.exception_handler(Exception)(_failed)
    api.not_found(_not_found)
    return api


def ok(body: Any) -> "Response[str]":
    """Return 200 with a JSON body."""
    return answer(200, encode(body))


def _unavailable(error: StoreUnavailable) -> "Response[str]":
    log_failure("request not accepted", error)
    return refusal(RequestRefused(Code.TRY_AGAIN))


def _failed(error: Exception) -> "Response[str]":
    log_failure("request failed", error)
    return refusal(RequestRefused(Code.INTERNAL_ERROR))


def _not_found(_: Exception) -> "Response[str]":
    return refusal(RequestRefused(Code.NOT_FOUND))
