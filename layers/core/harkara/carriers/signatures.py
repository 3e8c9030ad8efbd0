"""Verify the signature of a carrier's request, in one of the schemes of providers.

    body      HMAC-SHA256 of the body, in hex or base64, perhaps after "sha256="
    twilio    HMAC-SHA1 of the URL and the form's fields by name, in base64; a body that is not a
              form has its SHA-256 in the query (Twilio docs: Secure webhooks)
    plivo     HMAC-SHA256 of the URL, the fields by name and a nonce, in base64 (Plivo docs:
              Signature validation, version 3)
    vonage    a JWT (HS256) as bearer token, whose claim `payload_hash` is the body's SHA-256
              (Vonage docs: Signed webhooks, of the Messages API), or the field `sig`: HMAC-SHA256
              of the other fields by name, in hex (Signing messages, of the SMS API)
    google    HMAC-SHA512 of what is in base64 at `message.data`, in base64, with the client token
              as key; to try the URL, Google sends the token itself with a secret, which the answer
              repeats (RCS for Business docs: Webhooks)

The URL is the one that the provider requested, so no proxy may rewrite its host or path.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterable
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from harkara.base.json import decode
from harkara.carriers.receipts import ReceiptRequest

Scheme = Literal["body", "twilio", "plivo", "vonage", "google"]
HEADERS: dict[Scheme, str] = {
    "body": "",
    "twilio": "x-twilio-signature",
    "plivo": "x-plivo-signature-v3",
    "vonage": "authorization",
    "google": "x-goog-signature",
}
"""The default header of each scheme's signature; the operator may override it."""
_NONCE_HEADER = "x-plivo-signature-v3-nonce"
_FORM = "application/x-www-form-urlencoded"

_Fields = list[tuple[str, str]]


def is_signed(
    request: ReceiptRequest, scheme: Scheme, header: str, encoding: str, key: bytes
) -> bool:
    """Return whether a key signed a request. `encoding` (hex, base64) is for the scheme body."""
    received = request.headers.get(header, "")
    if scheme == "twilio":
        return _twilio(request, received, key)
    if scheme == "plivo":
        return _plivo(request, received, key)
    if scheme == "vonage":
        return _vonage_token(request, received, key) if received else _vonage_fields(request, key)
    if scheme == "google":
        return _google(request, received, key)
    expected = hmac.digest(key, request.body, hashlib.sha256)
    # The signature covers only the body: a query could be forged.
    return not request.query and _matches(received.removeprefix("sha256="), expected, encoding)


def challenge(request: ReceiptRequest) -> str:
    """Return the secret that Google's answer repeats, "" if a request holds none."""
    secret = _members(request).get("secret")
    return secret if isinstance(secret, str) else ""


def _google(request: ReceiptRequest, received: str, key: bytes) -> bool:
    members = _members(request)
    if challenge(request):
        token = members.get("clientToken")
        return isinstance(token, str) and hmac.compare_digest(token.encode(), key)
    message = members.get("message")
    data = message.get("data") if isinstance(message, dict) else None
    try:
        signed = base64.b64decode(data, validate=True) if isinstance(data, str) else b""
    except ValueError:
        return False
    return bool(signed) and _matches(received, hmac.digest(key, signed, hashlib.sha512), "base64")


def _members(request: ReceiptRequest) -> dict[str, Any]:
    """Return the members of a JSON object; none if a query, which nothing signs, adds to them."""
    try:
        document = decode(request.body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) and not request.query else {}


def _twilio(request: ReceiptRequest, received: str, key: bytes) -> bool:
    fields = _fields(request)
    if fields is None:
        digests = request.query.get("bodySHA256", ("",))
        if not _matches(digests[0], hashlib.sha256(request.body).digest(), "hex"):
            return False
    signed = request.url + _joined(set(fields or ()), "", "")
    return _matches(received, hmac.digest(key, signed.encode(), hashlib.sha1), "base64")


def _plivo(request: ReceiptRequest, received: str, key: bytes) -> bool:
    fields = _fields(request)
    if fields is None:
        return False
    parts = urlsplit(request.url)
    query = _joined(parse_qsl(parts.query, keep_blank_values=True), "=", "&")
    signed = f"{parts.scheme}://{parts.netloc}{parts.path}"
    signed += f"?{query}" if query or fields else ""
    signed += f".{_joined(fields, '', '')}" if query and fields else _joined(fields, "", "")
    nonce = request.headers.get(_NONCE_HEADER, "")
    expected = hmac.digest(key, f"{signed}.{nonce}".encode(), hashlib.sha256)
    # There are two signatures if an account and its sub-account both have a token.
    return bool(nonce) and any(_matches(each, expected, "base64") for each in received.split(","))


def _vonage_token(request: ReceiptRequest, received: str, key: bytes) -> bool:
    kind, _, token = received.partition(" ")
    try:
        head, claims, signature = (_from_base64url(each) for each in token.strip().split("."))
        named, claimed = decode(head), decode(claims)
    except ValueError:
        return False
    signed = token.strip().rpartition(".")[0].encode()
    if not hmac.compare_digest(signature, hmac.digest(key, signed, hashlib.sha256)):
        return False
    digest = claimed.get("payload_hash") if isinstance(claimed, dict) else None
    return (
        kind.lower() == "bearer"
        and isinstance(named, dict)
        and named.get("alg") == "HS256"
        and not request.query  # the digest does not cover it
        and isinstance(digest, str)
        and _matches(digest, hashlib.sha256(request.body).digest(), "hex")
    )


def _vonage_fields(request: ReceiptRequest, key: bytes) -> bool:
    fields = _fields(request)
    if fields is None:
        try:
            document = decode(request.body)
        except ValueError:
            return False
        if not isinstance(document, dict):
            return False
        fields = [(name, value) for name, value in document.items() if isinstance(value, str)]
        if len(fields) != len(document):
            return False
    query = [(name, value) for name, values in request.query.items() for value in values]
    signing = [*query, *fields]
    received = dict(signing).get("sig", "")
    marks = str.maketrans("&=", "__")
    signed = "".join(
        f"&{name}={value.translate(marks)}" for name, value in sorted(signing) if name != "sig"
    )
    expected = hmac.digest(key, signed.encode(errors="surrogatepass"), hashlib.sha256)
    return len(dict(signing)) == len(signing) and _matches(received, expected, "hex")


def _from_base64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))


def _fields(request: ReceiptRequest) -> _Fields | None:
    """Return the fields of a form, [] for an empty body; None if the body is not a form."""
    if not request.body:
        return []
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != _FORM:
        return None
    return parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)


def _joined(fields: Iterable[tuple[str, str]], between: str, after: str) -> str:
    return after.join(f"{name}{between}{value}" for name, value in sorted(fields))


def _matches(received: str, expected: bytes, encoding: str) -> bool:
    try:
        decoded = (
            bytes.fromhex(received) if encoding == "hex" else base64.b64decode(received.strip())
        )
    except (ValueError, binascii.Error):
        return False
    return hmac.compare_digest(decoded, expected)
