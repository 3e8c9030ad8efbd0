"""Options in the rows of cases."""

from typing import Any

from harkara.accept.requests import NO_OPTIONS, Options
from harkara.model.messages import Category


def options_of(row: dict[str, Any]) -> Options:
    """Return the options that a case expects, with defaults for those that it does not name."""
    expected = dict(row.get("options", {}))
    if "category" in expected:
        expected["category"] = Category(expected["category"])
    if "variables" in expected:
        expected["variables"] = tuple(map(tuple, expected["variables"]))
    return NO_OPTIONS._replace(**expected)
