"""What travels in the queues and in the Due table: duties, as JSON.

    SubmitTask      submit queues    in harkara.model.submit_tasks
    ReceiptsTask    receipt queue    messages that reached a state: write it, call back
    CarrierReceiptsTask              the same, by the carrier's own ids of the messages
    CheckTask       receipt queue    look whether a chunk's messages have their ends
    RecoverTask     receipt queue    post finals whose callback got lost
    CallbackTask    callback queue   post a callback again
    EventTask       callback queue   post what happened to a message after its final state
    ClickTask       callback queue   put down the first click on a link, and post it

A body names its kind first. It may name its `owner`: the duty stays that queue message's when what
is left of a chunk goes on as another, or a person moved it (a redrive makes a new SQS message).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from harkara.base.json import decode, encode
from harkara.model.events import Event, event_of, row_of
from harkara.model.messages import Endpoint, State

RECEIPTS_PER_TASK = 100
_CHECK = "check"


class QueueName(StrEnum):
    """The queues by the name of what waits in them."""

    SUBMIT = "submit"
    SUBMIT_PRIORITY = "submit_priority"
    RECEIPT = "receipt"
    CALLBACK = "callback"


class Receipt(NamedTuple):
    """A message's final state as somebody reports it, in one normal form.

    `code` is a `Code` unless delivered; `carrier_code` is the carrier's own, for the record.
    `segment` names the segment that it is of, where a carrier reports each of a long message.
    """

    mid: str
    attempt: int
    state: State
    at_s: int
    code: str = ""
    carrier_code: str = ""
    segment: str = ""


@dataclass(frozen=True, slots=True)
class ReceiptsTask:
    """Write these final states and call back for those that are new.

    `carrier` is the one that had the messages, empty where none had, or nobody knows which.
    """

    receipts: tuple[Receipt, ...]
    carrier: str = ""

    def encode(self) -> str:
        """Return the queue message's body."""
        rows = list(map(_row, self.receipts))
        return encode_body("receipts", receipts=rows, carrier=self.carrier)


@dataclass(frozen=True, slots=True)
class CarrierReceiptsTask:
    """Find the messages that a carrier calls so, then do as for a ReceiptsTask.

    `waits` is how often a message was looked for that was not there yet.
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
    """What came of an attempt to post a callback: the HTTP status (0: none came), and why.

    `answer` is the beginning of what the platform said, for the customer's eyes.
    """

    at_ms: int
    status: int
    reason: str
    answer: str = ""
    duration_ms: int = 0


# Fields of a callback task that a body has only where they say something.
_SELDOM = (
    "in_doubt",
    "refusals",
    "waits",
    "turn_ms",
    "rounds",
    "began_ms",
    "due_ms",
    "alerted_percent",
    "replay",
)


@dataclass(frozen=True, slots=True)
class CallbackTask:
    """Post a group: the attempt number `attempt` (that made at once was 0), after `failures` posts.

    An attempt that was handed on, or that waits for its turn, is no failure. The members were
    frozen before the first post. `group` counts within `group_owner`, the queue message whose
    finals they are. What is put down of it is kept as long as the finals, from `begins_ms` of
    their chunk.

    `in_doubt`: the attempt before may have been taken, as a process died or no answer came; `last`
    is what is known of it. `refusals` are the failures that were 4xx, `waits` counts how often in a
    row it was not its turn, `turn_ms` is when that is at the endpoint's rate, `rounds` how often it
    went through its queue (`retries.next_round`). `began_ms` is when it first failed or waited,
    `due_ms` before when it is not posted again, `alerted_percent` how much of the schedule was told
    to be over. `replay` counts how often it was parked and then replayed.
    """

    group_owner: str
    group: int
    attempt: int
    account_id: str
    endpoint: Endpoint
    members: tuple[Event, ...]
    failures: int = 0
    begins_ms: int = 0
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

    @property
    def webhook_id(self) -> str:
        """The callback's name, the same at every attempt."""
        return f"{self.group_owner}.{self.group}"

    def encode(self) -> str:
        """Return the queue message's body."""
        return encode_body(
            "callback",
            group_owner=self.group_owner,
            group=self.group,
            attempt=self.attempt,
            account=self.account_id,
            endpoint=self.endpoint,
            members=[row_of(member) for member in self.members],
            failures=self.failures,
            begins_ms=self.begins_ms,
            **{name: value for name in _SELDOM if (value := getattr(self, name))},
            **({"last": self.last} if self.last else {}),
        )


@dataclass(frozen=True, slots=True)
class EventTask:
    """Post one event, in a callback of its own that belongs to this queue message.

    What is put down of it is kept from `begins_ms` of the message's chunk.
    """

    account_id: str
    endpoint: Endpoint
    event: Event
    begins_ms: int = 0

    def encode(self, owner: str | None = None) -> str:
        """Return the queue message's body, in the name of an owner where it may be put in twice."""
        return encode_body(
            "event",
            **({"owner": owner} if owner else {}),
            account=self.account_id,
            endpoint=self.endpoint,
            event=row_of(self.event),
            begins_ms=self.begins_ms,
        )


@dataclass(frozen=True, slots=True)
class ClickTask:
    """Tell of a click on the link in a message that leads to its URL `number`."""

    mid: str
    number: int
    at_s: int
    url: str
    short_url: str

    def encode(self) -> str:
        """Return the queue message's body."""
        return encode_body(
            "click",
            mid=self.mid,
            number=self.number,
            at=self.at_s,
            url=self.url,
            short_url=self.short_url,
        )


@dataclass(frozen=True, slots=True)
class CheckTask:
    """Look whether every message of a chunk has its end, and have others checked with it.

    `looks` did so before, in a row. `singles_of` is their account, where each has one message.
    """

    chunk_id: str
    others: tuple[str, ...] = ()
    looks: int = 0
    singles_of: str = ""

    def encode(self) -> str:
        """Return the queue message's body."""
        said = {"others": self.others, "looks": self.looks, "singles_of": self.singles_of}
        more = {name: value for name, value in said.items() if value}
        return encode_body(_CHECK, chunk=self.chunk_id, **more)


@dataclass(frozen=True, slots=True)
class RecoverTask:
    """Post the finals of a chunk whose owners left no ack."""

    chunk_id: str
    indexes: tuple[int, ...]

    def encode(self) -> str:
        """Return the queue message's body."""
        return encode_body("recover", chunk=self.chunk_id, indexes=self.indexes)


_DLR_KINDS = ("receipts", "carrier_receipts", "check", "recover", "callback", "event", "click")

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
    """Return the receipts as tasks of at most a hundred."""
    return [
        ReceiptsTask(tuple(receipts[at : at + RECEIPTS_PER_TASK]), carrier)
        for at in range(0, len(receipts), RECEIPTS_PER_TASK)
    ]


def carrier_receipts_tasks(
    carrier: str, receipts: Sequence[tuple[str, Receipt]]
) -> list[CarrierReceiptsTask]:
    """Return receipts by the carrier's ids as tasks of at most a hundred."""
    return [
        CarrierReceiptsTask(carrier, tuple(receipts[at : at + RECEIPTS_PER_TASK]))
        for at in range(0, len(receipts), RECEIPTS_PER_TASK)
    ]


def owner_of(message_id: str, body: str) -> str:
    """Return whose duty a queue message is: the owner that its body names, else its own id."""
    return owner_in(body) or message_id


def owner_in(body: str) -> str | None:
    """Return the owner that a body names, None for none."""
    owner = decode(body).get("owner")
    return owner if isinstance(owner, str) else None


def decode_dlr(body: str) -> DlrTask:
    """Return the task in a message of the receipt or the callback queue.

    Raises ValueError for another one.
    """
    fields = fields_of_body(body, *_DLR_KINDS)
    if fields["kind"] == "receipts":
        receipts = tuple(_receipt(row) for row in fields["receipts"])
        return ReceiptsTask(receipts, fields.get("carrier", ""))
    if fields["kind"] == "carrier_receipts":
        named = tuple((carrier_id, _receipt(row)) for carrier_id, row in fields["receipts"])
        return CarrierReceiptsTask(fields["carrier"], named, fields["waits"])
    if fields["kind"] == _CHECK:
        others, looks = tuple(fields.get("others", ())), fields.get("looks", 0)
        return CheckTask(fields["chunk"], others, looks, fields.get("singles_of", ""))
    if fields["kind"] == "recover":
        return RecoverTask(fields["chunk"], tuple(fields["indexes"]))
    if fields["kind"] == "click":
        names = ("mid", "number", "at", "url", "short_url")
        return ClickTask(*map(fields.__getitem__, names))
    endpoint = Endpoint(*fields["endpoint"])
    if fields["kind"] == "event":
        event = event_of(fields["event"])
        return EventTask(fields["account"], endpoint, event, fields["begins_ms"])
    return CallbackTask(
        group_owner=fields["group_owner"],
        group=fields["group"],
        attempt=fields["attempt"],
        account_id=fields["account"],
        endpoint=endpoint,
        members=tuple(event_of(row) for row in fields["members"]),
        failures=fields["failures"],
        begins_ms=fields["begins_ms"],
        **{name: fields[name] for name in _SELDOM if name in fields},
        last=Attempt(*fields["last"]) if "last" in fields else None,
    )


def _row(receipt: Receipt) -> Sequence[Any]:
    """Return a receipt as it stands in a body: most have no segment."""
    return receipt if receipt.segment else receipt[:-1]


def _receipt(row: Sequence[Any]) -> Receipt:
    mid, attempt, state, *rest = row
    return Receipt(mid, attempt, State(state), *rest)


def encode_body(kind: str, **fields: Any) -> str:
    """Return a task as a body; its kind comes first."""
    body = encode({"kind": kind, **fields}).decode()
    # All that JSON leaves as it is and SQS refuses; a customer's `smsgid` may hold them.
    return body.replace("\ufffe", r"\ufffe").replace("\uffff", r"\uffff")


def is_check(body: str) -> bool:
    """Whether a body is a CheckTask, by its beginning alone."""
    return body.startswith(f'{{"kind":"{_CHECK}"')


def fields_of_body(body: str, *kinds: str) -> dict[str, Any]:
    """Return the fields of a task of one of these kinds. Raises ValueError for another one."""
    fields = decode(body)
    if not isinstance(fields, dict) or fields.get("kind") not in kinds:
        raise ValueError(f"a task of another kind than {', '.join(kinds)}")
    return fields
