"""Credentials in all forms that a request may use."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.api.authentication import Presented, presented
from harkara.base.keys import new_secret
from harkara.manage.credentials import IssuedSecret


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


BODY = ("acme", "s3cret")


@pytest.mark.parametrize(
    ("headers", "body", "visible"),
    [
        pytest.param({}, BODY, BODY, id="body"),
        pytest.param({}, ("", ""), ("", ""), id="nothing"),
        pytest.param({"x-api-key": "acme.s3cret"}, ("", ""), BODY, id="API key"),
        pytest.param({"x-api-key": " acme.s3cret "}, ("", ""), BODY, id="API key in spaces"),
        pytest.param({"x-api-key": "s3cret"}, ("acme", ""), BODY, id="API key without its user"),
        pytest.param({"x-api-key": ""}, BODY, BODY, id="an empty API key is none"),
        pytest.param({"authorization": "Bearer acme.s3cret"}, ("", ""), BODY, id="bearer"),
        pytest.param({"authorization": "bearer  acme.s3cret"}, ("", ""), BODY, id="any case"),
        pytest.param(
            {"authorization": "Bearer s3cret"}, ("acme", ""), BODY, id="bearer secret, body's user"
        ),
        pytest.param({"authorization": "Bearer s3cret"}, ("", ""), ("", "s3cret"), id="no user"),
        pytest.param({"authorization": "Bearer"}, BODY, BODY, id="an empty bearer is none"),
        pytest.param({"authorization": basic("acme:s3cret")}, ("", ""), BODY, id="basic"),
        pytest.param(
            {"authorization": basic("acme:a:b")}, ("", ""), ("acme", "a:b"), id="a colon within"
        ),
        pytest.param({"authorization": basic("acme.s3cret")}, ("", ""), BODY, id="basic API key"),
        pytest.param(
            {"authorization": basic("acme.s3cret:")}, ("", ""), BODY, id="basic API key as user"
        ),
        pytest.param({"authorization": "Basic acme.s3cret"}, ("", ""), BODY, id="basic, raw key"),
        pytest.param(
            {"authorization": "Basic " + "/w=="}, ("acme", ""), ("acme", "/w=="), id="not UTF-8"
        ),
        pytest.param({"authorization": "Digest x"}, BODY, BODY, id="an unknown scheme is none"),
        pytest.param({"authorization": "x"}, BODY, BODY, id="no scheme"),
        pytest.param(
            {"x-api-key": "one.1", "authorization": "Bearer two.2"},
            BODY,
            ("one", "1"),
            id="API key before authorization",
        ),
        pytest.param(
            {"authorization": "Bearer two.2"}, BODY, ("two", "2"), id="authorization before body"
        ),
    ],
)
def test_a_request_shows_its_credential(
    headers: dict[str, str], body: tuple[str, str], visible: tuple[str, str]
) -> None:
    assert presented(headers, *body) == Presented(*visible)


@given(st.binary(min_size=32, max_size=32))
def test_a_new_secret_passes_in_every_form(random_bytes: bytes) -> None:
    secret = new_secret(lambda size: random_bytes[:size])
    key = IssuedSecret("acme", secret, "").api_key
    for headers in (
        {"x-api-key": key},
        {"authorization": f"Bearer {key}"},
        {"authorization": f"Basic {key}"},
        {"authorization": basic(key)},
        {"authorization": basic(f"acme:{secret}")},
    ):
        assert presented(headers) == ("acme", secret)
    assert presented({"authorization": f"Bearer {secret}"}, "acme") == ("acme", secret)


def test_secrets_hold_all_the_randomness_that_they_ask_for() -> None:
    sizes: list[int] = []

    def randomness(size: int) -> bytes:
        sizes.append(size)
        return bytes(size)

    assert len(new_secret(randomness)) == 43
    assert sizes == [32]


@given(st.text(), st.text())
def test_no_header_breaks_it(api_key: str, authorization: str) -> None:
    for headers in (
        {"x-api-key": api_key},
        {"authorization": authorization},
        {"authorization": f"Basic {authorization}"},
    ):
        assert len(presented(headers)) == 2
