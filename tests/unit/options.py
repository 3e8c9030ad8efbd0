"""Options as the rows of cases have them."""

from typing import Any

from harkara.accept.requests import NO_OPTIONS, Options
from harkara.model.messages import Category


def options_of(row: dict[str, Any]) -> Options:
    """Return the options that a case expects: those that it does not name are the common ones."""
    expected = dict(row.get("options", {}))
    if "category" in expected:
        expected["category"] = Category(expected["category"])
    if "variables" in expected:
        expected["variables"] = tuple(map(tuple, expected["variables"]))
    return NO_OPTIONS._replace(**expected)
