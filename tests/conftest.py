"""Settings of all tests: Hypothesis without deadlines, failures that can be repeated, scheduling.

Tests of a folder that share a running stack or build run in one process; another process runs the
rest.
"""

import fcntl
import gc
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import is_hypothesis_test, settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests.support import policies

TOLD = "told"
"""The test property whose value is printed at the end."""

QUIET = ("stack", "faults", "kannel")
SHARING = (*QUIET, "browser", "built")
COVERING = ("unit", "functions", "local")
COMPILED = f"unit/text/__pycache__/*.{sys.implementation.cache_tag}-pytest-*.pyc"
"""Bytecode of the tests that are collected last."""
WITH_A_STACK_OF_THEIR_OWN = ("test_contract.py", "test_crashes.py", "test_lanes.py", "test_up.py")

settings.register_profile("harkara", deadline=None, print_blob=True, max_examples=30)
settings.register_profile("thorough", settings.get_profile("harkara"), max_examples=500)
"""For `make properties`."""
settings.load_profile("harkara")


class Scheduling(LoadScopeScheduling):
    """Give one process all tests of a file, or of a folder that shares fixtures.

    The groups of pytest-xdist 3.8 have no effect with pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)


def folder_of(nodeid: str) -> str:
    """Return the folder under tests/ of a test."""
    return PurePosixPath(nodeid.removeprefix("tests/")).parts[0]


def scope_of(nodeid: str) -> str:
    """Return the folder if its tests share fixtures, else the file."""
    path = PurePosixPath(nodeid.partition("::")[0])
    folder = folder_of(nodeid)
    shared = folder in SHARING and path.name not in WITH_A_STACK_OF_THEIR_OWN
    return folder if shared else str(path)


@pytest.fixture(autouse=True)
def _nothing_was_denied() -> Iterator[None]:
    """Fail a test in which a policy denied a function's call, even if the error was caught."""
    yield
    reported = policies.denied.copy()
    policies.denied.clear()
    assert reported == []


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    return Scheduling(config, log)


@contextmanager
def _compiled_once() -> Iterator[None]:
    """Let one process compile the tests while the others wait, and then load its bytecode.

    Compiling is half of the work of a first collection.
    """
    here = Path(__file__)
    with here.open() as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        if sys.dont_write_bytecode or any(here.parent.glob(COMPILED)):
            fcntl.flock(alone, fcntl.LOCK_UN)
        yield


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect without garbage collection: nearly all that is made lives until the end."""
    gc.disable()
    try:
        with _compiled_once():
            return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run tests that need a quiet machine last: CI has other jobs beside the first tests.

    Coverage is measured only in `COVERING`, whose tests cover their subjects directly, and there in
    tests of single examples: measured tests take twice as long.
    """
    items.sort(key=lambda item: _rank(item.nodeid))
    for item in items:
        is_property = is_hypothesis_test(getattr(item, "obj", None))
        if is_property or folder_of(item.nodeid) not in COVERING:
            item.add_marker("no_cover")


def _rank(nodeid: str) -> int:
    folder = folder_of(nodeid)
    return QUIET.index(folder) + 1 if folder in QUIET else 0


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in chain.from_iterable(map(terminalreporter.getreports, ("passed", "failed"))):
        for name, value in report.user_properties:
            if name == TOLD:
                terminalreporter.write_line(value)
