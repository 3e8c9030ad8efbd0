"""Write the table of the API's routes from what its functions register: `make routes`.

`fallback` and `link` answer a wrong method with 405, and so need the routes of all functions, but
Lambda gives each function only its own code. Hence a file in the layer, which
tests/unit/api/test_resolver_routes.py holds to the decorators.
"""

import runpy
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from harkara.api.resolver import TABLE

FUNCTIONS = Path(__file__).parent.parent / "functions"
# All pages of the console are one route for API Gateway, and none of them is described.
CONSOLE = (("/console", "GET"), ("/console/{path+}", "GET"), ("/console/{path+}", "POST"))
METHODS = ("get", "head", "post", "put", "delete")


def registered() -> Iterator[tuple[str, str]]:
    """Yield each path of the API with a method that it takes.

    A route of all collections is one route for each: an unknown one is no path of the API.
    """
    for function in ("send", "manage", "receipt", "inbound", "link"):
        app = runpy.run_path(str(FUNCTIONS / function / "app.py"))
        for path, item in (app["api"].get_openapi_schema().paths or {}).items():
            for name in app["COLLECTIONS"] if "{collection}" in path else [""]:
                for method in METHODS:
                    if getattr(item, method):
                        yield path.replace("{collection}", name), method.upper()
    yield from CONSOLE


def text() -> str:
    """Return the table: a path and its methods in each line."""
    lines = (
        " ".join([path, *(method for _, method in routes)])
        for path, routes in groupby(registered(), key=lambda route: route[0])
    )
    return "\n".join(["# Written by tools/write_routes.py", *lines]) + "\n"


if __name__ == "__main__":
    TABLE.write_text(text())
