"""Build a function's services before Lambda takes its snapshot (SnapStart), not after the restore.

All processes of a function start as copies of its snapshot. Services that are built into it must
not yet have drawn random numbers, connected, or read credentials, secrets or the time.
"""

import gc
import os
from collections.abc import Callable
from functools import cache
from typing import TypeVar

T = TypeVar("T")


def has_snapshot() -> bool:
    """Whether this process makes a snapshot, or was restored from one."""
    return os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start"


def built_early(build: Callable[[], T]) -> Callable[[], T]:
    """Return `build`, cached: called now if there is a snapshot to be made, else on first use.

    An invalid setting then fails the deployment, before it gets any traffic. The collector leaves
    alone what is in the snapshot (`gc.freeze`): to look through it would copy its pages in each
    restored process.
    """
    cached = cache(build)
    if has_snapshot():
        cached()
        gc.collect()
        gc.freeze()
    return cached
