"""What the handlers share: logs, deadlines, HTTP requests and answers.

Nothing here logs an exception's text unless it is ours: others may quote what a customer sent.
"""

import logging
import os
import traceback
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from aws_lambda_powertools import Logger

from harkara.codes import MEANINGS, Code
from harkara.errors import HarkaraError, RequestRefused
from harkara.jsons import encode
from harkara.logs import quieten
from harkara.router import Response

logger = Logger(location=None)
quieten()
# The logger above has the level of its own; what else there may be gives warnings.
logging.getLogger().setLevel(max(logging.getLogger().level, logging.WARNING))

TRY_AGAIN_AFTER_S = 5


def log_failure(message: str, error: BaseException, **fields: Any) -> None:
    """Log what failed and where; the error's own words only when they are ours.

    Others are `unexpected`, and by their version a gradual release is judged (template.yaml).
    """
    frames = traceback.extract_tb(error.__traceback__)
    if not isinstance(error, HarkaraError):
        version = os.environ.get("AWS_LAMBDA_FUNCTION_VERSION", "")
        fields = {**fields, "unexpected": True, "version": version}
    logger.warning(
        message,
        error=type(error).__name__,
        reason=str(error) if isinstance(error, HarkaraError) else "",
        at=[f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in frames[-5:]],
        **fields,
    )


def answer(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> Response:
    """Return a JSON answer."""
    return Response(status, "application/json", body.decode(), dict(headers or {}))


def one_shape(refused: RequestRefused) -> tuple[int, bytes]:
    """Return status and body of a refusal, in the shape that errors have wherever none is named."""
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
