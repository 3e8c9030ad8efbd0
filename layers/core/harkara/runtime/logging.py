"""Configure the logger that all functions share.

Only exceptions of our own are logged with their text: others may quote a customer's data.
"""

import logging
import os
import traceback
from typing import Any

from aws_lambda_powertools import Logger

from harkara.base.errors import HarkaraError
from harkara.runtime.library_logs import quieten

logger = Logger(location=None)
quieten()
# The logger above has its own level; all other loggers are limited to warnings.
logging.getLogger().setLevel(max(logging.getLogger().level, logging.WARNING))


def log_failure(message: str, error: BaseException, **fields: Any) -> None:
    """Log a failure and its place in the code; the error's text only if it is a HarkaraError.

    Other errors are logged as `unexpected`; a gradual release is judged by those of its version
    (template.yaml).
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
