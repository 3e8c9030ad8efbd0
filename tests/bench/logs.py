"""Keeps the functions' logs out of the printed figures."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from harkara.runtime import logging as runtime


@contextmanager
def caught_log(log: io.StringIO | None = None) -> Iterator[io.StringIO]:
    """Redirect the functions' log to `log`, or to a new buffer."""
    log = log or io.StringIO()
    handlers = [each for each in runtime.logger.handlers if isinstance(each, logging.StreamHandler)]
    streams = [each.setStream(log) for each in handlers]
    try:
        yield log
    finally:
        for handler, stream in zip(handlers, streams, strict=True):
            handler.setStream(stream)
