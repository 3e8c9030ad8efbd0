"""Clients of AWS services, and what their failures mean."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from harkara.errors import StoreUnavailable

_CONFIG = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 4},
    max_pool_connections=50,
    tcp_keepalive=True,
    # A third of the CPU of a call, for checks that the tests make once and for all.
    parameter_validation=False,
)


def client(service: str) -> Any:
    """Return a client; it is safe to share between threads."""
    return boto3.client(service, config=_CONFIG)


@contextmanager
def aws_errors() -> Iterator[None]:
    """Raise StoreUnavailable for what is left of an AWS error after botocore's own retries."""
    try:
        yield
    except ClientError as error:
        raise StoreUnavailable(str(error.response.get("Error", {}).get("Code"))) from error
    except BotoCoreError as error:
        raise StoreUnavailable(type(error).__name__) from error
