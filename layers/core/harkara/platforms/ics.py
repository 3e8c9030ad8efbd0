"""ICS Mobile's `POST /datasend` (wire-formats section 1): the request as records, the answer.

    {"user": "...", "pass": "...", "dlrurl": "https://...",
     "smstosend": [{"to": "919876543210", "from": "ACMEBK", "smstext": "...", "smsgid": "...",
                    "peid": "...", "templateid": "...", "dlrurl": "https://..."}]}

    [{"to": "...", "from": "...", "mid": "...", "smsgid": "..."},
     {"to": "...", "from": "...", "smsgid": "...", "Error": "<code>", "message": "..."}]

Unknown fields are ignored; null is as good as absent; a whole number where a string belongs is
read as its digits.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from harkara.codes import MEANINGS, Code
from harkara.errors import RequestRefused
from harkara.jsons import decode, encode
from harkara.requests import (
    BODY_LIMIT_BYTES,
    NO_OPTIONS,
    RECORD_LIMIT,
    Record,
    RecordResult,
    SendRequest,
)

# In the order of Record's fields.
_RECORD_FIELDS = ("to", "from", "smstext", "smsgid", "peid", "templateid", "dlrurl")


class BodyCredentials(NamedTuple):
    """User and password of a request's body, empty where it holds none."""

    username: str
    password: str


def parse(body: str | bytes) -> tuple[BodyCredentials, SendRequest]:
    """Return the credentials and the request in a body.

    Raises RequestRefused for what no record can be blamed for.
    """
    if len(body) > BODY_LIMIT_BYTES:
        raise RequestRefused(Code.BODY_TOO_LARGE)
    try:
        request = decode(body)
    except ValueError as error:
        raise RequestRefused(Code.MALFORMED_JSON) from error
    if not isinstance(request, dict):
        raise RequestRefused(Code.INVALID_REQUEST, "(an object at the top)")
    rows = request.get("smstosend")
    if rows is not None and not isinstance(rows, list):
        raise RequestRefused(Code.INVALID_REQUEST, "(smstosend: an array of objects)")
    if not rows:
        raise RequestRefused(Code.NO_RECORDS)
    if len(rows) > RECORD_LIMIT:
        raise RequestRefused(Code.TOO_MANY_RECORDS)
    credentials = BodyCredentials(_top_level(request, "user"), _top_level(request, "pass"))
    records = [_record(row) for row in rows]
    return credentials, SendRequest(records, _top_level(request, "dlrurl"))


def answer(records: Sequence[Record], results: Sequence[RecordResult]) -> bytes:
    """Return the answer to an accepted request: an array in the order of its records."""
    return encode(
        [
            {"to": record.to, "from": record.sender_id, "mid": mid, "smsgid": record.client_ref}
            if code is None
            else {
                "to": record.to,
                "from": record.sender_id,
                "smsgid": record.client_ref,
                "Error": code,
                "message": f"{MEANINGS[code].advice} {detail}".strip(),
            }
            for record, (mid, code, detail, *_) in zip(records, results, strict=True)
        ]
    )


def _record(row: Any) -> Record:
    if not isinstance(row, dict):
        return Record(problem=Code.INVALID_RECORD)
    values = [row.get(name, "") for name in _RECORD_FIELDS]
    try:
        "".join(values)  # the quickest way to ask whether all are strings
    except TypeError:
        strings = [_string(value) for value in values]
        read = Record._make([*(string or "" for string in strings), NO_OPTIONS, None])
        return read._replace(problem=Code.INVALID_RECORD) if None in strings else read
    return Record._make([*values, NO_OPTIONS, None])


def _top_level(request: dict[str, Any], name: str) -> str:
    string = _string(request.get(name))
    if string is None:
        raise RequestRefused(Code.INVALID_REQUEST, f"({name}: a string)")
    return string


def _string(value: Any) -> str | None:
    """Return a JSON value as the string that was meant; None where it cannot be one."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None
