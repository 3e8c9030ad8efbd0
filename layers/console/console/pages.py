"""Render pages from templates; all words come from one catalogue, so that a language can follow.

Templates escape every value. A text of the catalogue is escaped as well, and so are its values:
none holds HTML.
"""

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

from aws_lambda_powertools.event_handler import Response
from aws_lambda_powertools.shared.cookies import Cookie
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from console import assets
from console.guard import HEADERS
from harkara.api.request import Request
from harkara.base.time import IST_OFFSET_S

LANGUAGE = "en"
TEXTS: Mapping[str, str] = json.loads(
    Path(__file__).with_name("texts").joinpath(f"{LANGUAGE}.json").read_text("utf-8")
)
# Less than this gains nothing by gzip.
_WORTH_PACKING_BYTES = 500


@dataclass(frozen=True, slots=True)
class View:
    """A page: its template, the status of its answer, and the values that the template shows."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Sequence[Cookie] = ()


def text(key: str, **values: object) -> str:
    """Return a text of the catalogue with its values."""
    return TEXTS[key].format(**values)


def known_text(key: str, otherwise: str) -> str:
    """Return a text of the catalogue; `otherwise` if it has none of that key."""
    return TEXTS.get(key, otherwise)


def _local_time(at: str) -> str:
    """Return a time in ISO 8601, UTC, in India's time as people read it."""
    moment = datetime.fromisoformat(at.replace("Z", "+00:00")).astimezone(UTC)
    local = moment + timedelta(seconds=IST_OFFSET_S)
    return f"{local:%d %b %Y, %H:%M:%S} IST"


def _local_hour(hour: str) -> str:
    """Return an hour of India, `2026-11-30T14`, as people read it."""
    return f"{datetime.fromisoformat(hour):%d %b, %H:%M}"


def _path(name: str) -> str:
    return quote(name, safe="")


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "t": text,
        "known": known_text,
        "asset": assets.url,
        "language": LANGUAGE,
    }
    environment.filters |= {
        "count": "{:,}".format,
        "local_hour": _local_hour,
        "local_time": _local_time,
        "path": _path,
    }
    for name in environment.list_templates():
        environment.get_template(name)  # compiled now: a snapshot has them
    return environment


_ENVIRONMENT = _environment()


def render(view: View, request: Request, **shared: Any) -> Response[Any]:
    """Return the answer of a page. `shared` are the values of all pages."""
    body = _ENVIRONMENT.get_template(view.template).render(**shared, **view.values)
    return packed(request, view.status, body, view.headers, view.cookies)


def packed(
    request: Request,
    status: int,
    body: str,
    headers: Mapping[str, str],
    cookies: Sequence[Cookie] = (),
) -> Response[Any]:
    """Return an answer of HTML, in gzip if the client takes that."""
    every = {**HEADERS, "Vary": "Accept-Encoding", **headers}
    content: str | bytes = body
    if assets.takes_gzip(request) and len(body) > _WORTH_PACKING_BYTES:
        content = gzip.compress(body.encode(), compresslevel=6, mtime=0)
        every["Content-Encoding"] = "gzip"
    return Response(status, "text/html; charset=utf-8", content, every, list(cookies))


def redirect(to: str, cookies: Sequence[Cookie] = ()) -> Response[Any]:
    """Return a redirect to a page of the console, which the browser then gets."""
    return Response(303, body="", headers={**HEADERS, "Location": to}, cookies=list(cookies))
