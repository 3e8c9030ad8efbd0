"""Unit tests stay inside the process: opening a connection fails the test."""

from collections.abc import Iterator

import pytest
from pytest_socket import disable_socket, enable_socket


@pytest.fixture(autouse=True)
def _no_sockets() -> Iterator[None]:
    # An event loop wakes itself through a pair of Unix sockets.
    disable_socket(allow_unix_socket=True)
    yield
    enable_socket()
