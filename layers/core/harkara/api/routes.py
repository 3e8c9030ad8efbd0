"""Look up the methods of a path in the whole HTTP API, so that a wrong one is answered with 405.

API Gateway sends requests without a route to `fallback`, which has the code of no other function:
`make routes` lists the routes that all functions register. The template's are tested against them.
"""

import re
from pathlib import Path

from harkara.links.codec import CODE_LENGTH

# `make routes` writes it.
TABLE = Path(__file__).with_name("routes.txt")


def _read_table() -> dict[str, tuple[str, ...]]:
    """Return the methods of each path; a line has a path and its methods."""
    rows = (line.split() for line in TABLE.read_text().splitlines() if not line.startswith("#"))
    return {path: tuple(methods) for path, *methods in rows}


ROUTES = _read_table()
_NAMED = {"{code}": rf"[0-9A-Za-z]{{{CODE_LENGTH}}}"}  # other texts are no code, and no route


def _pattern(path: str) -> re.Pattern[str]:
    parts = (_NAMED.get(part, "[^/]+") if part[:1] == "{" else part for part in path.split("/"))
    return re.compile("/".join(parts))


_PATTERNS = {_pattern(path): methods for path, methods in ROUTES.items()}


def methods_of(path: str) -> tuple[str, ...]:
    """Return the methods that a path takes; none if there is no such path."""
    return next((methods for pattern, methods in _PATTERNS.items() if pattern.fullmatch(path)), ())
