"""What travels in the queues and in the Due table: duties, as JSON.

    SubmitTask      submit queues    submit a chunk from a block on, or one block's rest again
    ReceiptsTask    receipt queue    messages that reached a state: write it, call back
    CarrierReceiptsTask              the same, by the carrier's own ids of the messages
    CheckTask       receipt queue    look whether a chunk's messages have their ends
    RecoverTask     receipt queue    post finals whose callback got lost
    CallbackTask    callback queue   post a callback again
    EventTask       callback queue   post what happened to a message after its final state

A body names its kind first. It may name its `owner`: the duty stays that queue message's when what
is left of a chunk goes on as another, or a person moved it (a redrive makes a new SQS message).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from harkara.events import Event, event_of, row_of
from harkara.jsons import decode, encode
from harkara.messages import Endpoint, Lane, State

RECEIPTS_PER_TASK = 100


class QueueName(StrEnum):
    """The queues by the name of what waits in them."""

    SUBMIT = "submit"
    SUBMIT_PRIORITY = "submit_priority"
    RECEIPT = "receipt"
    CALLBACK = "callback"


def queue_of(lane: Lane) -> QueueName:
    """Return the queue in which a lane's chunks wait for `submit`."""
    return QueueName.SUBMIT_PRIORITY if lane is Lane.PRIORITY else QueueName.SUBMIT


class Receipt(NamedTuple):
    """A message's final state as somebody reports it, in one normal form.

    `code` is a `Code` unless delivered; `carrier_code` is the carrier's own, for the record.
    """

    mid: str
    attempt: int
    state: State
    at_s: int
    code: str = ""
    carrier_code: str = ""


class Reserved(NamedTuple):
    """A place at a carrier's rate: for how many segments, and when (Unix milliseconds)."""

    segment_count: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Repeat:
    """A message in doubt: where it may be, since which try."""

    index: int
    carrier: str
    attempt: int


# Fields of a submit task that a body has only where they say something.
_SELDOM = ("reserved", "waits", "tried", "repeats")


@dataclass(frozen=True, slots=True)
class SubmitTask:
    """Submit the chunk from `block` on; a retry (`attempt` > 1) is of one block's `indexes`.

    `handed_on`: it is what another queue message left. `reserved` are the places that its block has
    at carriers' rates; `waits` counts how often in a row nothing of the block could go. Of a retry,
    `tried` are the indexes that each carrier did not take, and `repeats` those that may be at a
    carrier: they go there again, under the reference of that try.
    """

    chunk_id: str
    account_id: str
    block: int = 0
    attempt: int = 1
    indexes: tuple[int, ...] = ()
    handed_on: bool = False
    reserved: Mapping[str, Reserved] = field(default_factory=dict)
    waits: int = 0
    tried: Mapping[str, Sequence[int]] = field(default_factory=dict)
    repeats: Sequence[Repeat] = ()

    def encode(self, owner: str | None = None) -> str:
        """Return the queue message's body, in the name of an owner if the duty has one already."""
        return _encode(
            "submit",
            **({"owner": owner} if owner else {}),
            chunk=self.chunk_id,
            account=self.account_id,
            block=self.block,
            attempt=self.attempt,
            indexes=self.indexes,
            handed_on=self.handed_on,
            **{name: value for name in _SELDOM if (value := getattr(self, name))},
        )


@dataclass(frozen=True, slots=True)
class ReceiptsTask:
    """Write these final states and call back for those that are new.

    `carrier` is the one that had the messages, empty where none had, or nobody knows which.
    """

    receipts: tuple[Receipt, ...]
    carrier: str = ""

    def encode(self) -> str:
        """Return the queue message's body."""
        return _encode("receipts", receipts=self.receipts, carrier=self.carrier)


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
        return _encode(
            "carrier_receipts", carrier=self.carrier, receipts=self.receipts, waits=self.waits
        )


@dataclass(frozen=True, slots=True)
class CallbackTask:
    """Post a group again: the attempt number `attempt` (the first was 0), after `failures` posts.

    An attempt that was handed on for want of time is no failure. The members were frozen before
    the first post. `group` counts within `group_owner`, the queue message whose finals they are.
    What is put down of it is kept as long as the finals, from `begins_ms` of their chunk.
    """

    group_owner: str
    group: int
    attempt: int
    account_id: str
    endpoint: Endpoint
    members: tuple[Event, ...]
    failures: int = 0
    begins_ms: int = 0

    @property
    def webhook_id(self) -> str:
        """The callback's name, the same at every attempt."""
        return f"{self.group_owner}.{self.group}"

    def encode(self) -> str:
        """Return the queue message's body."""
        return _encode(
            "callback",
            group_owner=self.group_owner,
            group=self.group,
            attempt=self.attempt,
            account=self.account_id,
            endpoint=self.endpoint,
            members=[row_of(member) for member in self.members],
            failures=self.failures,
            begins_ms=self.begins_ms,
        )


@dataclass(frozen=True, slots=True)
class EventTask:
    """Post one event, in a callback of its own whose owner is this queue message.

    What is put down of it is kept from `begins_ms` of the message's chunk.
    """

    account_id: str
    endpoint: Endpoint
    event: Event
    begins_ms: int = 0

    def encode(self) -> str:
        """Return the queue message's body."""
        return _encode(
            "event",
            account=self.account_id,
            endpoint=self.endpoint,
            event=row_of(self.event),
            begins_ms=self.begins_ms,
        )


@dataclass(frozen=True, slots=True)
class CheckTask:
    """Look whether every message of a chunk has its end."""

    chunk_id: str

    def encode(self) -> str:
        """Return the queue message's body."""
        return _encode("check", chunk=self.chunk_id)


@dataclass(frozen=True, slots=True)
class RecoverTask:
    """Post the finals of a chunk whose owners left no ack."""

    chunk_id: str
    indexes: tuple[int, ...]

    def encode(self) -> str:
        """Return the queue message's body."""
        return _encode("recover", chunk=self.chunk_id, indexes=self.indexes)


DlrTask = ReceiptsTask | CarrierReceiptsTask | CheckTask | RecoverTask | CallbackTask | EventTask


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
    owner = decode(body).get("owner")
    return owner if isinstance(owner, str) else message_id


def decode_submit(body: str) -> SubmitTask:
    """Return the task in a submit queue's message. Raises ValueError for another one."""
    fields = _fields(body, "submit")
    return SubmitTask(
        chunk_id=fields["chunk"],
        account_id=fields["account"],
        block=fields["block"],
        attempt=fields["attempt"],
        indexes=tuple(fields["indexes"]),
        handed_on=fields["handed_on"],
        reserved={name: Reserved(*row) for name, row in fields.get("reserved", {}).items()},
        waits=fields.get("waits", 0),
        tried=fields.get("tried", {}),
        repeats=tuple(Repeat(**row) for row in fields.get("repeats", ())),
    )


def decode_dlr(body: str) -> DlrTask:
    """Return the task in a message of the receipt or the callback queue.

    Raises ValueError for another one.
    """
    fields = _fields(body, "receipts", "carrier_receipts", "check", "recover", "callback", "event")
    if fields["kind"] == "receipts":
        receipts = tuple(_receipt(row) for row in fields["receipts"])
        return ReceiptsTask(receipts, fields.get("carrier", ""))
    if fields["kind"] == "carrier_receipts":
        named = tuple((carrier_id, _receipt(row)) for carrier_id, row in fields["receipts"])
        return CarrierReceiptsTask(fields["carrier"], named, fields["waits"])
    if fields["kind"] == "check":
        return CheckTask(fields["chunk"])
    if fields["kind"] == "recover":
        return RecoverTask(fields["chunk"], tuple(fields["indexes"]))
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
    )


def _receipt(row: Sequence[Any]) -> Receipt:
    mid, attempt, state, *rest = row
    return Receipt(mid, attempt, State(state), *rest)


def _encode(kind: str, **fields: Any) -> str:
    body = encode({"kind": kind, **fields}).decode()
    # All that JSON leaves as it is and SQS refuses; a customer's `smsgid` may hold them.
    return body.replace("\ufffe", r"\ufffe").replace("\uffff", r"\uffff")


def _fields(body: str, *kinds: str) -> dict[str, Any]:
    fields = decode(body)
    if not isinstance(fields, dict) or fields.get("kind") not in kinds:
        raise ValueError(f"a task of another kind than {', '.join(kinds)}")
    return fields
