"""With an AWS that accepts connections and answers nothing, the API answers before its time-out."""

import socket
from typing import Any

import pytest
from botocore.config import Config

from harkara.aws import clients
from harkara.aws.carriers import DynamoCarrierStore
from harkara.base.errors import StoreUnavailable
from tests.template.reading import functions

# botocore's standard mode pauses up to 1 s, 2 s, 4 s... between attempts.
BASE_S = 2


def test_a_call_that_hangs_ends_before_any_function_of_the_api() -> None:
    config: Any = clients._CONFIG
    attempts = config.retries["total_max_attempts"]
    pauses_s = sum(BASE_S**each for each in range(attempts - 1))
    hangs_s = attempts * max(config.connect_timeout, config.read_timeout) + pauses_s
    api = [
        each
        for each in functions().values()
        if any(event["Type"] == "HttpApi" for event in each["Events"].values())
    ]
    assert hangs_s < min(each["Timeout"] for each in api) <= max(e["Timeout"] for e in api) <= 29


def test_a_table_that_hangs_is_unavailable_after_all_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    brief = Config(connect_timeout=0.05, read_timeout=0.05, proxies={})
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
        store = DynamoCarrierStore(clients.session().client("dynamodb", config=brief), "Accounts")
        with pytest.raises(StoreUnavailable, match="ReadTimeoutError"):
            store.account("acme")
        server.settimeout(0)
        config: Any = clients._CONFIG
        taken = [server.accept()[0] for _ in range(config.retries["total_max_attempts"])]
        for connection in taken:
            connection.close()
        with pytest.raises(BlockingIOError):
            server.accept()
