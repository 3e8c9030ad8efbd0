"""Tests of handlers and of the HTTP client: as in Lambda, and connected to this machine only."""

import logging
from collections.abc import Iterator

import pytest
from pytest_socket import enable_socket, socket_allow_hosts

from harkara.runtime import logging as runtime
from tests.functions import integrating
from tests.functions.handlers import Gateway
from tests.functions.invoking import Logs
from tests.support.loops import own_loop


@pytest.fixture(autouse=True)
def _loopback_only() -> Iterator[None]:
    socket_allow_hosts(["127.0.0.1", "::ffff:127.0.0.1"], allow_unix_socket=True)
    yield
    enable_socket()


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """The functions on fakes, in a process that looks to them like Lambda's."""
    monkeypatch.setenv("LAMBDA_TASK_ROOT", "/var/task")
    with own_loop():
        yield Gateway()


@pytest.fixture
def acme(gateway: Gateway) -> Gateway:
    """The functions with the account of the integration pages."""
    integrating.add_account(gateway)
    return gateway


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Logs]:
    """All lines logged at DEBUG, by the functions' logger and by any other."""
    written = Logs()
    levels = {each: each.level for each in (logging.root, logging.getLogger(runtime.logger.name))}
    for each in levels:
        each.setLevel(logging.DEBUG)
    for handler in runtime.logger.handlers:
        assert isinstance(handler, logging.StreamHandler)
        monkeypatch.setattr(handler, "stream", written.own)
    monkeypatch.setattr(logging.root, "handlers", [logging.StreamHandler(written.other)])
    yield written
    for each, level in levels.items():
        each.setLevel(level)
