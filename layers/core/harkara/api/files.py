"""Tell files in requests from JSON objects, and answer with files."""

import gzip
from typing import Any

from aws_lambda_powertools.event_handler import Response

from harkara.api.request import Request
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused

# Lambda answers at most 6 MB, and this is sent as base64.
EXPORT_LIMIT_BYTES = 4_400_000
_JSON = ("application/json", "+json")
_OBJECT = b"{"


def is_file(request: Request) -> bool:
    """Whether the body is a file: neither declared as JSON nor an object.

    Browsers and programs declare CSV as text, an Excel sheet, a form or just bytes. API Gateway
    corrupts gzip and UTF-16 that are declared as text/csv, as it takes them for text.
    """
    content_type = request.content_type.partition(";")[0].strip().lower()
    if not content_type or content_type.endswith(_JSON):
        return False
    return not request.body.lstrip().startswith(_OBJECT)


def accepts_gzip(request: Request) -> bool:
    """Whether the answer to a request may be packed with gzip."""
    return "gzip" in request.headers.get("accept-encoding", "")


def csv_file(name: str, content: bytes, request: Request) -> Response[Any]:
    """Answer with a CSV file, packed if the request allows it. Raises RequestRefused."""
    packs = accepts_gzip(request)
    body = gzip.compress(content, mtime=0) if packs else content
    if len(body) > EXPORT_LIMIT_BYTES:
        way = "read them in JSON, page by page" if packs else "send Accept-Encoding: gzip"
        raise RequestRefused(Code.INVALID_REQUEST, f"(the file is too large to be sent: {way})")
    headers: dict[str, Any] = {"Content-Disposition": f'attachment; filename="{name}"'}
    if packs:
        headers["Content-Encoding"] = "gzip"
    return Response(200, "text/csv; charset=utf-8", body if packs else body.decode(), headers)
