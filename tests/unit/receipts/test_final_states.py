"""Final states: the one that counts, the task that calls back, and the members of one post."""

from collections import Counter
from dataclasses import replace

import pytest

from harkara.base.codes import Code
from harkara.base.errors import LeaseHeld, OutOfTime
from harkara.base.log_events import LogEvent
from harkara.model.activity import facts_of
from harkara.model.events import Dlr
from harkara.model.ledger import LedgerEntry, claim_kind, final_kind, outcome_kind
from harkara.model.messages import Endpoint, State
from harkara.model.tasks import CallbackTask, QueueName, Receipt, ReceiptsTask
from tests.support.wired import NOW, RETENTION_S
from tests.unit.deliveries import (
    BATCH,
    HOLDS_S,
    MAIN,
    MESSAGE,
    NOW_MS,
    Deliveries,
    receipt,
)

FAILED, DELIVERED = State.FAILED, State.DELIVERED
SECOND = replace(BATCH, id="1" + "0" * 25 + "2", accepted_at_ms=NOW_MS - 9000)
MONTH_S = 30 * 86_400


def test_a_final_says_what_the_receipt_said_and_the_platform_hears_it() -> None:
    dlr = Deliveries()
    failed = receipt(1, FAILED, at_s=9, code=Code.DND, carrier_code="650", attempt=2)
    assert dlr.deliver(failed, rounds=3) == Counter(failed=1, callbacks=1)
    (final,) = dlr.entries("final#")
    assert final.key == (BATCH.id, final_kind(1))
    assert (final.task_id, final.expires_at_ms) == ("task", NOW_MS + HOLDS_S * 1000)
    assert final.data == {
        "state": FAILED,
        "at": 9,
        "code": Code.DND,
        "carrier_code": "650",
        "attempt": 2,
        "of": facts_of(BATCH, 1),
    }
    count = MESSAGE.segment_count
    reported = Dlr(BATCH.mid(1), "ref1", FAILED, 9, Code.DND, MESSAGE.to, count, "650")
    due_at_ms = BATCH.due_at_ms
    task = CallbackTask("task", 0, 0, "acme", MAIN, (reported,), due_at_ms=due_at_ms, rounds=3)
    assert dlr.platform.taken == [task]
    assert [event.carrier for event in dlr.log_events] == ["", ""], "nobody knows which had it"


def test_a_carriers_words_are_in_the_final_state_and_the_platform_hears_them() -> None:
    dlr = Deliveries()
    failed = receipt(1, FAILED, code=Code.DND, carrier_code="650")._replace(words="UNDELIV")
    dlr.deliver(failed, receipt(2))
    worded, delivered = dlr.entries("final#")
    assert worded.data["words"] == "UNDELIV"
    assert "words" not in delivered.data
    (task,) = dlr.platform.taken
    reported = {each.mid: each.carrier_words for each in task.members if isinstance(each, Dlr)}
    assert reported == {BATCH.mid(1): "UNDELIV", BATCH.mid(2): ""}


def test_of_a_messages_states_the_first_that_counts_stands() -> None:
    dlr = Deliveries()
    receipts = receipt(0, FAILED), receipt(1), receipt(0), receipt(0, FAILED)
    counts = dlr.deliver(*receipts)
    assert counts == Counter(failed=1, delivered=1, repeated=2, callbacks=1)
    assert dlr.deliver(receipt(0), receipt(2), task_id="later")["repeated"] == 1
    assert [entry.data["state"] for entry in dlr.entries("final#")] == [
        FAILED,
        DELIVERED,
        DELIVERED,
    ]
    assert dlr.reported() == [["ref0", "ref1"], ["ref2"]]
    assert [task.rounds for task in dlr.platform.taken] == [1, 1]


def test_what_is_of_no_message_of_ours_is_counted_and_no_more() -> None:
    dlr = Deliveries()
    foreign = [receipt(6), Receipt(SECOND.mid(0), 1, DELIVERED, 0)]
    assert dlr.deliver(receipt(5), *foreign)["foreign"] == 2
    assert dlr.reported() == [["ref5"]]
    assert dlr.deliver(*foreign) == Counter(foreign=2)
    assert dlr.deliver(foreign[1]) == Counter(foreign=1)


def test_what_is_early_comes_again_and_what_was_tried_again_since_is_superseded() -> None:
    dlr = Deliveries()
    worker_id = LedgerEntry(
        BATCH.id, claim_kind(2, 0), "t", "h", NOW_MS + 60_000, {"indexes": [1, 2]}
    )
    claim = replace(worker_id, data={"indexes": [1, 2], "at": NOW_MS - 4000})
    payload = {"not_taken": [(0, 0)]}
    outcome = LedgerEntry(BATCH.id, outcome_kind(1, 0), "t", "h", 0, payload)
    dlr.store.put_if_absent([claim, outcome])
    early = receipt(2, FAILED, attempt=2)
    counts = dlr.deliver(receipt(0, FAILED), receipt(1), early, carrier="sim")
    assert counts == Counter(delivered=1, superseded=1, early=1, callbacks=1)
    assert dlr.waiting(QueueName.RECEIPT) == [(4.0, ReceiptsTask((early,), "sim"))]
    assert dlr.reported() == [["ref1"]]


def test_a_long_message_is_delivered_with_its_last_segment() -> None:
    dlr = Deliveries()
    first, last = receipt(0, segment="a"), receipt(0, segment="b")
    assert dlr.deliver(first, receipt(1)) == Counter(parts=1, delivered=1, callbacks=1)
    assert dlr.deliver(last, task_id="later") == Counter(delivered=1, callbacks=1)
    assert dlr.reported() == [["ref1"], ["ref0"]]


def test_a_redelivery_calls_back_what_an_earlier_one_made_final_though_it_counts_no_more() -> None:
    """Its receipt counted at the time, and the task that stored a final state calls it back."""
    dlr = Deliveries(trusted=False)
    dlr.deliver(receipt(0, FAILED), receipt(1))
    dlr.deliver(receipt(2, FAILED), task_id="another")
    dlr.queues.waiting.clear()
    payload = {"not_taken": [(0, 0), (2, 0)]}
    dlr.store.put_if_absent([LedgerEntry(BATCH.id, outcome_kind(1, 0), "t", "h", 0, payload)])
    dlr.now += HOLDS_S + 1
    again = receipt(0, FAILED), receipt(1), receipt(2, FAILED), receipt(3, FAILED)
    counts = dlr.deliver(*again)
    assert (counts["superseded"], counts["failed"], counts["delivered"]) == (2, 2, 1)
    tasks = [task for _, task in dlr.waiting(QueueName.CALLBACK)]
    assert [[each.client_ref for each in task.members] for task in tasks] == [
        ["ref0", "ref1"],
        ["ref3"],
    ]


def test_while_an_earlier_delivery_may_still_post_them_the_finals_are_left_to_it() -> None:
    dlr = Deliveries()
    dlr.platform.script = [500]
    dlr.deliver(receipt(0))
    dlr.now += HOLDS_S
    with pytest.raises(LeaseHeld, match="^an earlier delivery may still be posting these$"):
        dlr.deliver(receipt(0))
    assert dlr.reported() == []
    dlr.now += 1
    assert dlr.deliver(receipt(0), receipt(1))["callbacks"] == 2
    assert dlr.reported() == [["ref0"], ["ref1"]], "the members are those of one delivery"
    assert [entry.data["in_doubt"] for entry in dlr.entries("post#")] == [True, True]


def test_anothers_finals_are_neither_waited_for_nor_called_back() -> None:
    dlr = Deliveries()
    dlr.deliver(receipt(0))
    counts = dlr.deliver(receipt(0), receipt(1), task_id="another")
    assert counts == Counter(repeated=1, delivered=1, callbacks=1)
    assert dlr.reported() == [["ref0"], ["ref1"]]
    assert dlr.entries("post#") == [], "what is posted for the first time needs no entry"


@pytest.mark.parametrize(
    ("endpoints", "groups"),
    [
        pytest.param([0, 0, 0], [["ref0", "ref1", "ref2"]], id="one"),
        pytest.param([0, 1, 0], [["ref0", "ref2"], ["ref1"]], id="two"),
        pytest.param([0, None, 0], [["ref0", "ref2"]], id="nobody wants to hear"),
        pytest.param([None, None, None], [], id="nobody at all"),
    ],
)
def test_those_of_one_endpoint_are_told_in_one_callback(
    endpoints: list[int | None], groups: list[list[str]]
) -> None:
    messages = [
        MESSAGE._replace(client_ref=f"ref{n}", endpoint=each) for n, each in enumerate(endpoints)
    ]
    dlr = Deliveries(replace(BATCH, messages=messages))
    counts = dlr.deliver(receipt(2), receipt(0), receipt(1))
    assert (counts["delivered"], counts["callbacks"]) == (3, len(groups))
    assert dlr.reported() == groups
    untold = [entry.data.get("untold", False) for entry in dlr.entries("final#")]
    assert untold == [each is None for each in endpoints], "what no check need look for"
    assert [task.group for task in dlr.platform.taken] == list(range(len(groups)))


def test_a_callback_holds_as_many_as_its_format_takes() -> None:
    single = Endpoint("https://acme.example/dlr", "standard", "other")
    messages = [
        *BATCH.messages[:2],
        *(MESSAGE._replace(client_ref=f"s{n}", endpoint=1) for n in range(3)),
    ]
    dlr = Deliveries(replace(BATCH, endpoints=(MAIN, single), messages=messages))
    dlr.deliver(*map(receipt, range(5)))
    assert dlr.reported() == [["ref0", "ref1"], ["s0"], ["s1"], ["s2"]]
    assert {task.webhook_id for task in dlr.platform.taken} == {f"task.{n}" for n in range(4)}


def test_receipts_of_batches_of_several_accounts_are_told_to_each() -> None:
    other = replace(SECOND, account_id="other")
    dlr = Deliveries(BATCH, other)
    dlr.deliver(receipt(0), Receipt(other.mid(0), 1, DELIVERED, 0), receipt(1))
    assert [(task.account_id, len(task.members)) for task in dlr.platform.taken] == [
        ("acme", 2),
        ("other", 1),
    ]
    assert "get_entries" not in dlr.faults.calls, "what counts costs no look for what does not"


def test_what_a_carrier_made_final_is_noted_by_batch_once() -> None:
    dlr = Deliveries(BATCH, SECOND)
    receipts = [
        receipt(0),
        receipt(1),
        receipt(2, FAILED, code=Code.DND),
        Receipt(SECOND.mid(0), 1, State.EXPIRED, 0, Code.EXPIRED),
    ]
    dlr.deliver(receipt(1), task_id="earlier")
    dlr.log_events.clear()
    dlr.deliver(*receipts, carrier="sim")
    about = {"batch": BATCH.id, "task": "task"}
    counts = {"delivered": 1, "failed_subscriber": 1}
    assert dlr.logged("messages final") == [
        LogEvent("messages final", about, counts, {"receipt_delay": 5.0}, "sim"),
        LogEvent("messages final", {**about, "batch": SECOND.id}, {"expired": 1}, {}, "sim"),
    ]
    listed = {event.listed for event in dlr.log_events if event.what == "messages final"}
    assert listed == {("batch",)}, "a batch's are one line of the log, which names the batches"
    dlr.log_events.clear()
    dlr.now += HOLDS_S + 1
    dlr.deliver(*receipts)
    assert dlr.logged("messages final") == [], "a redelivery makes nothing final again"


def test_finals_and_their_callbacks_are_kept_from_when_their_batch_begins() -> None:
    """A message scheduled in a month and then cancelled is final long before its time."""
    scheduled = replace(BATCH, send_at_ms=NOW_MS + MONTH_S * 1000)
    dlr = Deliveries(scheduled, SECOND)
    dlr.deliver(receipt(0, State.CANCELLED, attempt=0), Receipt(SECOND.mid(0), 1, DELIVERED, 0))
    kept_s = {
        kind: at for (_, kind), at in dlr.store.expires_at_s.items() if kind[:3] in ("fin", "ack")
    }
    assert set(kept_s.values()) == {NOW + MONTH_S + RETENTION_S}


def test_nothing_is_read_or_made_final_where_no_time_is_left_to_post() -> None:
    dlr = Deliveries()
    calls = len(dlr.faults.calls)
    with pytest.raises(OutOfTime):
        dlr.deliver(receipt(0), left_s=5)
    with pytest.raises(OutOfTime):
        dlr.recover(0, left_s=5)
    assert len(dlr.faults.calls) == calls


def test_recovered_finals_are_posted_in_doubt_as_their_task_may_have_posted_them() -> None:
    dlr = Deliveries(trusted=False)
    dlr.deliver(receipt(0, FAILED, code=Code.DND), receipt(1), receipt(2))
    dlr.queues.waiting.clear()
    trusting = Deliveries()
    trusting.store.entries.update(dlr.store.entries)
    counts = trusting.recover(0, 2, 3)
    assert counts == Counter(failed=1, delivered=1, callbacks=1, callbacks_in_doubt=1)
    recovered = trusting.entries("recovered#")
    assert [entry.kind for entry in recovered] == ["recovered#0000", "recovered#0002"]
    assert {entry.task_id for entry in recovered} == {"check"}
    assert recovered[0].data == trusting.entries("final#")[0].data
    (task,) = trusting.platform.taken
    assert (task.webhook_id, task.rounds) == ("check.0", 1)
    assert trusting.reported() == [["ref0", "ref2"]]
    assert trusting.logged("callbacks recovered") == [
        LogEvent("callbacks recovered", {"batch": BATCH.id}, {"recovered": 2})
    ]
    # A second, overlapping check leaves it to the first.
    assert trusting.recover(0, task_id="other check") == Counter(repeated=1)
    assert len(trusting.platform.taken) == 1


def test_a_batch_whose_time_is_over_recovers_nothing() -> None:
    dlr = Deliveries(SECOND)
    assert dlr.recover(0) == Counter(batch_missing=1)
    assert dlr.entries("") == []
