"""Make the requests to a provider of kind `http`, as its options describe them."""

from collections.abc import Mapping, Sequence
from urllib.parse import quote, urlencode

from harkara.base.json import encode
from harkara.carriers.base import Request
from harkara.carriers.filling import (
    Records,
    Values,
    as_text,
    credentials,
    fill,
    fill_fields,
    fill_json,
    fill_xml,
)
from harkara.carriers.http_exchange_options import LoginOptions, RequestOptions
from harkara.carriers.http_options import HttpOptions
from harkara.carriers.settings import CarrierSecrets


def submit_request(
    options: HttpOptions, url: str, messages: Sequence[Values], token: str
) -> Request:
    """Return the request that submits messages, by their values.

    What is outside of the record has the values of the first message.
    """
    messages = [
        {**values, "token": token, "index": str(number), "index:number": number}
        for number, values in enumerate(messages, 1)
    ]
    shared, record = messages[0], options.record
    quoted = {name: quote(as_text(value), safe="") for name, value in shared.items()}
    if not options.xml_body:
        records = [] if record is None else [fill_json(record, values) for values in messages]
        return _request(options, fill(url, quoted), shared, records)
    elements = "".join(fill_xml(str(record or ""), values) for values in messages)
    body = fill_xml(options.xml_body, shared, elements).encode()
    return _request(options, fill(url, quoted), shared, [], body)


def login_request(
    options: LoginOptions, username: str, secrets: CarrierSecrets, previous: str
) -> Request:
    """Return the request for a token, given the previous one or ""."""
    values = {**credentials(username, secrets), "token": previous}
    return _request(options, options.url, values, [])


def _request(
    options: RequestOptions, url: str, values: Values, records: Records, xml: bytes = b""
) -> Request:
    query = urlencode(fill_fields(options.query, values))
    if query:
        url += ("&" if "?" in url else "?") + query
    body, content_type = xml, "text/xml; charset=utf-8" if xml else ""
    if options.json_body is not None:
        body = encode(fill_json(options.json_body, values, records))
        content_type = "application/json"
    elif options.form:
        body = urlencode(fill_fields(options.form, values)).encode()
        content_type = "application/x-www-form-urlencoded"
    usual: Mapping[str, str] = {"content-type": content_type} if content_type else {}
    given = {name.lower(): value for name, value in fill_fields(options.headers, values).items()}
    return Request(options.method, url, {**usual, **given}, body)
