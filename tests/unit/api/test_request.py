"""Requests as plain data: the body's bytes, and the path without surplus slashes."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.api.request import Request
from tests.functions.invoking import http_event


@pytest.mark.parametrize(
    ("sent", "body"),
    [
        pytest.param(None, b"", id="none"),
        pytest.param("नमस्ते", "नमस्ते".encode(), id="text"),
        pytest.param(b"\xff\x00", b"\xff\x00", id="bytes"),
        pytest.param("\ud800", b"\xed\xa0\x80", id="half a pair"),
    ],
)
def test_a_request_is_as_it_was_sent(sent: str | bytes | None, body: bytes) -> None:
    event = http_event("POST", "/a", sent, {"X-Api-Key": "Key"})
    event |= {"rawQueryString": "a=%31&b=2", "queryStringParameters": {"a": "1", "b": "2"}}
    assert Request.of(event) == Request(
        id="request-id",
        method="POST",
        path="/a",
        query_string="a=%31&b=2",
        query={"a": "1", "b": "2"},
        headers={"content-type": "application/json", "x-api-key": "Key"},
        body=body,
        source_ip="203.0.113.10",
    )


@given(st.text(st.sampled_from("/ab%\n")))
def test_a_path_has_single_slashes_and_none_at_its_end(path: str) -> None:
    expected = re.sub("//+", "/", path).rstrip("/") or "/"
    assert Request.of(http_event("GET", path)).path == expected
