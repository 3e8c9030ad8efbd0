"""Fill a message's values into the request that a provider's options describe."""

import base64
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import escape

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.base.ids import uuid_of
from harkara.carriers.contract import Submission
from harkara.carriers.http_options import DEFAULT, HttpOptions, ValidityOptions
from harkara.carriers.http_placeholders import RECORDS, SUGGESTIONS, pieces_of, values_in
from harkara.carriers.settings import CarrierSecrets
from harkara.model.messages import Message
from harkara.model.rcs import Rcs
from harkara.text.segments import measure

VARIABLES = "{variables}"
"""The JSON member that is replaced by the values of a template's variables."""
# Prefix of the variables' names among the values; no placeholder has it.
_VARIABLE = "##"

Value = bool | int | str | list[Any]
Values = Mapping[str, Value]
"""The value of each placeholder, "" if it is empty; that of `{suggestions}` is an array."""
Records = Sequence[object]
"""The records of several messages, filled, for `{records}` in JSON."""

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# In attributes, a parser turns the last three into blanks, unless they are escaped.
_XML_ENTITIES = {'"': "&quot;", "'": "&apos;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
_UNITS_MS = {"milliseconds": 1, "seconds": 1000, "minutes": 60_000, "hours": 3_600_000}


def values_of(
    submission: Submission,
    username: str,
    secrets: CarrierSecrets,
    options: HttpOptions,
    rcs: Rcs | None = None,
) -> Values:
    """Return a message's values for the placeholders, mapped to the provider's words.

    `rcs` takes the place of its text and template at an RCS carrier. Raises RequestRefused if the
    provider has no template for the message (TEMPLATE_NOT_REGISTERED), or the text does not match
    it (TEMPLATE_MISMATCH).
    """
    message = submission.message
    validity = _validity(submission.validity_s, options.validity)
    values: dict[str, Value] = {
        "to": message.to,
        "from": message.sender_id,
        "text": message.text,
        "reference": submission.reference,
        "uuid": uuid_of(submission.reference),
        "pe_id": message.pe_id,
        "dlt_template_id": message.dlt_template_id,
        "chain_hash": submission.chain_hash,
        "telemarketer_id": next(reversed(submission.telemarketer_ids), ""),
        "telemarketer_ids": ",".join(submission.telemarketer_ids),
        "category": submission.category,
        "encoding": measure(message.text).encoding,
        "segment_count": str(message.segment_count),
        "segment_count:number": message.segment_count,
        "validity": str(validity or ""),
        "validity:number": validity or "",
        "expires_at": _expires_at(submission, validity * _UNITS_MS[options.validity.unit] // 1000),
        "validity_s": str(submission.validity_s or ""),
        "validity_s:number": submission.validity_s or "",
        "template_id": "",
        "account_id": submission.account_id,
        "receipt_url": secrets.receipt_url,
        **credentials(username, secrets),
    }
    if rcs:
        values |= _rcs_values(rcs, options)
    elif options.templates:
        values |= _template(message, options)
    for name, table in options.values.items():
        values[name] = table.get(str(values[name]), table.get(DEFAULT, values[name]))
    return values


def credentials(username: str, secrets: CarrierSecrets) -> Values:
    """Return our credentials at a provider."""
    basic = base64.b64encode(f"{username}:{secrets.password}".encode()).decode()
    return {"username": username, "password": secrets.password, "basic": basic}


def fill(template: str, values: Values) -> str:
    """Return a template with its placeholders filled."""
    return "".join(as_text(values[name]) if name else text for text, name in _pieces(template))


def fill_fields(templates: Mapping[str, str], values: Values) -> dict[str, str]:
    """Return filled fields of a query, a form or headers, without those of empty placeholders."""
    return {
        name: fill(template, values)
        for name, template in templates.items()
        if not _is_empty(template, values)
    }


def fill_json(template: Any, values: Values, records: Records = ()) -> Any:
    """Return a JSON value with its strings filled, without those of empty placeholders.

    The string `{records}` becomes the array of the records.
    """
    if isinstance(template, str):
        name = _placeholder(template)
        if name == RECORDS:
            return records
        return values[name] if name else fill(template, values)
    if isinstance(template, list):
        return [
            fill_json(each, values, records) for each in template if not _is_empty(each, values)
        ]
    if isinstance(template, dict):
        variables = values.items() if VARIABLES in template else ()
        return {
            **{name[2:]: value for name, value in variables if name.startswith(_VARIABLE)},
            **{
                name: fill_json(each, values, records)
                for name, each in template.items()
                if name != VARIABLES and not _is_empty(each, values)
            },
        }
    return template


def fill_xml(template: str, values: Values, records: str = "") -> str:
    """Return XML with its placeholders filled, escaped for attributes and texts.

    `{records}` becomes the records, which are XML already. Characters that XML does not allow
    (XML 1.0, section 2.2) are left out.
    """
    escaped = {
        name: escape(_NO_XML.sub("", as_text(value)), _XML_ENTITIES)
        for name, value in values.items()
    }
    return fill(template, {**escaped, RECORDS: records})


def misplaced(url: str, values: Values) -> list[str]:
    """Return the placeholders whose values would change the structure of a URL's path.

    A whole segment `.` or `..` leads to another path, even if it is escaped (WHATWG URL, 4.4 and
    RFC 3986, 5.2.4), and servers treat an empty segment's two slashes as one.
    """
    for segment in url.partition("?")[0].split("/")[3:]:
        names = [name for _, name in _pieces(segment) if name]
        filled = fill(segment, {name: quote(as_text(values[name]), safe="") for name in names})
        if names and filled.lower().replace("%2e", ".") in ("", ".", ".."):
            return names
    return []


def as_text(value: Value) -> str:
    """Return a value as text, with `true` and `false` as in JSON."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _rcs_values(rcs: Rcs, options: HttpOptions) -> dict[str, Value]:
    """Return the values of RCS content. Raises RequestRefused if the provider does not take it."""
    names = options.placeholders
    if not (rcs.text and "text" in names) and not (rcs.template_id and "template_id" in names):
        raise RequestRefused(Code.TEMPLATE_NOT_REGISTERED)
    buttons: list[Any] = []
    if forms := options.suggestions:
        for text, url, phone in rcs.suggestions:
            values = {"label": text, "suggestion_url": url, "suggestion_phone": phone}
            buttons.append(fill_json(forms.open_url if url else forms.dial, values))
    variables = {_VARIABLE + name: value for name, value in rcs.variables}
    named = {"text": rcs.text, "template_id": rcs.template_id, SUGGESTIONS: buttons or ""}
    return {**named, **variables}


def _template(message: Message, options: HttpOptions) -> Values:
    """Return the provider's id of a message's template, and the values of its variables."""
    template = options.templates.get(message.dlt_template_id)
    if template is None:
        raise RequestRefused(Code.TEMPLATE_NOT_REGISTERED)
    found = values_in(message.text, template.text)
    if found is None:
        raise RequestRefused(Code.TEMPLATE_MISMATCH)
    return {"template_id": template.id, **{_VARIABLE + name: found[name] for name in found}}


def _validity(validity_s: int, options: ValidityOptions) -> int:
    if not validity_s:
        return 0
    count = max(options.least, validity_s * 1000 // _UNITS_MS[options.unit])
    return count if options.most is None else min(count, options.most)


def _expires_at(submission: Submission, within_s: int) -> str:
    """Return the end of a message's validity in UTC, `within_s` seconds after the submit."""
    if not within_s or not submission.expires_at_s:
        return ""
    submitted_s = submission.expires_at_s - submission.validity_s
    return f"{datetime.fromtimestamp(submitted_s + within_s, UTC):%Y-%m-%dT%H:%M:%SZ}"


@lru_cache(maxsize=1_000)
def _pieces(template: str) -> list[tuple[str, str]]:
    return pieces_of(template)


def _placeholder(template: str) -> str:
    """Return the placeholder if a template is nothing else, or else ""."""
    pieces = _pieces(template)
    return pieces[0][1] if len(pieces) == 1 else ""


def _is_empty(template: Any, values: Values) -> bool:
    name = _placeholder(template) if isinstance(template, str) else ""
    return bool(name) and values.get(name) == ""
