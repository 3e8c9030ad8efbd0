"""The whole way from POST /datasend to the callback, on the real template and functions."""

import time
from typing import Any

import httpx
import pytest
from pydantic_core import from_json, to_json

from harkara.model.messages import Lane, unpack
from local.settings import ROOT
from tests.stack.campaigns import BANK, MAGIC, Lab, Post, campaign, metas_of, record, wait_until

pytestmark = pytest.mark.stack

CALLED_BACK_WITHIN_S = 180
# A check runs after the wait for receipts, and once more if a message was claimed just after the
# check was scheduled.
CHECKED_WITHIN_S = 180
DELIVERED = {"description": "Delivered to handset"}


def called_back(lab: Lab, *client_refs: str, within_s: float = CALLED_BACK_WITHIN_S) -> list[Post]:
    """Return the callbacks of these messages once each has one."""
    required = set(client_refs)

    def all_of_them() -> bool:
        return required <= {ref for post in lab.callbacks() for ref in metas_of(post)}

    assert wait_until(all_of_them, within_s), "no callback came"
    return [post for post in lab.callbacks() if required & set(metas_of(post))]


def entries(posts: list[Post]) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return (event, entry) by message."""
    return {
        entry["meta"]: (event["event"], entry)
        for post in posts
        for event in post["events"]
        for entry in event["data"]
    }


def event_body(name: str) -> str:
    """Return the request's body in a sample event."""
    return str(from_json((ROOT / "events" / f"{name}.json").read_bytes())["body"])


def post(lab: Lab, body: str) -> httpx.Response:
    headers = {"Content-Type": "application/json", "User-Agent": "CleverTap"}
    return httpx.post(f"{lab.stack.endpoint}/datasend", content=body, headers=headers, timeout=30)


def assert_error(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/json"
    error = answer.json()
    assert error.keys() == {"status", "Error", "message"}
    assert (error["status"], error["Error"]) == (False, code)
    assert error["message"]


def test_a_single_message_of_clevertap_is_called_back_exactly_as_documented(lab: Lab) -> None:
    # A callback URL of its own keeps entries of other messages out of the callback.
    request = {**from_json(event_body("send-clevertap-single")), "dlrurl": lab.callback_url("own")}
    (sent,) = request["smstosend"]
    began = int(time.time())
    answer = post(lab, to_json(request).decode())
    assert answer.status_code == 200
    (row,) = answer.json()
    assert row == {**row, "to": sent["to"], "from": sent["from"], "smsgid": sent["smsgid"]}
    (callback,) = called_back(lab, sent["smsgid"])
    entry = callback["events"][0]["data"][0]
    assert callback["events"] == [
        {"event": "delivered", "data": [{"ts": entry["ts"], "meta": sent["smsgid"], **DELIVERED}]}
    ]
    assert began <= entry["ts"] <= int(time.time())
    assert callback["path"] == "/clevertap/own"
    assert callback["webhook_id"]


def test_a_batch_is_accepted_in_part_and_each_record_is_called_back(lab: Lab) -> None:
    # Each run has ids of its own; CleverTap's end in a dot.
    body = event_body("send-clevertap-batch").replace("1200000000", str(time.time_ns()))
    refs = [row["smsgid"] for row in from_json(body)["smstosend"]]
    answer = post(lab, body)
    assert answer.status_code == 200
    rows = answer.json()
    assert [row["smsgid"] for row in rows] == refs
    assert [row.get("Error") for row in rows] == [None, None, "INVALID_NUMBER", "EMPTY_TEXT"]
    assert [row.keys() for row in rows[2:]] == [{"to", "from", "smsgid", "Error", "message"}] * 2
    found = entries(called_back(lab, *refs))
    assert [found[ref][0] for ref in refs] == ["delivered", "delivered", "failed", "failed"]
    assert [found[ref][1].get("code") for ref in refs] == [None, None, "910", "900"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (event_body("send-bad-credentials"), 401, "UNAUTHORIZED"),
        (event_body("send-malformed"), 400, "MALFORMED_JSON"),
        ('{"user": "sandbox", "pass": "sandbox-secret"}', 400, "NO_RECORDS"),
        (
            '{"user": "sandbox", "pass": "sandbox-secret", "smstosend": [{"to": "1"}]}',
            400,
            "INVALID_NUMBER",
        ),
        (f'{{"user": "sandbox", "pad": "{"x" * (4 * 1024 * 1024)}"}}', 413, "BODY_TOO_LARGE"),
    ],
    ids=["credentials", "malformed", "empty", "nothing accepted", "too large"],
)
def test_a_bad_request_hears_why(lab: Lab, body: str, status: int, code: str) -> None:
    assert_error(post(lab, body), status, code)


def test_more_than_a_thousand_records_are_refused_whole(lab: Lab) -> None:
    assert_error(lab.send(campaign("many", 1001)), 400, "TOO_MANY_RECORDS")


def test_basic_authentication_will_do(lab: Lab) -> None:
    answer = httpx.post(
        f"{lab.stack.endpoint}/datasend",
        json={"smstosend": [record("basic-0")]},
        auth=("sandbox", "sandbox-secret"),
    )
    assert answer.status_code == 200
    called_back(lab, "basic-0")


def test_a_callback_goes_to_the_records_url_or_else_to_the_requests(lab: Lab) -> None:
    own = record("dlrurl-own", dlrurl=lab.callback_url("of-the-record"))
    answer = lab.send([own, record("dlrurl-all")], dlrurl=lab.callback_url("of-the-request"))
    assert answer.status_code == 200
    posts = called_back(lab, "dlrurl-own", "dlrurl-all")
    paths = {ref: post["path"] for post in posts for ref in metas_of(post)}
    assert paths == {
        "dlrurl-own": "/clevertap/of-the-record",
        "dlrurl-all": "/clevertap/of-the-request",
    }


def test_a_callback_url_that_leads_elsewhere_is_refused(lab: Lab) -> None:
    bad = record("dlrurl-bad", dlrurl="https://evil.example/")
    answer = lab.send([bad, record("dlrurl-good")])
    assert [row.get("Error") for row in answer.json()] == ["INVALID_CALLBACK_URL", None]
    assert_error(lab.send([record("x")], dlrurl="http://10.0.0.1/"), 400, "INVALID_CALLBACK_URL")


def test_a_header_that_is_not_registered_is_refused(lab: Lab) -> None:
    answer = lab.send([record("dlt-bad", **{"from": "NOBODY"})], "demo")
    assert_error(answer, 400, "HEADER_NOT_REGISTERED")


def test_a_text_of_no_template_is_refused(lab: Lab) -> None:
    assert_error(lab.send([record("dlt-text")], "demo"), 400, "TEMPLATE_NOT_FOUND")


def test_a_transactional_header_takes_the_priority_lane(lab: Lab) -> None:
    queue = lab.stack.outputs["SubmitPriorityQueueUrl"]
    before = lab.proxy.calls.copy()
    (row,) = lab.send([record("urgent", **BANK)], "demo").json()
    (enqueued,) = (
        call
        for call in (lab.proxy.calls - before)
        if (call.function, call.operation) == ("send", "SendMessageBatch")
    )
    assert enqueued.resource == queue
    item = lab.stack.client("dynamodb").get_item(
        TableName=lab.stack.outputs["MessagesTableName"],
        Key={"pk": {"S": row["mid"][:-2]}, "sk": {"S": "batch"}},
    )["Item"]
    assert unpack(row["mid"][:-2], item["packed"]["B"]).lane is Lane.PRIORITY
    (callback,) = called_back(lab, "urgent")
    assert callback["path"] == "/clevertap/demo"


def test_a_callback_that_fails_at_first_is_repeated_unchanged_until_it_is_taken(lab: Lab) -> None:
    lab.send([record("retried", dlrurl=lab.callback_url("fail-1/retried"))])
    called_back(lab, "retried")
    first, second = lab.callbacks_of("retried", every=True)
    assert (first["status"], second["status"]) == (503, 200)
    assert first["events"] == second["events"]
    assert first["webhook_id"] == second["webhook_id"]
    assert second["received_at"] - first["received_at"] >= 1


def test_a_callback_that_nobody_takes_is_parked_after_the_schedule(lab: Lab) -> None:
    lab.send([record("parked", dlrurl=lab.callback_url("status-500/parked"))])
    (entry,) = parked_at_last(lab, "parked")
    assert entry["last"][1:3] == [500, "HTTP 500"]
    posts = lab.callbacks_of("parked", every=True)
    assert [each["status"] for each in posts] == [500] * 3
    assert len({each["webhook_id"] for each in posts}) == 1
    assert not lab.make_due("callback")


def sweep_due(lab: Lab) -> None:
    """Sweep, if a callback waits in the Due table."""
    if lab.make_due("callback"):
        lab.sweep()


def parked_at_last(lab: Lab, client_ref: str) -> list[dict[str, Any]]:
    """Return the dead letters of a message, after its whole schedule has passed."""

    def is_parked() -> bool:
        sweep_due(lab)
        return bool(parked(lab, client_ref))

    assert wait_until(is_parked, CALLED_BACK_WITHIN_S, 1), "it was not parked"
    return parked(lab, client_ref)


def parked(lab: Lab, client_ref: str) -> list[dict[str, Any]]:
    """Return the dead letters of a message."""
    entries = (
        from_json(item["data"]["S"])
        for item in lab.items("Messages")
        if item["pk"]["S"].startswith("dead-letter#sandbox#")
    )
    return [entry for entry in entries if client_ref in entry["task"]]


@pytest.mark.parametrize(("end", "code"), MAGIC.items())
def test_every_magic_number_ends_as_named_and_once(
    lab: Lab, magic: dict[str, str], end: str, code: str | None
) -> None:
    ref = magic[end]
    callbacks = called_back(lab, ref, within_s=CHECKED_WITHIN_S)
    event, entry = entries(callbacks)[ref]
    assert (event, entry.get("code")) == ("failed" if code else "delivered", code)
    assert sum(metas_of(each).count(ref) for each in callbacks) == 1


def test_the_carrier_took_each_magic_message_once(lab: Lab, magic: dict[str, str]) -> None:
    mids = {
        batch.messages[index].client_ref.rpartition("-")[2]: batch.mid(index)
        for batch in (
            unpack(item["pk"]["S"], item["packed"]["B"])
            for item in lab.items("Messages")
            if item["sk"]["S"] == "batch"
        )
        for index, message in enumerate(batch.messages)
        if message.client_ref in magic.values()
    }
    counted = lab.submissions()
    assert {end: counted["by_mid"].get(mid, 0) for end, mid in mids.items()} == {
        end: int(end != "9005") for end in MAGIC
    }
    assert counted["throttled"] >= 2


def test_what_waits_survives_a_clean_stop_and_start(lab: Lab) -> None:
    """Restart with tasks in a queue and in the Due table; stored items remain too."""
    lab.send([record("restart-due", dlrurl=lab.callback_url("status-500/restart"))])
    assert wait_until(lambda: waits(lab, "restart-due"), CALLED_BACK_WITHIN_S)
    lab.send([record("restart-queue", dlrurl=lab.callback_url("fail-1/restart"))])
    assert wait_until(lambda: lab.callbacks_of("restart-queue", every=True), CALLED_BACK_WITHIN_S)
    before = keys(lab)
    assert not lab.is_quiet(), "a retry must wait in the queue"
    lab.stack.stop()
    lab.stack.start()
    assert before <= keys(lab)
    parked_at_last(lab, "restart-due")
    lab.send([record("restart-new")])

    def is_posted() -> bool:
        sweep_due(lab)
        # The restarted platform is new as well, and has no record of earlier posts.
        return bool(lab.callbacks_of("restart-queue", every=True))

    assert wait_until(is_posted, CALLED_BACK_WITHIN_S, 1)
    called_back(lab, "restart-new")


def waits(lab: Lab, client_ref: str) -> bool:
    """Whether a task for a message is in the Due table."""
    return any(client_ref in item["body"]["S"] for item in lab.due())


def keys(lab: Lab) -> set[tuple[str, str]]:
    """Return the keys of all items in Messages."""
    return {(item["pk"]["S"], item["sk"]["S"]) for item in lab.items("Messages")}
