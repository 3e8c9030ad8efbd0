"""submit, dlr and sweep as handlers: the partial batch answer, task ids, and the log."""

import pytest

from harkara.base.errors import ExchangeOutcomeUnknown, HttpAnswer
from harkara.base.ids import mid_of
from harkara.model.events import Dlr
from harkara.model.messages import Endpoint, State
from harkara.model.submit_tasks import SubmitTask, decode_submit
from harkara.model.tasks import (
    CallbackTask,
    CarrierReceiptsTask,
    CheckTask,
    QueueName,
    Receipt,
    ReceiptsTask,
    RecoverTask,
    decode_dlr,
)
from harkara.ports import SHARDS, DueTask
from harkara.submit.dispatch import index_entries
from tests.functions.handlers import Gateway
from tests.functions.invoking import (
    BATCH_ID,
    CALLBACK_URL,
    MSISDN,
    NOW,
    TEXT,
    Context,
    Logs,
    sqs_event,
)

MIDS = [mid_of(BATCH_ID, index) for index in range(2)]
SUBMIT = SubmitTask(BATCH_ID, "sandbox").encode()
RECEIPTS = ReceiptsTask((Receipt(MIDS[0], 1, State.DELIVERED, int(NOW)),)).encode()
CALLBACK = CallbackTask(
    "first-task",
    0,
    1,
    "sandbox",
    Endpoint(CALLBACK_URL, "clevertap"),
    (Dlr(MIDS[1], "ref", State.DELIVERED, int(NOW)),),
).encode()
NO_FAILURES: dict[str, list[dict[str, str]]] = {"batchItemFailures": []}


def failures(*ids: str) -> dict[str, list[dict[str, str]]]:
    """Return the one shape that Lambda reads; any other makes the whole batch fail."""
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in ids]}


# submit


def test_a_batch_is_submitted_and_its_outcome_put_down(
    gateway: Gateway, logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harkara.runtime.sqs_batches.time.time", lambda: NOW + 7)
    gateway.put_batch()
    assert gateway.call("submit", sqs_event(SUBMIT)) == NO_FAILURES
    assert gateway.store.entries[BATCH_ID, "outcome#001#0000"].data["taken"] == [
        (0, "C1"),
        (1, "C1"),
    ]
    assert gateway.store.entries[BATCH_ID, "claim#001#0000"].task_id == "m0"
    (line,) = logs.lines("tasks done")
    assert (line["tasks"], line["counts"]) == (1, {"taken": 2})
    assert line["queue_age"] == [7000.0], "milliseconds since it was sent"
    assert logs.private() == []


def test_a_task_that_fails_comes_back_alone(gateway: Gateway, logs: Logs) -> None:
    gateway.put_batch()
    body = SubmitTask("1" + "0" * 26, "sandbox").encode()
    answer = gateway.call("submit", sqs_event("{}", SUBMIT, "no json", RECEIPTS, body, "[]"))
    assert answer == failures("m0", "m2", "m3", "m5")
    back = [line["message_id"] for line in logs.lines("task comes back")]
    assert sorted(back) == ["m0", "m2", "m3", "m5"]
    (line,) = logs.lines("tasks done")
    assert (line["tasks"], line["counts"]) == (2, {"taken": 2, "batch_missing": 1})
    assert logs.private() == []


def test_a_whole_batch_that_fails_is_answered_too(gateway: Gateway) -> None:
    assert gateway.call("submit", sqs_event("{}", "{}")) == failures("m0", "m1")


def test_a_failure_that_quotes_a_message_is_logged_without_it(
    gateway: Gateway, logs: Logs, capfd: pytest.CaptureFixture[str]
) -> None:
    gateway.put_batch()
    gateway.carrier_answer = ValueError(f"{TEXT} to {MSISDN} with carrier-secret")
    assert gateway.call("submit", sqs_event(SUBMIT)) == failures("m0")
    (line,) = logs.lines()
    assert (line["message"], line["error"], line["reason"]) == ("task comes back", "ValueError", "")
    assert line["at"]
    assert logs.private() == []
    assert TEXT not in "".join(capfd.readouterr())


@pytest.mark.parametrize(
    ("answer", "end"),
    [
        pytest.param(HttpAnswer(429, {}, b""), "not_taken", id="throttled"),
        pytest.param(HttpAnswer(400, {}, TEXT.encode()), "refused", id="refused"),
        pytest.param(ExchangeOutcomeUnknown("TimeoutError"), "in_doubt", id="in doubt"),
    ],
)
def test_what_a_carrier_says_is_counted_and_not_quoted(
    answer: HttpAnswer | Exception, end: str, gateway: Gateway, logs: Logs
) -> None:
    gateway.put_batch()
    gateway.carrier_answer = answer
    assert gateway.call("submit", sqs_event(SUBMIT)) == NO_FAILURES
    assert [line["counts"] for line in logs.lines("tasks done")] == [{end: 2}]
    assert logs.private() == []


def test_what_no_time_is_left_for_is_handed_on(gateway: Gateway) -> None:
    gateway.put_batch()

    class Expiring(Context):
        """Sixty seconds at the first question, one at every later one."""

        def get_remaining_time_in_millis(self) -> int:
            left, self.remaining_ms = self.remaining_ms, 1_000
            return left

    assert gateway.call("submit", sqs_event(SUBMIT), Expiring()) == NO_FAILURES
    (body,) = gateway.bodies(QueueName.SUBMIT)
    assert decode_submit(body) == SubmitTask(BATCH_ID, "sandbox", handed_on=True, rounds=1)
    assert (BATCH_ID, "claim#001#0000") not in gateway.store.entries


def test_two_messages_of_one_task_id_in_a_batch_submit_once(gateway: Gateway, logs: Logs) -> None:
    gateway.put_batch()
    body = SubmitTask(BATCH_ID, "sandbox", handed_on=True).encode("m")
    answer = gateway.call("submit", sqs_event(body, body))
    assert len(answer["batchItemFailures"]) == 1
    assert [line["counts"] for line in logs.lines("tasks done")] == [{"taken": 2}]


# dlr


def test_a_final_state_is_written_and_called_back(gateway: Gateway, logs: Logs) -> None:
    gateway.put_batch()
    assert gateway.call("dlr", sqs_event(RECEIPTS)) == NO_FAILURES
    (callback,) = gateway.platform.taken
    assert (callback.endpoint.url, callback.webhook_id) == (CALLBACK_URL, "m0.0")
    assert [member.mid for member in callback.members] == [MIDS[0]]
    assert [line["counts"] for line in logs.lines("tasks done")] == [
        {"delivered": 1, "callbacks": 1}
    ]
    assert logs.private() == []


def test_receipts_that_come_one_by_one_go_on_together(gateway: Gateway, logs: Logs) -> None:
    gateway.put_batch()
    singles = [Receipt(mid, 1, State.DELIVERED, int(NOW)) for mid in MIDS]
    event = sqs_event(*(ReceiptsTask((each,), "sim").encode() for each in singles))
    assert gateway.call("dlr", event) == NO_FAILURES
    (body,) = gateway.bodies(QueueName.RECEIPT)
    assert decode_dlr(body) == ReceiptsTask(tuple(singles), "sim")
    assert gateway.platform.taken == []
    (line,) = logs.lines("tasks done")
    assert (line["tasks"], line["coalesced"], line["queue"]) == (0, 2, "queue")
    assert line["queue_age"]
    assert gateway.call("dlr", sqs_event(body)) == NO_FAILURES
    assert [member.mid for member in gateway.platform.taken[0].members] == MIDS
    assert logs.private() == []


def test_a_receipt_that_was_delivered_before_goes_on_by_itself(gateway: Gateway) -> None:
    """An earlier delivery may have stored its final state, which only this task calls back."""
    gateway.put_batch()
    singles = [Receipt(mid, 1, State.DELIVERED, int(NOW)) for mid in MIDS]
    event = sqs_event(*(ReceiptsTask((each,)).encode() for each in singles))
    event["Records"][1]["attributes"]["ApproximateReceiveCount"] = "2"
    assert gateway.call("dlr", event) == NO_FAILURES
    assert gateway.bodies(QueueName.RECEIPT) == []
    assert {post.webhook_id for post in gateway.platform.taken} == {"m0.0", "m1.0"}


def test_what_cannot_be_read_keeps_nothing_else_back(gateway: Gateway, logs: Logs) -> None:
    gateway.put_batch()
    assert gateway.call("dlr", sqs_event(RECEIPTS, "no json")) == failures("m1")
    assert [post.webhook_id for post in gateway.platform.taken] == ["m0.0"]
    assert len(logs.lines("tasks not coalesced")) == 1


def test_a_receipt_finds_its_message_by_the_carriers_own_id(gateway: Gateway, logs: Logs) -> None:
    gateway.put_batch()
    gateway.store.put_over(index_entries("own", {"c-1": (MIDS[0], 1)}, int(NOW * 1000)))
    named = tuple((name, Receipt("", 0, State.DELIVERED, int(NOW))) for name in ("c-1", "c-2"))
    assert gateway.call("dlr", sqs_event(CarrierReceiptsTask("own", named).encode())) == NO_FAILURES
    assert [member.mid for member in gateway.platform.taken[0].members] == [MIDS[0]]
    assert [line["counts"] for line in logs.lines("tasks done")] == [
        {"early": 1, "delivered": 1, "callbacks": 1}
    ]


def test_every_kind_of_task_finds_its_way(gateway: Gateway, logs: Logs) -> None:
    gateway.put_batch()
    check, recover = CheckTask(BATCH_ID).encode(), RecoverTask(BATCH_ID, (0,)).encode()
    assert gateway.call("dlr", sqs_event(RECEIPTS)) == NO_FAILURES
    assert gateway.call("dlr", sqs_event(CALLBACK, check, recover, SUBMIT)) == failures("m3")
    _, line = logs.lines("tasks done")
    assert (line["tasks"], line["counts"]) == (
        3,
        {"callbacks": 2, "waiting": 1, "delivered": 1, "callbacks_in_doubt": 1},
    )


def test_a_callback_that_fails_is_retried_and_its_url_not_logged(
    gateway: Gateway, logs: Logs
) -> None:
    gateway.put_batch()
    gateway.platform.script = [503]
    assert gateway.call("dlr", sqs_event(RECEIPTS)) == NO_FAILURES
    assert [line["counts"] for line in logs.lines("tasks done")] == [
        {"delivered": 1, "callbacks_to_retry": 1}
    ]
    assert len(gateway.bodies(QueueName.CALLBACK)) == 1
    assert logs.private() == []


# sweep


def test_what_is_due_is_enqueued(gateway: Gateway, logs: Logs) -> None:
    gateway.queues.schedule(QueueName.SUBMIT, SUBMIT, 1000)
    assert gateway.call("sweep", {"detail-type": "Scheduled Event"}) == {"enqueued": 0}
    gateway.queues.clock = lambda: NOW - 2000
    gateway.queues.schedule(QueueName.RECEIPT, RECEIPTS, 1000)
    assert gateway.call("sweep", {"detail-type": "Scheduled Event"}) == {"enqueued": 1}
    (body,) = gateway.bodies(QueueName.RECEIPT)
    assert decode_dlr(body) == decode_dlr(RECEIPTS)
    assert [line.get("enqueued") for line in logs.lines("swept")] == [None, [1]]


def test_a_run_sweeps_the_shards_that_its_event_names(gateway: Gateway) -> None:
    due_ms = int(NOW - 60) * 1000
    for shard in range(SHARDS):
        row = DueTask(f"{due_ms:013d}#{shard:016x}", due_ms, QueueName.RECEIPT, RECEIPTS)
        gateway.queues.rows.append((shard, row))
    assert gateway.call("sweep", {"shards": [0, 4, 8]}) == {"enqueued": 3}
    assert gateway.queues.reached.keys() == {0, 4, 8}
    assert gateway.call("sweep", {}) == {"enqueued": SHARDS - 3}


@pytest.mark.parametrize("shards", [[], [-1], [3, SHARDS], ["1"]])
def test_a_run_of_shards_that_there_are_none_of_is_refused(
    gateway: Gateway, shards: list[object]
) -> None:
    with pytest.raises(ValueError, match=f"`shards` is a list of numbers below {SHARDS}"):
        gateway.call("sweep", {"shards": shards})
