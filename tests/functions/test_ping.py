"""The daily ping of functions with a snapshot: no call, no line, no metric, no error."""

import socket

import boto3
import pytest

from harkara.api.resolver import PING
from tests.functions.invoking import Context, Logs, load
from tests.template.reading import functions

PINGED = sorted(name for name, each in functions().items() if "SnapStart" in each)


@pytest.mark.parametrize("function", PINGED)
def test_a_ping_is_answered_with_nothing_and_does_nothing(
    function: str, logs: Logs, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The handler as deployed, without settings: opening any client or connection fails."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a ping asked something of the outside")

    module = load(function)
    monkeypatch.setattr(boto3.Session, "client", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert module.handler(dict(PING), Context()) == {}
    assert logs.lines() == []
    assert logs.other.getvalue() == ""
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("function", PINGED)
def test_only_a_ping_is_one(function: str, logs: Logs) -> None:
    module = load(function)
    for event in ({}, {"ping": False}, {**PING, "version": "2.0"}):
        with pytest.raises(KeyError):
            module.handler(event, Context())
