"""What tests of the contract and of the functions share."""

from tests.functions.conftest import _loopback_only, gateway, logs

__all__ = ["_loopback_only", "gateway", "logs"]
