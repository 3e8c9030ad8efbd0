"""Read the bodies of carriers' requests: JSON, a form, a query, multipart (RFC 7578) or XML.

Providers are not exact, so the readers are tolerant: a byte order mark, a stray `&`, bytes that are
not UTF-8 and a wrong content type do no harm. Numbers stay text, since ids may have more digits
than 64 bits hold.
"""

import codecs
import json
from collections.abc import Mapping, Sequence
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any
from urllib.parse import parse_qs
from xml.parsers.expat import ExpatError

import xmltodict

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.carriers.receipts import ReceiptRequest

_FIELDS_LIMIT = 20_000
_NAMES_LIMIT = 20


def document_of(request: ReceiptRequest) -> Any:
    """Return the content of a request as a JSON value: an object, or an array of entries.

    Repeated names in a form make several entries, each of which also has the names that are not
    repeated. If there is a body, the query's fields are added to each entry that is an object.
    Elements and attributes of XML become members by their names. Raises
    RequestRefused(INVALID_RECEIPT).
    """
    try:
        return _document(request)
    except ValueError as error:
        raise RequestRefused(Code.INVALID_RECEIPT) from error


def json_of(text: str) -> Any:
    """Return a JSON value with its numbers as text. Raises ValueError."""
    try:
        return json.loads(text, parse_int=str, parse_float=str)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def _jsons_of(text: str) -> Any:
    """Return the JSON value of a text; for one value a line, an array of them."""
    lines = text.splitlines()
    if len(lines) > 1 and all(line.strip()[:1] in ("{", "") for line in lines):
        try:
            return [json_of(line) for line in lines if line.strip()]
        except ValueError:  # one value on several lines
            pass
    return json_of(text)


def names_in(request: ReceiptRequest) -> list[str]:
    """Return the names of a request's fields for a log: no values, no numbers.

    Names from a misread body may hold personal data, so only plain words are returned.
    """
    try:
        document = _document(request)
    except ValueError:
        document = dict(request.query)
    first = document[0] if isinstance(document, list) and document else document
    names = first if isinstance(first, dict) else ()
    return sorted(name for name in names if _is_word(name))[:_NAMES_LIMIT]


def _is_word(name: str) -> bool:
    return name.isascii() and name.replace("_", "").replace("-", "").isalpha() and len(name) <= 32


def _document(request: ReceiptRequest) -> Any:
    body = request.body.strip()
    if not body:
        return _rows(request.query)
    content_type = request.headers.get("content-type", "")
    if content_type.lower().lstrip().startswith("multipart/"):
        return _rows({**request.query, **_parts(content_type, body)})
    text = text_in(body).strip()
    if text[:1] == "<":
        document = xml_of(body)
    elif text[:2] == '"{' or text[:2] == '"[':  # JSON encoded twice
        document = json_of(json.loads(text))
    elif text[:1] in ("{", "["):
        document = _jsons_of(text)
    else:
        form = parse_qs(
            text.removeprefix("?"), keep_blank_values=True, max_num_fields=_FIELDS_LIMIT
        )
        (name, *others) = form or ("",)
        if others or name.strip()[:1] not in ("{", "["):
            return _rows({**request.query, **form})
        # JSON sent as a form, so that it became the only name, up to a first = in it.
        document = _jsons_of("=".join([name, *filter(None, form[name])]))
    shared = {name: values[0] for name, values in request.query.items()}
    if isinstance(document, dict):
        return {**shared, **document}
    return [{**shared, **entry} if isinstance(entry, dict) else entry for entry in document]


def text_in(body: bytes) -> str:
    """Return a body's text: UTF-16 by its mark or zeros, else UTF-8, else Windows-1252."""
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return body.decode("utf-16", "replace")
    if 0 in body[:2]:  # JSON begins with ASCII, so this is UTF-16 without its mark
        return body.decode(json.detect_encoding(body), "replace")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace")


def _parts(content_type: str, body: bytes) -> dict[str, list[str]]:
    head = f"content-type: {content_type}\r\n\r\n".encode("utf-8", "replace")
    message = BytesParser(policy=HTTP).parsebytes(head + body)
    fields: dict[str, list[str]] = {}
    for part in message.iter_parts() if message.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        value = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(value, bytes):
            fields.setdefault(name, []).append(text_in(value))
    return fields


def xml_of(body: bytes) -> Any:
    """Return XML as a JSON value, elements and attributes by their names. Raises ValueError.

    A document that declares entities is refused, and nothing that it refers to is read.
    """
    try:
        return xmltodict.parse(body, attr_prefix="", cdata_key="text")
    except (ExpatError, LookupError) as error:  # the latter for an encoding that there is not
        raise ValueError("the body is not XML") from error


def _rows(columns: Mapping[str, Sequence[str]]) -> Any:
    if not columns:
        raise ValueError("nothing was sent")
    count = max(map(len, columns.values()))
    if any(len(values) not in (1, count) for values in columns.values()):
        raise ValueError("names are repeated unequally often")
    rows = [
        {name: values[row if len(values) > 1 else 0] for name, values in columns.items()}
        for row in range(count)
    ]
    return rows if len(rows) > 1 else rows[0]
