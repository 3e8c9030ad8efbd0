"""Counts executed lines of a call, a cost that does not depend on the machine."""

import sys
from collections.abc import Callable
from typing import Any


def steps(function: Callable[[], object]) -> int:
    """Return how many lines of the package a call executes."""
    count = 0

    def tracer(frame: Any, event: str, _: object) -> Any:
        nonlocal count
        if "harkara" not in frame.f_code.co_filename:
            return None
        count += event == "line"
        return tracer

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        function()
    finally:
        sys.settrace(before)
    return count
