"""Messages that are scheduled and cancelled, on the real template, queues and tables."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic_core import from_json

from harkara.model.messages import pack, unpack
from tests.stack.campaigns import Lab, record, wait_until

pytestmark = pytest.mark.stack

AUTH = ("sandbox", "sandbox-secret")
CALLED_BACK_WITHIN_S = 180
AHEAD_S = 15


def at(seconds_ahead: float) -> str:
    """Return a time from now as ISO 8601."""
    return (datetime.now(UTC) + timedelta(seconds=seconds_ahead)).isoformat()


def send(lab: Lab, name: str, seconds_ahead: float) -> list[str]:
    """Schedule two messages in one request; return their message ids."""
    rows = [record(f"{name}-{each}") for each in ("goes", "stays")]
    answer = lab.send(rows, scheduletime=at(seconds_ahead))
    assert answer.status_code == 200
    return [row["mid"] for row in answer.json()]


def history(lab: Lab, mid: str) -> dict[str, Any]:
    answer = httpx.get(f"{lab.stack.endpoint}/v1/messages/{mid}", auth=AUTH)
    assert answer.status_code == 200
    message: dict[str, Any] = answer.json()
    return message


def cancel(lab: Lab, mid: str) -> httpx.Response:
    url = f"{lab.stack.endpoint}/cancel-scheduled/sms"
    return httpx.post(url, json={"mid": mid}, auth=AUTH)


def events_of(lab: Lab, client_ref: str) -> list[str]:
    """Return the callback events that name a message."""
    return [
        event["event"]
        for post in lab.callbacks_of(client_ref)
        for event in post["events"]
        for entry in event["data"]
        if entry["meta"] == client_ref
    ]


def test_a_scheduled_message_goes_out_at_its_time_and_a_cancelled_one_never(lab: Lab) -> None:
    began = time.time()
    goes, stays = send(lab, "soon", AHEAD_S)
    assert history(lab, goes)["state"] == history(lab, stays)["state"] == "scheduled"
    assert cancel(lab, stays).status_code == cancel(lab, stays).status_code == 200

    # The cancelled message is called back at once, long before its scheduled time.
    assert wait_until(lambda: events_of(lab, "soon-stays"), AHEAD_S)
    assert wait_until(lambda: events_of(lab, "soon-goes"), CALLED_BACK_WITHIN_S)
    (first,), (second,) = (lab.callbacks_of(f"soon-{each}") for each in ("stays", "goes"))
    assert first["received_at"] < began + AHEAD_S <= second["received_at"]
    assert [entry["code"] for event in first["events"] for entry in event["data"]] == ["915"]

    assert cancel(lab, goes).json()["Error"] == "TOO_LATE_TO_CANCEL"
    assert history(lab, goes)["state"] == "delivered"
    assert history(lab, stays)["state"] == "cancelled"
    counted = lab.submissions()["by_mid"]
    assert (counted.get(goes), counted.get(stays)) == (1, None)
    assert (events_of(lab, "soon-goes"), events_of(lab, "soon-stays")) == (
        ["delivered"],
        ["failed"],
    )


def test_what_is_scheduled_beyond_a_queues_delay_waits_in_the_due_table(lab: Lab) -> None:
    goes, stays = send(lab, "late", 1000)
    assert cancel(lab, stays).status_code == 200
    batch_id = goes[:-2]
    assert waiting(lab, batch_id) == ["submit"]
    begin_now(lab, batch_id)
    lab.make_due("submit")
    assert lab.sweep()
    assert wait_until(lambda: events_of(lab, "late-goes"), CALLED_BACK_WITHIN_S)
    assert history(lab, goes)["state"] == "delivered"
    assert history(lab, stays)["state"] == "cancelled"
    assert waiting(lab, batch_id) == []
    counted = lab.submissions()["by_mid"]
    assert (counted.get(goes), counted.get(stays)) == (1, None)


def test_a_task_that_comes_too_early_is_put_off_under_its_task_id(lab: Lab) -> None:
    goes, _ = send(lab, "early", 1000)
    lab.make_due("submit")
    assert lab.sweep()
    batch_id = goes[:-2]

    def is_put_off() -> bool:
        task_ids = [from_json(body).get("task_id") for body in bodies(lab, batch_id)]
        return len(task_ids) == 1 and task_ids[0] is not None

    assert wait_until(is_put_off, CALLED_BACK_WITHIN_S)
    assert history(lab, goes)["state"] == "scheduled"
    assert not lab.submissions()["by_mid"].get(goes)


def bodies(lab: Lab, batch_id: str) -> list[str]:
    """Return the submit tasks of a message batch that wait in the Due table."""
    found = [item["body"]["S"] for item in lab.due() if batch_id in item["body"]["S"]]
    return [body for body in found if from_json(body)["kind"] == "submit"]


def waiting(lab: Lab, batch_id: str) -> list[str]:
    return [from_json(body)["kind"] for body in bodies(lab, batch_id)]


def begin_now(lab: Lab, batch_id: str) -> None:
    """Make a message batch due now: the test cannot wait for a quarter of an hour."""
    client, table = lab.stack.client("dynamodb"), lab.stack.outputs["MessagesTableName"]
    key = {"pk": {"S": batch_id}, "sk": {"S": "batch"}}
    item = client.get_item(TableName=table, Key=key)["Item"]
    batch = unpack(batch_id, item["packed"]["B"])
    item["packed"]["B"] = pack(replace(batch, send_at_ms=int(time.time() * 1000)))
    client.put_item(TableName=table, Item=item)
