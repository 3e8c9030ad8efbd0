"""Rows of cases: a file of tests/cases holds an object whose keys are the ids of the tests."""

import json
from pathlib import Path
from typing import Any

import pytest
from _pytest.mark import ParameterSet


def rows(name: str) -> list[ParameterSet]:
    """Return the rows of tests/cases/<name>.json for `pytest.entry.parametrize`."""
    table: dict[str, Any] = json.loads((Path(__file__).parent / f"{name}.json").read_text())
    return [pytest.param(row, id=key) for key, row in table.items()]
