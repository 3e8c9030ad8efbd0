"""Fixtures shared with the tests of functions."""

from tests.functions.conftest import _loopback_only, gateway, logs

__all__ = ["_loopback_only", "gateway", "logs"]
