"""Close the event loop that `harkara.runtime.sqs_batches` makes; each test has its own."""

import asyncio
import importlib
from collections.abc import Iterator
from contextlib import contextmanager

importlib.import_module("harkara.runtime.sqs_batches")
asyncio.get_event_loop().close()
asyncio.set_event_loop(None)


@contextmanager
def own_loop() -> Iterator[None]:
    """Provide an event loop, as each process has one, and close it at the end."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        loop.close()
        asyncio.set_event_loop(None)
