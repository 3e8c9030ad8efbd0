"""Tasks of the submit queues: submit a message batch from a block on, or retry part of a block."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from harkara.base.json import decode, encode_body
from harkara.model.messages import Lane
from harkara.model.tasks import QueueName


def queue_of(lane: Lane) -> QueueName:
    """Return the submit queue of a lane."""
    return QueueName.SUBMIT_PRIORITY if lane is Lane.PRIORITY else QueueName.SUBMIT


class Reserved(NamedTuple):
    """A reservation at a carrier's rate limiter: segments, and their time (Unix milliseconds).

    With 0 segments it is not a reservation but the block's turn in the account's own line, whose
    messages already have as many reservations as they may.
    """

    segment_count: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Repeat:
    """A message in doubt: the carrier that may have it, and the attempt that sent it there."""

    index: int
    carrier: str
    attempt: int


class Part(NamedTuple):
    """A further batch of a request: the queue for its task, and the time (Unix milliseconds)."""

    batch_id: str
    queue: QueueName
    at_ms: int


# Fields of a submit task that a body has only if they are not empty.
_SELDOM = (
    "reserved",
    "waits",
    "rounds",
    "tried",
    "repeats",
    "rests",
    "others",
    "checked",
    "single",
    "packed",
    "revoke_at",
    "doubles",
)

FIRST_FALLBACK = 1_000
"""From this number on, submit attempts are those of SMS after an RCS attempt."""


def fallback_attempt(position: int) -> int:
    """Return the first attempt by SMS of a block's message that an RCS carrier may have.

    Each message falls back at a time of its own, so each has a thousand numbers of its own, and
    thereby leases of its own. In sort keys they follow the message's attempts before.
    """
    return FIRST_FALLBACK * (position + 1)


@dataclass(frozen=True, slots=True)
class SubmitTask:
    """Submit the batch from `block` on; a retry (`attempt` > 1) is of one block's `indexes`.

    `handed_on`: the task is the rest of another queue message's. `reserved` are the block's
    reservations by carrier; `waits` counts how often in a row no message of the block could be
    submitted, `rounds` the passes through the queue without progress (`retries.next_round`). In a
    retry, `tried` are the indexes that each carrier did not accept, and `repeats` the messages that
    a carrier may already have: they go there again with the reference of that attempt. `rests` maps
    carriers that asked us to wait to the end of the wait (Unix milliseconds). `others` are the
    further batches of a request: enqueuing this task commits them too. `checked`: the batch's check
    is scheduled. `single`: the batch has one message; `packed` is that batch in base64 if it is
    small, to save a read.

    `revoke_at`: the task only revokes the messages of attempt `attempt` at this RCS carrier, and
    enqueues the attempt by SMS of each. `doubles`: that attempt may double the one by RCS.
    """

    batch_id: str
    account_id: str
    block: int = 0
    attempt: int = 1
    indexes: tuple[int, ...] = ()
    handed_on: bool = False
    reserved: Mapping[str, Reserved] = field(default_factory=dict)
    waits: int = 0
    tried: Mapping[str, Sequence[int]] = field(default_factory=dict)
    repeats: Sequence[Repeat] = ()
    rests: Mapping[str, int] = field(default_factory=dict)
    others: Sequence[Part] = ()
    checked: bool = False
    rounds: int = 0
    single: bool = False
    packed: str = ""
    revoke_at: str = ""
    doubles: bool = False

    def encode(self, task_id: str | None = None) -> str:
        """Return the queue message's body, with `task_id` if the task already has one."""
        return encode_body(
            "submit",
            **({"task_id": task_id} if task_id else {}),
            batch=self.batch_id,
            account=self.account_id,
            block=self.block,
            attempt=self.attempt,
            indexes=self.indexes,
            handed_on=self.handed_on,
            **{name: value for name in _SELDOM if (value := getattr(self, name))},
        )


_READ: Mapping[str, Callable[[Any], Any]] = {
    "reserved": lambda rows: {name: Reserved(*row) for name, row in rows.items()},
    "repeats": lambda rows: tuple(Repeat(**row) for row in rows),
    "others": lambda rows: tuple(
        Part(batch_id, QueueName(queue), at_ms) for batch_id, queue, at_ms in rows
    ),
}


def decode_submit(body: str) -> SubmitTask:
    """Return the task in a submit queue's message. Raises ValueError for any other kind."""
    fields = decode(body)
    if not isinstance(fields, dict) or fields.get("kind") != "submit":
        raise ValueError("a task of another kind than the submit queues have")
    seldom = dict[str, Any]()
    for name in _SELDOM:
        if name in fields:
            seldom[name] = _READ[name](fields[name]) if name in _READ else fields[name]
    return SubmitTask(
        batch_id=fields["batch"],
        account_id=fields["account"],
        block=fields["block"],
        attempt=fields["attempt"],
        indexes=tuple(fields["indexes"]),
        handed_on=fields["handed_on"],
        **seldom,
    )
