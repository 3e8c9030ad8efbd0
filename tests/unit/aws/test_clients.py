"""Clients of AWS: their time-outs and tries."""

from typing import Any

import pytest

from harkara.aws import clients


@pytest.mark.parametrize(
    ("config", "timeouts_s", "attempts", "connections"),
    [(None, (1, 2), 3, 50), (clients.PATIENT, (2, 5), 4, 50)],
    ids=["of the API", "patient"],
)
def test_a_client_gives_up_soon_enough_and_tries_more_than_once(
    config: Any,
    timeouts_s: tuple[int, int],
    attempts: int,
    connections: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    made: Any = clients.session().client("dynamodb", config=config).meta.config
    assert (made.connect_timeout, made.read_timeout) == timeouts_s
    assert made.retries == {"mode": "standard", "total_max_attempts": attempts}
    assert made.max_pool_connections == connections
    assert made.tcp_keepalive
