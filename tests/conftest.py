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
SHARING = ("stack", "faults", "kannel")

settings.register_profile("harkara", deadline=None, print_blob=True)
settings.load_profile("harkara")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = item.path.relative_to(TESTS).parts[0]
        if folder in SHARING:
            item.add_marker(pytest.mark.xdist_group(folder))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in chain.from_iterable(map(terminalreporter.getreports, ("passed", "failed"))):
        for name, value in report.user_properties:
            if name == TOLD:
                terminalreporter.write_line(value)
