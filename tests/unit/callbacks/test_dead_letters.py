"""Dead letters of callbacks: their pages, and their replay."""

import pytest

from harkara.base.errors import StoreUnavailable
from harkara.base.time import Deadline
from harkara.callbacks.dead_letters import DeadLetterService, Replayed, dead_letter_entry
from harkara.model.events import Dlr
from harkara.model.ledger import Lease
from harkara.model.messages import Endpoint, State
from harkara.model.tasks import Attempt, CallbackTask, QueueName, decode_dlr
from tests.support.fakes import FakeMessageStore, Faults
from tests.support.ports import FakeDeadLetterStore
from tests.support.queues import FakeTaskQueues

LEASE = Lease("m", "worker_id", 0)
MAIN = Endpoint("https://acme.example/dlr", "clevertap", "main")
ANYWHERE = Endpoint("https://acme.example/other", "clevertap")
TIMES_MS = [1000, 2000, 2000, 3000]
IDS = ["0000000001000.q0.7", "0000000002000.q1.7", "0000000002000.q2.7", "0000000003000.q3.7"]


class Parking:
    """A service over four dead letters of one endpoint, and one of another."""

    def __init__(self) -> None:
        self.store = FakeMessageStore(Faults())
        self.queues = FakeTaskQueues(self.store.faults, lambda: 0)
        self.opened: list[tuple[str, Endpoint]] = []
        self.service = DeadLetterService(
            FakeDeadLetterStore(self.store),
            self.queues,
            lambda account_id, endpoint: self.opened.append((account_id, endpoint)),
        )
        for number, at_ms in enumerate(TIMES_MS):
            self.park(number, at_ms, MAIN)
        self.park(9, 2000, ANYWHERE)

    def park(self, number: int, at_ms: int, endpoint: Endpoint) -> None:
        member = Dlr(f"M{number}", "ref", State.DELIVERED, 1)
        task = CallbackTask(f"q{number}", 7, 8, "acme", endpoint, (member,), failures=9)
        last = Attempt(at_ms, 500, "HTTP 500", "oops", 12)
        self.store.put_if_absent([dead_letter_entry(LEASE, task, last)])

    def ids(self, **selection: int | str) -> list[str]:
        page = self.service.page("acme", "main", **selection)  # type: ignore[arg-type]
        return [each.id for each in page.dead_letters]

    def enqueued(self) -> list[str]:
        tasks = [decode_dlr(message.body) for message in self.queues.waiting]
        return [task.group_task_id for task in tasks if isinstance(task, CallbackTask)]


def enough(left: float = 60.0) -> Deadline:
    return Deadline(lambda: left)


def test_a_row_says_what_was_to_be_posted_and_why_it_was_not() -> None:
    (dead_letter, *_) = Parking().service.page("acme", "main").dead_letters
    assert (dead_letter.id, dead_letter.at_ms, dead_letter.task.members[0].mid) == (
        IDS[0],
        1000,
        "M0",
    )
    assert dead_letter.last == Attempt(1000, 500, "HTTP 500", "oops", 12)


@pytest.mark.parametrize(
    ("selection", "found"),
    [
        pytest.param({}, IDS, id="all"),
        pytest.param({"from_ms": 2000}, IDS[1:], id="from a time on, with it"),
        pytest.param({"to_ms": 3000}, IDS[:3], id="before a time, without it"),
        pytest.param({"from_ms": 1001, "to_ms": 2001}, IDS[1:3], id="between"),
        pytest.param({"from_ms": 3000, "to_ms": 1000}, [], id="a range of nothing"),
        pytest.param({"after": IDS[1]}, IDS[2:], id="after one"),
        pytest.param({"after": IDS[1], "from_ms": 3000}, IDS[3:], id="after one, and later"),
        pytest.param({"limit": 2}, IDS[:2], id="a page"),
    ],
)
def test_rows_are_listed_by_time(selection: dict[str, int | str], found: list[str]) -> None:
    assert Parking().ids(**selection) == found


def test_pages_lead_through_all() -> None:
    service, found, after = Parking().service, list[str](), ""
    while True:
        page = service.page("acme", "main", after=after, limit=3)
        found += [each.id for each in page.dead_letters]
        if page.next_id is None:
            break
        after = page.next_id
    assert found == IDS


def test_urls_that_no_callback_has_are_listed_together_and_accounts_apart() -> None:
    service = Parking().service
    assert [each.task.endpoint for each in service.page("acme", "-").dead_letters] == [ANYWHERE]
    assert service.page("other", "main").dead_letters == []


@pytest.mark.parametrize(
    ("selection", "task_ids"),
    [
        pytest.param({}, ["q0", "q1", "q2", "q3"], id="all"),
        pytest.param({"from_ms": 2000, "to_ms": 3000}, ["q1", "q2"], id="a range"),
        pytest.param({"ids": [IDS[3], IDS[0], IDS[3]]}, ["q3", "q0"], id="by id, one twice"),
        pytest.param({"ids": ["", "x", "0000000001000.q0.8", "#.#"]}, [], id="ids of none"),
        pytest.param({"ids": []}, [], id="no ids"),
    ],
)
def test_what_is_replayed_is_enqueued_and_taken_out(
    selection: dict[str, object], task_ids: list[str]
) -> None:
    parking = Parking()
    replayed = parking.service.replay("acme", "main", enough(), **selection)  # type: ignore[arg-type]
    assert replayed == Replayed(len(task_ids), complete=True)
    assert parking.enqueued() == task_ids
    assert {message.queue for message in parking.queues.waiting} <= {QueueName.CALLBACK}
    assert len(parking.ids()) == 4 - len(task_ids)
    assert parking.opened == ([("acme", MAIN)] if task_ids else [])


def test_a_replayed_callback_begins_its_schedule_again_and_counts_its_attempts_on() -> None:
    parking = Parking()
    parking.service.replay("acme", "main", enough(), ids=IDS[:1])
    (message,) = parking.queues.waiting
    again = decode_dlr(message.body)
    assert isinstance(again, CallbackTask)
    assert (again.attempt, again.failures, again.replay) == (9, 0, 1)
    assert (again.webhook_id, again.members[0].mid) == ("q0.7", "M0")


def test_more_than_a_part_is_replayed_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harkara.callbacks.dead_letters._PART", 3)
    parking = Parking()
    assert parking.service.replay("acme", "main", enough()) == Replayed(4, complete=True)
    assert parking.ids() == []


def test_replaying_stops_when_time_runs_out_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harkara.callbacks.dead_letters._PART", 3)
    parking, left = Parking(), iter([60.0, 60.0, 1.0])
    deadline = Deadline(lambda: next(left))
    assert parking.service.replay("acme", "main", deadline) == Replayed(3, complete=False)
    assert parking.ids() == IDS[3:]


def test_what_the_queue_did_not_take_stays_parked(monkeypatch: pytest.MonkeyPatch) -> None:
    parking = Parking()
    monkeypatch.setattr(parking.queues, "send", lambda *_: [True, False, True, True])
    with pytest.raises(StoreUnavailable):
        parking.service.replay("acme", "main", enough())
    assert parking.ids() == IDS[1:2]
