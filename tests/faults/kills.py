"""Kills processes of functions at any line, every few seconds."""

import contextlib
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.stack.campaigns import Lab
from tests.stack.proxy import Worker

FUNCTIONS = ("Send", "Submit", "Receipt", "Dlr")
EVERY_S = 2


@contextmanager
def killing(lab: Lab, at_most: int, seed: int = 0) -> Iterator[None]:
    """Kill a process of a function every few seconds; `lab.proxy.killed` lists them.

    Every second one belongs to `submit`, the only function that can leave messages in doubt.
    """
    chance = random.Random(seed)  # noqa: S311
    over = threading.Event()

    def kill_until_over() -> None:
        function = "Submit"
        left = at_most
        while left and not over.wait(EVERY_S * chance.uniform(0.5, 1.5)):
            workers = lab.stack.workers(function)
            if workers:
                with contextlib.suppress(ProcessLookupError):  # it has just ended
                    lab.proxy.kill(Worker(chance.choice(workers), function.lower()))
                    left -= 1
            function = chance.choice(FUNCTIONS) if function == "Submit" else "Submit"

    thread = threading.Thread(target=kill_until_over)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
