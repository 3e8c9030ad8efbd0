"""What holds for every test: Hypothesis has no clock, and a failure can be repeated.

The tests of a folder that share what they start run in one process, while another runs the rest.
"""

from itertools import chain
from pathlib import Path

import pytest
from hypothesis import settings

TOLD = "told"
"""The property of a test whose value is printed at the end."""

TESTS = Path(__file__).parent
SHARING = ("stack", "faults", "kannel", "built")
WITH_A_STACK_OF_THEIR_OWN = ("test_contract.py", "test_lanes.py")

settings.register_profile("harkara", deadline=None, print_blob=True)
settings.load_profile("harkara")


# Before pytest-xdist reads the markers.
@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        if folder in SHARING:
            alone = item.path.name in WITH_A_STACK_OF_THEIR_OWN
            item.add_marker(pytest.mark.xdist_group(item.path.name if alone else folder))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in chain.from_iterable(map(terminalreporter.getreports, ("passed", "failed"))):
        for name, value in report.user_properties:
            if name == TOLD:
                terminalreporter.write_line(value)
