"""Signatures of receipts, with the providers' own examples."""

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.carriers.receipts import ReceiptRequest
from harkara.carriers.settings import CarrierSettings
from harkara.carriers.signatures import HEADERS, Scheme, is_signed
from tests.unit.carrier_cases import settings_of

# From Twilio's own libraries, for the token 12345.
TWILIO_URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
TWILIO_FIELDS = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Digits", "1234"),
    ("From", "+14158675309"),
    ("To", "+18005551212"),
    ("Caller", "+14158675309"),
]
TWILIO_SIGNATURE = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
TWILIO_BODY = b'{"property": "value", "boolean": true}'
TWILIO_BODY_URL = f"{TWILIO_URL}&bodySHA256={hashlib.sha256(TWILIO_BODY).hexdigest()}"
TWILIO_BODY_SIGNATURE = "a9nBmqA0ju/hNViExpshrM61xv4="

KEY = b"token"
FIELDS = st.lists(st.tuples(st.text(min_size=1), st.text()), max_size=4)


def request(
    url: str, body: bytes = b"", content_type: str = "application/json", **headers: str
) -> ReceiptRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    query = parse_qs(urlsplit(url).query, keep_blank_values=True)
    return ReceiptRequest("POST", {"content-type": content_type, **named}, query, body, url=url)


def form(url: str, fields: list[tuple[str, str]], **headers: str) -> ReceiptRequest:
    content_type = "application/x-www-form-urlencoded; charset=UTF-8"
    return request(url, urlencode(fields).encode(), content_type, **headers)


def signed(request: ReceiptRequest, scheme: Scheme, key: bytes = KEY) -> bool:
    return is_signed(request, scheme, HEADERS[scheme], "hex", key)


def mac(text: str, digest: str) -> str:
    return base64.b64encode(hmac.digest(KEY, text.encode(), digest)).decode()


def test_twilios_examples_are_signed() -> None:
    fields = form(TWILIO_URL, TWILIO_FIELDS, x_twilio_signature=TWILIO_SIGNATURE)
    body = request(TWILIO_BODY_URL, TWILIO_BODY, x_twilio_signature=TWILIO_BODY_SIGNATURE)
    assert signed(fields, "twilio", b"12345")
    assert signed(body, "twilio", b"12345")
    assert not signed(fields, "twilio", b"123456")


@pytest.mark.parametrize(
    "changed",
    [
        form(TWILIO_URL, [*TWILIO_FIELDS, ("x", "")], x_twilio_signature=TWILIO_SIGNATURE),
        form(TWILIO_URL, TWILIO_FIELDS[1:], x_twilio_signature=TWILIO_SIGNATURE),
        form(TWILIO_URL + "&x=", TWILIO_FIELDS, x_twilio_signature=TWILIO_SIGNATURE),
        form(TWILIO_URL, TWILIO_FIELDS, x_twilio_signature="ü"),
        form(TWILIO_URL, TWILIO_FIELDS, x_twilio_signature=""),
        form(TWILIO_URL, TWILIO_FIELDS),
        request(TWILIO_BODY_URL, TWILIO_BODY + b" ", x_twilio_signature=TWILIO_BODY_SIGNATURE),
        request(TWILIO_URL, TWILIO_BODY, x_twilio_signature=TWILIO_SIGNATURE),
        request(
            TWILIO_BODY_URL,
            urlencode(TWILIO_FIELDS).encode(),
            "text/plain",
            x_twilio_signature=TWILIO_BODY_SIGNATURE,
        ),
    ],
)
def test_what_was_changed_is_not_signed_by_twilio(changed: ReceiptRequest) -> None:
    assert not signed(changed, "twilio", b"12345")


def plivo(url: str, fields: list[tuple[str, str]], text: str, nonce: str = "n1") -> ReceiptRequest:
    headers = {"x_plivo_signature_v3": mac(text, "sha256"), "x_plivo_signature_v3_nonce": nonce}
    return form(url, fields, **headers)


STATE = [("Status", "delivered"), ("MessageUUID", "db3c")]
HOOK = "https://api.example/receipts/plivo/t0ken"


@pytest.mark.parametrize(
    ("url", "fields", "text"),
    [
        pytest.param(HOOK, STATE, f"{HOOK}?MessageUUIDdb3cStatusdelivered.n1", id="fields"),
        pytest.param(
            f"{HOOK}?b=2&a=1", STATE, f"{HOOK}?a=1&b=2.MessageUUIDdb3cStatusdelivered.n1", id="both"
        ),
        pytest.param(f"{HOOK}?b=2&a=1", [], f"{HOOK}?a=1&b=2.n1", id="a query"),
        pytest.param(HOOK, [], f"{HOOK}.n1", id="neither"),
    ],
)
def test_plivos_signature_is_of_url_fields_and_nonce(
    url: str, fields: list[tuple[str, str]], text: str
) -> None:
    request = plivo(url, fields, text)
    assert signed(request, "plivo")
    two = {**request.headers, HEADERS["plivo"]: f"AAAA,{request.headers[HEADERS['plivo']]}"}
    assert signed(request._replace(headers=two), "plivo")
    assert not signed(request, "plivo", b"another")
    assert not signed(plivo(url, [*fields, ("x", "1")], text), "plivo")
    assert not signed(plivo(url, fields, text, nonce="n2"), "plivo")
    assert not signed(request._replace(url=f"{url}x"), "plivo")
    other = {**request.headers, "content-type": "application/json"}
    assert not signed(request._replace(headers=other, body=b"{}"), "plivo")


def test_a_nonce_is_needed() -> None:
    assert not signed(plivo(HOOK, STATE, f"{HOOK}?MessageUUIDdb3cStatusdelivered.", ""), "plivo")


@given(FIELDS, FIELDS, st.sampled_from(["twilio", "plivo", "vonage"]), st.text())
def test_nothing_unsigned_is_taken_for_signed(
    query: list[tuple[str, str]], fields: list[tuple[str, str]], scheme: Scheme, text: str
) -> None:
    url = f"{HOOK}?{urlencode(query)}"
    headers = {HEADERS[scheme].replace("-", "_"): text, "x_plivo_signature_v3_nonce": "n"}
    assert not signed(form(url, fields, **headers), scheme)


# The settings


@pytest.mark.parametrize("scheme", ["twilio", "plivo", "vonage"])
def test_a_way_of_signing_has_a_header_and_needs_a_secret(scheme: Scheme) -> None:
    given: dict[str, Any] = {"receipt_signature": scheme}
    with pytest.raises(ValueError, match="receipt_secret: a signature needs it"):
        settings_of("http", **given)
    settings = settings_of("http", **given, receipt_secret=b"x")
    assert settings.signature_header == HEADERS[scheme]
    other = {"receipt_signature_header": "x-plivo-signature-ma-v3"}
    settings = CarrierSettings.model_validate(settings.model_dump() | other)
    assert settings.signature_header == "x-plivo-signature-ma-v3"


def test_without_a_header_the_body_is_not_signed() -> None:
    assert settings_of("http").signature_header == ""


# Vonage

REPORT = b'{"messageId":"0C1","status":"delivered"}'


def token(body: bytes = REPORT, key: bytes = KEY, alg: str = "HS256", **claims: object) -> str:
    """Return a token as Vonage makes it."""
    claims = {"iat": 1, "api_key": "a", "payload_hash": hashlib.sha256(body).hexdigest(), **claims}
    parts = [json.dumps(each).encode() for each in ({"alg": alg, "typ": "JWT"}, claims)]
    signing = b".".join(base64.urlsafe_b64encode(each).rstrip(b"=") for each in parts)
    digest = base64.urlsafe_b64encode(hmac.digest(key, signing, "sha256")).rstrip(b"=")
    return f"Bearer {signing.decode()}.{digest.decode()}"


def test_vonages_token_is_of_the_body() -> None:
    assert signed(request(HOOK, REPORT, authorization=token()), "vonage")
    assert not signed(request(HOOK, REPORT, authorization=token()), "vonage", b"another")


@pytest.mark.parametrize(
    ("given", "body", "url"),
    [
        pytest.param(token(), REPORT + b" ", HOOK, id="another body"),
        pytest.param(token(), REPORT, f"{HOOK}?status=failed", id="a query beside it"),
        pytest.param(token(key=b"other"), REPORT, HOOK, id="another key"),
        pytest.param(token(alg="none"), REPORT, HOOK, id="no algorithm"),
        pytest.param(token(alg="HS512"), REPORT, HOOK, id="another algorithm"),
        pytest.param(token(payload_hash=None), REPORT, HOOK, id="a digest that is none"),
        pytest.param(token().replace("Bearer", "Basic"), REPORT, HOOK, id="no bearer"),
        pytest.param(token().rpartition(".")[0] + ".", REPORT, HOOK, id="no signature"),
        pytest.param("Bearer a.b.c", REPORT, HOOK, id="no token"),
        pytest.param("Bearer e30.e30.", REPORT, HOOK, id="nothing in it"),
        pytest.param("Bearer \u0939.\u0939.\u0939", REPORT, HOOK, id="no ASCII"),
    ],
)
def test_what_vonages_token_is_not_of_is_refused(given: str, body: bytes, url: str) -> None:
    assert not signed(request(url, body, authorization=given), "vonage")


def sig(text: str, key: bytes = KEY) -> str:
    return hmac.digest(key, text.encode(), "sha256").hex().upper()


def test_vonages_sig_is_of_all_other_fields_in_query_form_and_json() -> None:
    fields = {"text": "a&b=c", "msisdn": "919876543210", "timestamp": "2026-01-01 09:00:02"}
    right = sig("&msisdn=919876543210&text=a_b_c&timestamp=2026-01-01 09:00:02")
    for either in (right, right.lower()):
        named = [*fields.items(), ("sig", either)]
        assert signed(form(HOOK, named), "vonage")
        assert signed(request(f"{HOOK}?{urlencode(named)}"), "vonage")
        assert signed(request(HOOK, json.dumps(dict(named)).encode()), "vonage")
    assert not signed(form(HOOK, [*fields.items(), ("sig", right)]), "vonage", b"another")
    assert not signed(form(HOOK, [*fields.items(), ("x", "1"), ("sig", right)]), "vonage")
    assert not signed(form(f"{HOOK}?text=d", [*fields.items(), ("sig", right)]), "vonage")
    assert not signed(form(HOOK, [*fields.items()]), "vonage")


@pytest.mark.parametrize("body", [b"[]", b"{", b'"sig"', b'{"sig": "", "a": {"b": 1}}'])
def test_a_body_without_fields_is_not_signed_by_vonage(body: bytes) -> None:
    assert not signed(request(HOOK, body), "vonage")
