"""What holds for every test: Hypothesis has no clock, and a failure can be repeated.

The tests that need a stack share it, so one process runs them all, while another runs the rest.
"""

from itertools import chain
from pathlib import Path

import pytest
from hypothesis import settings

TOLD = "told"
"""The property of a test whose value is printed at the end."""

STACK = Path(__file__).parent / "stack"

settings.register_profile("harkara", deadline=None, print_blob=True)
settings.load_profile("harkara")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(STACK):
            item.add_marker(pytest.mark.xdist_group("stack"))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in chain.from_iterable(map(terminalreporter.getreports, ("passed", "failed"))):
        for name, value in report.user_properties:
            if name == TOLD:
                terminalreporter.write_line(value)
