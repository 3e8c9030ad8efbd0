"""A provider on this machine that behaves as its public pages document (tests/cases/presets).

It accepts messages at the documented URL, from known credentials, in the required form, and has the
documented answers for all other requests. HTTP's own answers to a wrong path, method or type (404,
405, 415) are given too, and 401 to unknown credentials unless a page has another answer.

It then posts receipts and replies to our API, whose functions run behind the same server. Providers
and API are reached by their own names, over TLS: only the addresses are this machine's.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from ssl import SSLContext
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlencode, urlsplit

import jsonschema_rs
import xmltodict
from aiohttp import web
from aiohttp.test_utils import TestServer

from harkara.base.errors import HttpAnswer
from harkara.net.client import HttpClient
from harkara.text.segments import Encoding, measure
from tests.functions.exchanges import Resolver
from tests.functions.handlers import Gateway
from tests.functions.invoking import http_event
from tests.functions.posting import AUTHORITY, serving_with
from tests.support.preset_cases import at, body_of

API_HOST = "api.example"
FORM = "application/x-www-form-urlencoded"
TYPES = {"form": FORM, "json": "application/json", "xml": "text/xml"}
TIMEOUT_S = 10.0


class Shown(NamedTuple):
    """A text as a phone shows it, and its encoding on the way."""

    number: str
    text: str
    encoding: Encoding


@dataclass
class Provider:
    """A provider defined by a file of tests/cases/presets.

    While `condition` is set, it gives the answer of that name to every request.
    """

    case: Mapping[str, Any]
    condition: str = ""
    requests: list[Any] = field(default_factory=list)
    visible: list[Shown] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def host(self) -> str:
        return urlsplit(self.case["sent"]["url"]).hostname or ""

    async def take(self, request: web.Request) -> web.Response:
        """Accept a message, or answer with its error."""
        sent = self.case["sent"]
        login = self.case["protocol"].get("login")
        if login and request.path == login["path"] and request.method == "POST":
            return self._log_in(request.headers, login)
        if request.path != urlsplit(sent["url"]).path:
            return web.Response(status=404)
        if request.method != "POST":
            return web.Response(status=405)
        if request.content_type != next(TYPES[each] for each in TYPES if each in sent):
            return web.Response(status=415)
        body = await _read(request)
        answer = self.condition or self._judge(request.headers, body)
        if answer == "taken":
            self.requests.append(body)
            self.visible.append(self._show(body))
        return _answered(self.case["answers"][answer])

    def _log_in(self, headers: Mapping[str, str], login: Mapping[str, Any]) -> web.Response:
        """Issue a token."""
        ours = all(headers.get(name) == value for name, value in login["headers"].items())
        return web.json_response(login["body"]) if ours else web.Response(status=401)

    def _judge(self, headers: Mapping[str, str], body: Any) -> str:
        sent, protocol = self.case["sent"], self.case["protocol"]
        existing = body_of(sent)
        credentials = [
            headers.get(name) == value for name, value in sent.get("headers", {}).items()
        ]
        credentials += [at(body, each) == at(existing, each) for each in protocol["credentials"]]
        if not all(credentials):
            return "stranger"
        validator = jsonschema_rs.validator_for(protocol["body"])
        wrong = [f"{each.instance_path}: {each.message}" for each in validator.iter_errors(body)]
        self.complaints += wrong
        return "refused" if wrong else "taken"

    def _show(self, body: Any) -> Shown:
        """Send a text in the requested encoding, or by default in the one that it needs."""
        protocol = self.case["protocol"]
        text = at(body, protocol["text"]) if "text" in protocol else self._filled(body)
        needed = encoding = measure(text).encoding
        if coding := protocol.get("coding"):
            encoding = Encoding(coding[str(at(body, coding["at"]))])
        if needed is Encoding.UCS2 and encoding is Encoding.GSM7:
            text = "".join(each if measure(each).encoding is encoding else "?" for each in text)
        return Shown(at(body, protocol["to"]).lstrip("+"), text, encoding)

    def _filled(self, body: Any) -> str:
        """Return the text of a template of its own."""
        (recipient,) = body["recipients"]
        (text,) = [each["text"] for each in self.case["templates"].values()]
        for name, value in recipient.items():
            text = text.replace(f"##{name}##", value)
        return str(text)

    def receipt_url(self, from_panel: str) -> str:
        """Return the URL for receipts: the message's, or the one entered at the provider."""
        pointer = self.case["protocol"].get("hook")
        return str(at(self.requests[-1], pointer)).partition("?")[0] if pointer else from_panel

    async def post(self, client: HttpClient, url: str, row: Mapping[str, Any]) -> HttpAnswer:
        """Post a receipt or a reply."""
        if "query" in row:
            return await client("GET", f"{url}?{urlencode(row['query'])}", {}, b"", TIMEOUT_S)
        form = "form" in row
        content = urlencode(row["form"]) if form else json.dumps(row["json"])
        headers = {"content-type": FORM if form else "application/json", **row.get("headers", {})}
        return await client("POST", url, headers, content.encode(), TIMEOUT_S)


@asynccontextmanager
async def online(provider: Provider, gateway: Gateway) -> AsyncIterator[HttpClient]:
    """Serve a provider and our API under their names; yield a client that reaches both."""

    async def serve(request: web.Request) -> web.Response:
        if request.url.host == API_HOST:
            return await _invoked(gateway, request)
        assert request.url.host == provider.host
        return await provider.take(request)

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", serve)
    server = TestServer(application, scheme="https")
    await server.start_server(ssl=_tls(provider.host))
    try:
        async with HttpClient(4, Resolver("127.0.0.1", server.port or 0)) as client:
            yield client
    finally:
        await server.close()


@cache
def _tls(host: str) -> SSLContext:
    return serving_with(AUTHORITY.issue_cert(host, API_HOST))


async def _read(request: web.Request) -> Any:
    text = await request.text()
    if request.content_type == TYPES["xml"]:
        return xmltodict.parse(text, force_list=("SMS", "ADDRESS"))
    if request.content_type != FORM:
        return json.loads(text)
    return dict(parse_qsl(text, keep_blank_values=True, strict_parsing=True))


def _answered(row: Mapping[str, Any]) -> web.Response:
    body, status = row.get("body", ""), row.get("status", 200)
    if isinstance(body, str):
        return web.Response(status=status, text=body)
    return web.json_response(body, status=status)


async def _invoked(gateway: Gateway, request: web.Request) -> web.Response:
    """Invoke the function of a route, as API Gateway does."""
    body = await request.read()
    headers = {name.lower(): value for name, value in request.headers.items()}
    event = http_event(request.method, request.path, body or None, headers)
    event["rawQueryString"] = request.rel_url.raw_query_string
    function = "receipt" if request.path.startswith("/receipts/") else "inbound"
    answer = gateway.call(function, event)
    content_type = answer["headers"].get("Content-Type")
    return web.Response(status=answer["statusCode"], text=answer["body"], content_type=content_type)
