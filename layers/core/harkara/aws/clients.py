"""Clients of AWS services, and what their failures mean."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import Session, get_session

from harkara.base.errors import StoreUnavailable
from harkara.runtime.library_logs import quieten

quieten()

# A call that hangs ends, with the pauses between its tries (up to 1 s, then 2), before the shortest
# time-out of a function of the API: its client then hears TRY_AGAIN, not API Gateway's own 503.
# Functions that work off queues live longer, and use PATIENT.
_CONFIG = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=50,
    tcp_keepalive=True,
    # A third of the CPU of a call, for checks that the tests make once and for all.
    parameter_validation=False,
)

PATIENT = Config(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 4},
)
"""Settings of functions that work off queues, which nobody waits for: a claim or outcome that AWS
does not confirm within all tries leaves a block in doubt."""


@cache
def _session() -> Session:
    """Return the one session: it keeps what it has read of the services."""
    return get_session()


def client(service: str, region: str | None = None, config: Config | None = None) -> Any:
    """Return a client; it is safe to share between threads.

    `region` is that of the function unless it is given, `config` goes before what all have.
    """
    # boto3 would make the same client, and cost a fifth of a cold start.
    return _session().create_client(
        service, region_name=region, config=_CONFIG.merge(config) if config else _CONFIG
    )


def prepare(*services: str) -> None:
    """Read what clients are made from while Lambda makes a SnapStart snapshot; else do nothing.

    A process that is restored from the snapshot then makes its clients ten times as fast.
    """
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        for service in services:
            # With credentials of nobody: those of the function's role stay out of the snapshot.
            _session().create_client(
                service,
                config=_CONFIG,
                aws_access_key_id="none",
                aws_secret_access_key="none",  # noqa: S106
            )


@contextmanager
def aws_errors() -> Iterator[None]:
    """Raise StoreUnavailable for what is left of an AWS error after botocore's own retries."""
    try:
        yield
    except ClientError as error:
        raise StoreUnavailable(str(error.response.get("Error", {}).get("Code"))) from error
    except BotoCoreError as error:
        raise StoreUnavailable(type(error).__name__) from error
