"""What holds for every test: Hypothesis has no clock, and a failure can be repeated.

The tests of a folder that share what they start run in one process, while another runs the rest.
"""

from itertools import chain
from pathlib import PurePosixPath

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

TOLD = "told"
"""The property of a test whose value is printed at the end."""

QUIET = ("stack", "faults", "kannel")
SHARING = (*QUIET, "built")
COVERING = ("unit", "functions", "local")
WITH_A_STACK_OF_THEIR_OWN = ("test_contract.py", "test_crashes.py", "test_lanes.py")

settings.register_profile("harkara", deadline=None, print_blob=True)
settings.register_profile("second", settings.get_profile("harkara"), max_examples=20)
"""For the same tests on another Python: what differs there differs for most examples."""
settings.load_profile("harkara")


class Scheduling(LoadScopeScheduling):
    """Gives a process the tests of a file, or of a folder, together.

    The groups of pytest-xdist 3.8 have no effect with pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)


def scope_of(nodeid: str) -> str:
    """Return the folder whose tests share what they start, else the file."""
    path = PurePosixPath(nodeid.partition("::")[0])
    shared = path.parts[1] in SHARING and path.name not in WITH_A_STACK_OF_THEIR_OWN
    return path.parts[1] if shared else str(path)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    return Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put first what needs no quiet machine: CI does other things beside the first tests.

    Coverage is taken where each test has its subject: it doubles the time of all that runs under it.
    """
    items.sort(key=lambda item: _rank(item.nodeid))
    for item in items:
        if item.nodeid.split("/")[1] not in COVERING:
            item.add_marker("no_cover")


def _rank(nodeid: str) -> int:
    folder = nodeid.split("/")[1]
    return QUIET.index(folder) + 1 if folder in QUIET else 0


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in chain.from_iterable(map(terminalreporter.getreports, ("passed", "failed"))):
        for name, value in report.user_properties:
            if name == TOLD:
                terminalreporter.write_line(value)
