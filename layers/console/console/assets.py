"""Serve style, scripts and icon under the hash of their content, to be cached for a year."""

import gzip
import hashlib
from pathlib import Path
from typing import NamedTuple

from aws_lambda_powertools.event_handler import Response

from harkara.api.request import Request
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused

FOLDER = Path(__file__).with_name("static")
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
HEADERS = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Vary": "Accept-Encoding",
}
_HASH_CHARACTERS = 12


class Asset(NamedTuple):
    """A file: its type, and its content, plain and in gzip."""

    content_type: str
    content: bytes
    packed: bytes


def _read() -> dict[str, Asset]:
    return {
        path.name: Asset(TYPES[path.suffix], content, gzip.compress(content, mtime=0))
        for path in sorted(FOLDER.iterdir())
        if path.suffix in TYPES
        for content in [path.read_bytes()]
    }


ASSETS = _read()
VERSION = hashlib.sha256(
    b"".join(name.encode() + each.content for name, each in ASSETS.items())
).hexdigest()[:_HASH_CHARACTERS]


def url(name: str) -> str:
    """Return where a file is served."""
    return f"/console/static/{VERSION}/{name}"


def serve(request: Request, name: str) -> Response[bytes]:
    """Return a file, whatever the hash: a page of the version before may still ask for it."""
    asset = ASSETS.get(name)
    if asset is None:
        raise RequestRefused(Code.NOT_FOUND)
    if takes_gzip(request):
        packed = {**HEADERS, "Content-Encoding": "gzip"}
        return Response(200, asset.content_type, asset.packed, packed)
    return Response(200, asset.content_type, asset.content, dict(HEADERS))


def takes_gzip(request: Request) -> bool:
    """Return whether the client takes gzip."""
    return "gzip" in request.headers.get("accept-encoding", "")
