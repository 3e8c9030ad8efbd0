"""What the functions log, kept out of the figures that are printed."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from harkara.runtime import logging as runtime


@contextmanager
def caught_log(log: io.StringIO | None = None) -> Iterator[io.StringIO]:
    """Catch what the functions log, in `log` where it is given."""
    log = log or io.StringIO()
    handlers = [each for each in runtime.logger.handlers if isinstance(each, logging.StreamHandler)]
    streams = [each.setStream(log) for each in handlers]
    try:
        yield log
    finally:
        for handler, stream in zip(handlers, streams, strict=True):
            handler.setStream(stream)
