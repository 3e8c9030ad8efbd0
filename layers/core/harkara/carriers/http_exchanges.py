"""Make requests to a provider of kind `http` and read its answers, as its options describe."""

from base64 import b64decode
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qs, quote, urlencode

from harkara.base.codes import Code
from harkara.base.errors import HttpAnswer, RequestRefused, Token, TokenUnavailable
from harkara.base.json import decode, encode, text_of
from harkara.base.time import DAY_S
from harkara.carriers.base import Request, retry_after_s
from harkara.carriers.contract import InDoubt, NotTaken, Outcome, Refused, Taken
from harkara.carriers.documents import json_of, text_in, xml_of
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
from harkara.carriers.http_exchange_options import (
    AnswerFormat,
    AnswerOptions,
    LoginOptions,
    RequestOptions,
    RevokeOptions,
)
from harkara.carriers.http_options import HttpOptions, ReceiptOptions
from harkara.carriers.receipts import CARRIER_CODE_LIMIT
from harkara.carriers.service_account import assertion
from harkara.carriers.settings import CarrierSecrets
from harkara.carriers.times import time_of

# KMS encrypts this much (AWS KMS API Reference, Encrypt).
TOKEN_LIMIT_BYTES = 4096
_LIFETIME_LIMIT_S = 366 * DAY_S


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


def revoke_request(options: RevokeOptions, values: Values, token: str) -> Request:
    """Return the request that revokes a message, by the values of its submission."""
    quoted = {name: quote(as_text(value), safe="") for name, value in values.items()}
    return _request(options, fill(options.url, quoted), {**values, "token": token}, [])


def login_request(
    options: LoginOptions, username: str, secrets: CarrierSecrets, previous: str, now_s: float
) -> Request:
    """Return the request for a token, given the previous one or "". Raises TokenUnavailable."""
    values = {**credentials(username, secrets), "token": previous}
    if options.scope:
        values["assertion"] = assertion(secrets.password, options.url, options.scope, now_s)
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


def read_answer(body: bytes, options: AnswerFormat) -> Any:
    """Return an answer as a JSON value; None if it does not have the configured format."""
    try:
        if options.format == "json":
            return decode(text_in(body).strip())
        if options.format == "xml":
            return xml_of(body.strip())
        text = text_in(body).strip()
        if options.format == "text":
            return [part.strip() for part in text.split(options.separator)]
        return {name: values[0] for name, values in parse_qs(text, strict_parsing=True).items()}
    except ValueError:
        return None


def outcome_of(
    answer: HttpAnswer,
    by_status: Outcome | None,
    options: AnswerOptions,
    failures: Mapping[str, Code],
) -> Outcome:
    """Return the outcome of a request that holds one message."""
    return _outcome(answer, by_status, read_answer(answer.body, options), options, failures)


def outcomes_of(
    answer: HttpAnswer,
    by_status: Outcome | None,
    options: AnswerOptions,
    failures: Mapping[str, Code],
    references: Sequence[str],
) -> list[Outcome]:
    """Return the outcomes of a request with several records, in order, by their references.

    A record that has no answer of its own, or two different ones, is in doubt, unless the status
    or the error of the whole request says that none was taken.
    """
    document = read_answer(answer.body, options)
    otherwise = by_status or InDoubt()
    error = _text_at(document, options.whole_error)
    if error and error not in options.no_errors:
        whole = AnswerOptions.model_validate({**dict(options), "status": "", "error": "/error"})
        return [_outcome(answer, by_status, {"error": error}, whole, failures)] * len(references)
    entries = _entries(at(document, options.entries))
    if not options.record:
        if len(entries) != len(references):
            return [otherwise] * len(references)
        return [_outcome(answer, by_status, entry, options, failures) for entry in entries]
    names = [text_of(at(entry, options.record)) for entry in entries]
    counts, by_name = Counter(names), dict(zip(names, entries, strict=True))
    outcomes = []
    for index, reference in enumerate(references, 1):
        named = [name for name in (reference, str(index)) if counts[name]]
        unique = len(named) == 1 and counts[named[0]] == 1
        entry = by_name[named[0]] if unique else None
        found = _outcome(answer, by_status, entry, options, failures) if unique else otherwise
        outcomes.append(found)
    return outcomes


def token_of(answer: HttpAnswer, options: LoginOptions, now_s: float) -> Token:
    """Return the token in the answer to a login. Raises TokenUnavailable."""
    if not 200 <= answer.status < 300:
        raise TokenUnavailable(f"the login was answered {answer.status}")
    document = read_answer(answer.body, options.answer) if answer.is_whole else None
    token = text_of(at(document, options.token))
    if not token or not token.isascii() or not token.isprintable():
        raise TokenUnavailable("the answer to the login holds no token")
    if len(token) > TOKEN_LIMIT_BYTES:
        raise TokenUnavailable(f"the token is longer than {TOKEN_LIMIT_BYTES} bytes")
    lifetime_s: float = options.lifetime_s
    if seconds := _text_at(document, options.expires_in):
        lifetime_s = _seconds(seconds)
    elif ends := _text_at(document, options.expires_at):
        lifetime_s = time_of(ends, options.utc_offset_minutes, options.time_format) - now_s
    if not lifetime_s >= 1:  # or no number at all
        raise TokenUnavailable("the token has expired, or its end cannot be read")
    return Token(token, int(min(lifetime_s, _LIFETIME_LIMIT_S)))


def is_token_refused(answer: HttpAnswer, options: AnswerOptions, login: LoginOptions) -> bool:
    """Return whether a submit was refused for its token, so that nothing of it was taken."""
    if answer.status == 401 or not login.refused:
        return answer.status == 401
    document = read_answer(answer.body, options)
    return any(
        _text_at(document, pointer) in login.refused
        for pointer in (options.whole_error, "" if options.entries else options.error)
    )


def _outcome(
    answer: HttpAnswer,
    by_status: Outcome | None,
    document: Any,
    options: AnswerOptions,
    failures: Mapping[str, Code],
) -> Outcome:
    error = _text_at(document, options.error)
    if options.status:
        status = text_of(at(document, options.status))
        taken, failed = status in options.taken, bool(status) and status not in options.taken
    else:
        failed = bool(error) and error not in options.no_errors
        taken = not failed
    if failed and error in options.throttles:
        return NotTaken(retry_after_s(answer))
    if failed and error in options.doubts and by_status is None:
        return InDoubt()
    if failed and (error in failures or by_status is None):
        code = failures.get(error, Code.REFUSED_BY_CARRIER)
        return Refused(code, error[:CARRIER_CODE_LIMIT], _text_at(document, options.words))
    if isinstance(by_status, Refused) and error:
        words = _text_at(document, options.words)
        return by_status._replace(carrier_code=error[:CARRIER_CODE_LIMIT], words=words)
    if by_status is not None:
        return by_status
    carrier_id = cut(text_of(at(document, options.id)), options) if options.id else ""
    if not taken or (options.id and not carrier_id):
        return InDoubt()
    return Taken(carrier_id)


def cut(carrier_id: str, options: AnswerOptions | ReceiptOptions) -> str:
    """Return the carrier's id, cut out of a longer text by the options."""
    if options.id_after and options.id_after in carrier_id:
        carrier_id = carrier_id.partition(options.id_after)[2]
    return carrier_id.partition(options.id_before)[0] if options.id_before else carrier_id


def array_of(value: Any) -> list[Any]:
    """Return a value as an array: a single object is converted, and so is a text.

    That is XML, JSON, or JSON in base64.
    """
    try:
        if isinstance(value, str):
            if (start := value.lstrip()[:1]) not in ("<", "{", "["):
                value = b64decode(value, validate=True).decode()
            value = xml_of(value.encode()) if start == "<" else json_of(value)
    except ValueError as error:
        raise RequestRefused(Code.INVALID_RECEIPT) from error
    if not isinstance(value, list | dict):
        raise RequestRefused(Code.INVALID_RECEIPT)
    return value if isinstance(value, list) else [value]


def at(document: Any, pointer: str) -> Any:
    """Return the value at a JSON pointer (RFC 6901); None if there is none."""
    for name in pointer.split("/")[1:]:
        name = name.replace("~1", "/").replace("~0", "~")
        if isinstance(document, dict):
            document = document.get(name)
        elif isinstance(document, list) and name.isdecimal() and len(name) < 6:
            document = document[int(name)] if int(name) < len(document) else None
        else:
            return None
    return document


def _text_at(document: Any, pointer: str) -> str:
    return text_of(at(document, pointer)) if pointer else ""


def _entries(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, dict) else []


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
