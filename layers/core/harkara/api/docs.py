"""Serve the API's description: openapi.json, and a page that shows it.

`make openapi` writes openapi.json beside this file. The page is Swagger UI, of which Powertools
ships the script and the style. Both stand in the page, which loads nothing but openapi.json.
"""

import base64
import gzip
import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from aws_lambda_powertools import event_handler
from aws_lambda_powertools.event_handler import Response

DOCUMENT = Path(__file__).with_name("openapi.json")
_LIBRARY = Path(event_handler.__file__).parent / "openapi" / "swagger_ui"
_START = """
SwaggerUIBundle({ url: "openapi.json", dom_id: "#page", deepLinking: true });
"""
# Swagger UI's table of answers is wider than a phone, for its column of links.
_STYLE = """
body { margin: 0; }
.swagger-ui td { overflow-wrap: anywhere; }
.swagger-ui .renderedMarkdown ul { padding-left: 1.2em; }
@media (max-width: 700px) {
  .swagger-ui .response-col_links { display: none; }
  .swagger-ui .response-col_status { width: 3em; min-width: 0; }
  .swagger-ui .opblock-body .table-container,
  .swagger-ui .responses-inner { padding: 10px; }
}
"""
_HTML = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Harkara</title>
{styles}
<div id="page"></div>
{scripts}
</html>
"""


def document() -> Response[Any]:
    """Answer with openapi.json."""
    return Response(200, "application/json", DOCUMENT.read_text())


def page(*, packed: bool) -> Response[Any]:
    """Answer with the page, packed with gzip or not: 1.7 MB become 0.5 MB."""
    if not packed:
        return Response(200, "text/html; charset=utf-8", _page(), dict(_headers()))
    headers = {**_headers(), "Content-Encoding": "gzip"}
    return Response(200, "text/html; charset=utf-8", _packed_page(), headers)


@cache
def _page() -> str:
    styles, scripts = _parts()
    return _HTML.format(
        styles="\n".join(f"<style>{each}</style>" for each in styles),
        scripts="\n".join(f"<script>{each}</script>" for each in scripts),
    )


@cache
def _packed_page() -> bytes:
    return gzip.compress(_page().encode(), mtime=0)


@cache
def _headers() -> dict[str, str]:
    """Return the headers of the page: its own styles and scripts run, and no others."""
    styles, scripts = (" ".join(map(_hash, each)) for each in _parts())
    return {
        "Content-Security-Policy": f"default-src 'none'; script-src {scripts}; style-src {styles};"
        " connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none';"
        " frame-ancestors 'none'",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
    }


@cache
def _parts() -> tuple[tuple[str, str], tuple[str, str]]:
    style = (_LIBRARY / "swagger-ui.min.css").read_text()
    script = (_LIBRARY / "swagger-ui-bundle.min.js").read_text()
    return (style, _STYLE), (script, _START)


def _hash(part: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(part.encode()).digest()).decode()}'"
