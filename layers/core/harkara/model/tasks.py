"""The tasks in the queues and in the Due table, as JSON.

    SubmitTask      submit queues    in harkara.model.submit_tasks
    ReceiptsTask    receipt queue    record final states of messages, and post callbacks
    CarrierReceiptsTask              the same, by the carrier's own ids of the messages
    CheckTask       receipt queue    check that a batch's messages have final states and callbacks
    RecoverTask     receipt queue    post callbacks of final states that were lost
    CallbackTask    callback queue   retry a callback
    EventTask       callback queue   in harkara.model.events
    ClickTask       callback queue   in harkara.model.events

A body's first field is its kind. It may have a `task_id`: the task keeps this id when its rest is
queued again in another queue message, or when a redrive of dead letters makes a new one. Those for
the receipt and the callback queue get one when they are sent (`harkara.aws.queues`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, NamedTuple

from harkara.base.json import decode, encode_body
from harkara.model.events import ClickTask, Event, EventTask, event_of, row_of
from harkara.model.messages import Endpoint, State

RECEIPTS_PER_TASK = 100
_ROW_LENGTH = 6  # a receipt's fields that each row has
_CHECK = "check"


class QueueName(StrEnum):
    """The queues, by the kind of work in them."""

    SUBMIT = "submit"
    SUBMIT_PRIORITY = "submit_priority"
    RECEIPT = "receipt"
    CALLBACK = "callback"
    EXPORT = "export"


class Receipt(NamedTuple):
    """A report of a message's final state, from a carrier or our own, in one normal form.

    `code` is a `Code` unless delivered; `carrier_code` is the carrier's own, for the record.
    `segment` identifies the segment if the carrier reports each segment of a long message,
    `operator` delivered it, if the carrier says so; `channel` is `rcs` for an RCS carrier's, `read`
    says that the delivered message was opened, and `words` are the carrier's for a failure.
    """

    mid: str
    attempt: int
    state: State
    at_s: int
    code: str = ""
    carrier_code: str = ""
    segment: str = ""
    operator: str = ""
    channel: str = ""
    read: bool = False
    words: str = ""


@dataclass(frozen=True, slots=True)
class ReceiptsTask:
    """Record these final states, and post callbacks for the new ones.

    `carrier` is the carrier of the messages, empty for none or if it is not known.
    """

    receipts: tuple[Receipt, ...]
    carrier: str = ""

    def encode(self) -> str:
        """Return the queue message's body."""
        rows = list(map(_row, self.receipts))
        return encode_body("receipts", receipts=rows, carrier=self.carrier)


@dataclass(frozen=True, slots=True)
class CarrierReceiptsTask:
    """Find the messages by the carrier's ids, then proceed as for a ReceiptsTask.

    `waits` counts the searches so far that did not find a message yet.
    """

    carrier: str
    receipts: tuple[tuple[str, Receipt], ...]
    waits: int = 0

    def encode(self) -> str:
        """Return the queue message's body."""
        rows = [(carrier_id, _row(receipt)) for carrier_id, receipt in self.receipts]
        return encode_body(
            "carrier_receipts", carrier=self.carrier, receipts=rows, waits=self.waits
        )


class Attempt(NamedTuple):
    """The result of a callback attempt: the HTTP status (0: no answer), and the reason.

    `answer` is the beginning of the platform's answer, for the customer.
    """

    at_ms: int
    status: int
    reason: str
    answer: str = ""
    duration_ms: int = 0


_SELDOM = (  # fields of a callback task that a body has only if they are not empty
    *("in_doubt", "refusals", "waits", "turn_ms", "rounds", "began_ms", "due_ms"),
    *("alerted_percent", "replay", "retry_delays_s"),
)


@dataclass(frozen=True, slots=True)
class CallbackTask:
    """Post a group: attempt `attempt` (the immediate one was 0), after `failures` failed ones.

    An attempt that was queued again, or waits for its endpoint, is not a failure. The members are
    fixed before the first post. `group` is a number within `group_task_id`, the task whose final
    states they are. The callback's ledger entries are kept as long as the final states, from
    `due_at_ms` of the batch.

    `in_doubt`: the platform may have accepted the previous attempt, because a worker died or no
    answer came; `last` is its result, if known. `refusals` counts the failures by a refusing 4xx,
    `waits` the waits for the endpoint in a row; `turn_ms` is the time reserved at the endpoint's
    rate limiter; `rounds` counts passes through the queue (`retries.next_round`). `began_ms` is the
    time of the first failure or wait, `due_ms` the earliest time of this attempt, `alerted_percent`
    the share of the schedule whose end was already logged. `replay` counts the replays as a dead
    letter. `retry_delays_s` is the callback's own schedule, if it has one.
    """

    group_task_id: str
    group: int
    attempt: int
    account_id: str
    endpoint: Endpoint
    members: tuple[Event, ...]
    failures: int = 0
    due_at_ms: int = 0
    in_doubt: bool = False
    refusals: int = 0
    waits: int = 0
    began_ms: int = 0
    due_ms: int = 0
    alerted_percent: int = 0
    replay: int = 0
    last: Attempt | None = None
    turn_ms: int = 0
    rounds: int = 0
    retry_delays_s: Sequence[int] = ()

    @property
    def webhook_id(self) -> str:
        """The callback's id, the same at every attempt."""
        return f"{self.group_task_id}.{self.group}"

    def encode(self) -> str:
        """Return the queue message's body."""
        return encode_body(
            "callback",
            group_task_id=self.group_task_id,
            group=self.group,
            attempt=self.attempt,
            account=self.account_id,
            endpoint=self.endpoint,
            members=[row_of(member) for member in self.members],
            failures=self.failures,
            due_at_ms=self.due_at_ms,
            **{name: value for name in _SELDOM if (value := getattr(self, name))},
            **({"last": self.last} if self.last else {}),
        )


@dataclass(frozen=True, slots=True)
class CheckTask:
    """Check that every message of a batch has its final state and callback; and check `others`.

    `looks` counts the quick checks before this one, in a row. `singles_of` is the account's id if
    all these batches have a single message.
    """

    batch_id: str
    others: tuple[str, ...] = ()
    looks: int = 0
    singles_of: str = ""

    def encode(self) -> str:
        """Return the queue message's body."""
        fields = {"others": self.others, "looks": self.looks, "singles_of": self.singles_of}
        more = {name: value for name, value in fields.items() if value}
        return encode_body(_CHECK, batch=self.batch_id, **more)


@dataclass(frozen=True, slots=True)
class RecoverTask:
    """Post callbacks for a batch's final states that have no `ack#` entry."""

    batch_id: str
    indexes: tuple[int, ...]

    def encode(self) -> str:
        """Return the queue message's body."""
        return encode_body("recover", batch=self.batch_id, indexes=self.indexes)


DlrTask = (
    ReceiptsTask
    | CarrierReceiptsTask
    | CheckTask
    | RecoverTask
    | CallbackTask
    | EventTask
    | ClickTask
)


def receipts_tasks(receipts: Sequence[Receipt], carrier: str = "") -> list[ReceiptsTask]:
    """Return the receipts as tasks of at most 100 receipts each."""
    return [
        ReceiptsTask(tuple(receipts[at : at + RECEIPTS_PER_TASK]), carrier)
        for at in range(0, len(receipts), RECEIPTS_PER_TASK)
    ]


def carrier_receipts_tasks(
    carrier: str, receipts: Sequence[tuple[str, Receipt]]
) -> list[CarrierReceiptsTask]:
    """Return receipts by the carrier's ids as tasks of at most 100 receipts each."""
    return [
        CarrierReceiptsTask(carrier, tuple(receipts[at : at + RECEIPTS_PER_TASK]))
        for at in range(0, len(receipts), RECEIPTS_PER_TASK)
    ]


def task_id_of(message_id: str, body: str) -> str:
    """Return a queue message's task id: the `task_id` in its body, or else its own id."""
    task_id = decode(body).get("task_id")
    return task_id if task_id and isinstance(task_id, str) else message_id


def decode_dlr(body: str) -> DlrTask:
    """Return the task in a message of the receipt or the callback queue.

    Raises ValueError for any other kind.
    """
    fields = decode(body)
    kind = fields.get("kind") if isinstance(fields, dict) else None
    if kind == "receipts":
        receipts = tuple(_receipt(row) for row in fields["receipts"])
        return ReceiptsTask(receipts, fields.get("carrier", ""))
    if kind == "carrier_receipts":
        named = tuple((carrier_id, _receipt(row)) for carrier_id, row in fields["receipts"])
        return CarrierReceiptsTask(fields["carrier"], named, fields["waits"])
    if kind == _CHECK:
        others, looks = tuple(fields.get("others", ())), fields.get("looks", 0)
        return CheckTask(fields["batch"], others, looks, fields.get("singles_of", ""))
    if kind == "recover":
        return RecoverTask(fields["batch"], tuple(fields["indexes"]))
    if kind == "click":
        click = ClickTask(*(fields[each] for each in ("mid", "number", "at", "url", "short_url")))
        return replace(click, by_bot=True) if "by_bot" in fields else click
    if kind not in ("event", "callback"):
        raise ValueError("a task of another kind than the receipt and callback queues have")
    endpoint = Endpoint(*fields["endpoint"])
    if kind == "event":
        event = event_of(fields["event"])
        return EventTask(fields["account"], endpoint, event, fields["due_at_ms"])
    return CallbackTask(
        group_task_id=fields["group_task_id"],
        group=fields["group"],
        attempt=fields["attempt"],
        account_id=fields["account"],
        endpoint=endpoint,
        members=tuple(event_of(row) for row in fields["members"]),
        failures=fields["failures"],
        due_at_ms=fields["due_at_ms"],
        **{name: fields[name] for name in _SELDOM if name in fields},
        last=Attempt(*fields["last"]) if "last" in fields else None,
    )


def _row(receipt: Receipt) -> Sequence[Any]:
    """Return a receipt as a row of a body, without the last fields that are empty."""
    return receipt[: max(_ROW_LENGTH, *(number for number, each in enumerate(receipt, 1) if each))]


def _receipt(row: Sequence[Any]) -> Receipt:
    mid, attempt, state, *rest = row
    return Receipt(mid, attempt, State(state), *rest)


def is_check(body: str) -> bool:
    """Return whether a body is a CheckTask, by its beginning alone."""
    return body.startswith(f'{{"kind":"{_CHECK}"')
