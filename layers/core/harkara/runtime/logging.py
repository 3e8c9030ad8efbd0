"""Log as all functions do.

Nothing here logs an exception's text unless it is ours: others may quote what a customer sent.
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
# The logger above has the level of its own; what else there may be gives warnings.
logging.getLogger().setLevel(max(logging.getLogger().level, logging.WARNING))


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
