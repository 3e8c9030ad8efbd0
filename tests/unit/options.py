"""Options as the rows of cases have them."""

from typing import Any

from harkara.model.messages import Category
from harkara.requests import NO_OPTIONS, Options


def options_of(row: dict[str, Any]) -> Options:
    """Return the options that a case expects: those that it does not name are the common ones."""
    expected = dict(row.get("options", {}))
    if "category" in expected:
        expected["category"] = Category(expected["category"])
    if "variables" in expected:
        expected["variables"] = tuple(map(tuple, expected["variables"]))
    return NO_OPTIONS._replace(**expected)
