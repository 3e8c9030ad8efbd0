"""Metrics in the log, and the traceable way of a message there."""

from typing import Any

import pytest

from harkara.base.codes import Code
from harkara.base.errors import HttpAnswer
from harkara.base.ids import mid_of
from harkara.model.tasks import QueueName
from harkara.receipts.final_states import metric_of
from harkara.runtime.metrics import COUNTS, DELAYS, SHARES
from harkara.state.circuit_breaker import FAILURES_NEEDED
from local.settings import RECEIPT_TOKEN
from tests.functions.counted import metrics_of
from tests.functions.handlers import Gateway
from tests.functions.invoking import RECORD, Logs, datasend, http_event, sqs_event

COUNTED = {name for names in COUNTS.values() for name in names}
MEASURED = {name for names in DELAYS.values() for name in names}
SHARED = {name for names in SHARES.values() for name in names}


def dimensions_of(line: dict[str, Any]) -> list[set[str]]:
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    return [set(names) for names in directive["Dimensions"]]


def send_one(gateway: Gateway) -> str:
    """Send a message the whole way to its callback; return its batch id."""
    gateway.carrier_answer = HttpAnswer(200, {}, b'[{"mid": "C1"}]')
    gateway.call("send", http_event("POST", "/datasend", datasend(RECORD)))
    (batch_id,) = gateway.store.packed
    gateway.call("submit", sqs_event(*gateway.bodies(QueueName.SUBMIT)))
    reference = gateway.signer.sign(mid_of(batch_id, 0), 1)
    receipt = f'{{"smsgid": "{reference}", "status": "DELIVRD"}}'
    gateway.queues.waiting.clear()
    gateway.call("receipt", http_event("POST", f"/receipts/sim/{RECEIPT_TOKEN}", receipt))
    gateway.call("dlr", sqs_event(*gateway.bodies(QueueName.RECEIPT)))
    return batch_id


def test_a_message_is_followed_from_its_request_to_its_callback(
    gateway: Gateway, logs: Logs
) -> None:
    batch_id = send_one(gateway)
    lines = [
        line
        for line in logs.lines()
        if line.get("batch") == batch_id or batch_id in line.get("batches", ())
    ]
    assert [line["message"] for line in lines] == [
        "request accepted",
        "block submitted",
        "receipts enqueued",
        "messages final",
        "callback posted",
    ]
    accepted, _, _, final, posted = lines
    assert accepted["request"] == "request-id"
    (callback,) = gateway.platform.taken
    assert posted["webhook_id"] == callback.webhook_id
    assert callback.webhook_id.startswith(final["task"])
    assert logs.private() == []


def test_the_lines_of_a_message_carry_its_metrics(gateway: Gateway, logs: Logs) -> None:
    send_one(gateway)
    found = [metrics_of(line).keys() for line in logs.lines()]
    assert found == [
        {"accepted"},
        {"submitted", "submit_latency"},
        {"queue_age"},
        {"receipts"},
        {"delivered", "receipt_delay"},
        {"callbacks", "callback_delay"},
        {"queue_age"},
    ]


def test_dimensions_are_the_service_and_the_carrier_or_queue_alone(
    gateway: Gateway, logs: Logs
) -> None:
    send_one(gateway)
    shapes = [dimensions_of(line) for line in logs.lines() if "_aws" in line]
    carrier, queue = [{"service", "carrier"}, {"service"}], [{"service", "queue"}, {"service"}]
    assert shapes == [carrier, carrier, queue, carrier, carrier, [{"service"}], queue]
    assert {line["carrier"] for line in logs.lines() if "carrier" in line} == {"sim"}
    assert {line["queue"] for line in logs.lines() if "queue" in line} == {"queue"}


def test_a_carriers_breaker_shows_what_it_keeps_away(gateway: Gateway, logs: Logs) -> None:
    gateway.carrier_answer = HttpAnswer(500, {}, b"")
    gateway.call("send", http_event("POST", "/datasend", datasend(*[RECORD] * FAILURES_NEEDED)))
    gateway.call("submit", sqs_event(*gateway.bodies(QueueName.SUBMIT)))
    (line,) = logs.lines("breaker")
    assert metrics_of(line) == {"breaker_state": 100}
    assert dimensions_of(line) == [{"service", "carrier"}, {"service"}]
    assert line["carrier"] == "sim"


@pytest.mark.parametrize(
    ("state", "code", "metric"),
    [
        ("delivered", "", "delivered"),
        ("expired", Code.EXPIRED, "expired"),
        ("failed", Code.DLT_TEMPLATE, "failed_dlt"),
        ("failed", Code.DND, "failed_subscriber"),
        ("failed", Code.UNDELIVERED, "failed_carrier"),
        ("failed", Code.EMPTY_TEXT, "failed_record"),
        ("failed", Code.DUPLICATE, "failed_record"),
    ],
)
def test_a_final_state_counts_by_the_class_of_its_reason(
    state: str, code: str, metric: str
) -> None:
    assert metric_of(state, code) == metric
    assert metric in COUNTED


def test_the_metrics_of_a_service_have_names_of_their_own() -> None:
    assert len(COUNTED | MEASURED | SHARED) == len(COUNTED) + len(MEASURED) + len(SHARED)


def test_a_task_that_comes_again_has_no_age(gateway: Gateway, logs: Logs) -> None:
    gateway.put_batch()
    event = sqs_event('{"kind": "check", "batch": "x"}')
    event["Records"][0]["attributes"]["ApproximateReceiveCount"] = "2"
    gateway.call("dlr", event)
    (line,) = logs.lines("tasks done")
    assert line["again"] == ["m0"]
    assert "_aws" not in line
