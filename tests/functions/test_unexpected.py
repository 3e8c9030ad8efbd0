"""The log for a gradual release: it marks bugs, with their version, but not foreseen errors."""

from typing import Any

import pytest

from harkara.base.errors import (
    CarrierUnreachable,
    ExchangeOutcomeUnknown,
    HarkaraError,
    LeaseHeld,
    StoreUnavailable,
)
from tests.functions.handlers import Gateway
from tests.functions.invoking import RECORD, Context, Event, Logs, datasend, http_event, sqs_event

EVENTS: dict[str, Event] = {
    "send": http_event("POST", "/datasend", datasend(RECORD)),
    "receipt": http_event("POST", "/receipts/sim/token", "[]"),
    "submit": sqs_event('{"kind": "submit", "batch_id": "c", "account_id": "sandbox"}'),
}
FORESEEN = (CarrierUnreachable, ExchangeOutcomeUnknown, LeaseHeld, StoreUnavailable)
BUGS = (KeyError, ValueError, TypeError, RecursionError, OSError, TimeoutError)


class Broken:
    """A service that raises at every use."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getattr__(self, name: str) -> Any:
        raise self.error


@pytest.mark.parametrize("function", EVENTS)
@pytest.mark.parametrize("kind", [*BUGS, *FORESEEN])
def test_an_error_is_unexpected_unless_it_is_of_our_own_tree(
    gateway: Gateway,
    logs: Logs,
    monkeypatch: pytest.MonkeyPatch,
    function: str,
    kind: type[Exception],
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_VERSION", "7")
    app = gateway.app(function, Broken(kind("x")))
    app.handler(EVENTS[function], Context())
    lines = logs.lines()
    assert lines
    for line in lines:
        reported = (line.get("unexpected"), line.get("version"))
        # The metric filter needs a boolean and a text; every line names its service.
        assert reported == ((None, None) if issubclass(kind, HarkaraError) else (True, "7"))
        assert "service" in line
