"""Clients of AWS: their time-outs, tries and credentials."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders

from harkara.aws import clients
from harkara.base.errors import StoreUnavailable

CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")


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
    for name in ("AWS_DEFAULT_REGION", *CREDENTIALS):
        monkeypatch.setenv(name, "test")
    made: Any = clients.session().client("dynamodb", config=config).meta.config
    assert (made.connect_timeout, made.read_timeout) == timeouts_s
    assert made.retries == {"mode": "standard", "total_max_attempts": attempts}
    assert made.max_pool_connections == connections
    assert made.tcp_keepalive


@pytest.fixture
def of_a_snapshot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Return a client that was made for a snapshot, where no credentials could be found."""
    for name in (*CREDENTIALS, "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", "snap-start")
    return clients.session.__wrapped__(region="ap-south-1").client("sqs")


def test_a_client_in_a_snapshot_finds_its_credentials_at_its_first_call(
    of_a_snapshot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[Any] = []

    def answer(request: Any, **_: Any) -> AWSResponse:
        sent.append(request)
        return AWSResponse(request.url, 200, HTTPHeaders(), SimpleNamespace(stream=lambda: [b"{}"]))

    of_a_snapshot.meta.events.register("before-send", answer)
    for name in CREDENTIALS:
        monkeypatch.setenv(name, "of-the-restored")
    of_a_snapshot.list_queues()
    assert b"Credential=of-the-restored/" in sent[0].headers["Authorization"]


def test_a_client_without_credentials_is_unavailable(of_a_snapshot: Any) -> None:
    with pytest.raises(StoreUnavailable, match="NoCredentialsError"), clients.aws_errors():
        of_a_snapshot.list_queues()
