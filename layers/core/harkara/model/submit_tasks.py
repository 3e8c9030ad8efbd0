"""What waits in the submit queues: chunks to submit, from a block on, or one block's rest again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from harkara.model.messages import Lane
from harkara.model.tasks import QueueName, encode_body, fields_of_body


def queue_of(lane: Lane) -> QueueName:
    """Return the queue in which a lane's chunks wait for `submit`."""
    return QueueName.SUBMIT_PRIORITY if lane is Lane.PRIORITY else QueueName.SUBMIT


class Reserved(NamedTuple):
    """A place at a carrier's rate: for how many segments, and when (Unix milliseconds).

    Of none it is a turn in the line of the account's messages, which have as many places as they
    may.
    """

    segment_count: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Repeat:
    """A message in doubt: where it may be, since which try."""

    index: int
    carrier: str
    attempt: int


class Part(NamedTuple):
    """A chunk of a request of several: where its reference goes, and when (Unix milliseconds)."""

    chunk_id: str
    queue: QueueName
    at_ms: int


# Fields of a submit task that a body has only where they say something.
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
)


@dataclass(frozen=True, slots=True)
class SubmitTask:
    """Submit the chunk from `block` on; a retry (`attempt` > 1) is of one block's `indexes`.

    `handed_on`: it is what another queue message left. `reserved` are the places that its block has
    at carriers' rates; `waits` counts how often in a row nothing of the block could go, `rounds`
    how often it went through its queue since it got any further (`retries.next_round`). Of a retry,
    `tried` are the indexes that each carrier did not take, and `repeats` those that may be at a
    carrier: they go there again, under the reference of that try. `rests` are the carriers that
    want to be left alone, and until when (Unix milliseconds). `others` are the further chunks of a
    request: enqueued with this task, they are committed by it. `checked`: the chunk's check is set;
    `single`: it is of one message, and `packed` that chunk where it is small, in base64, so that
    nobody has to read it.
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
    rests: Mapping[str, int] = field(default_factory=dict)
    others: Sequence[Part] = ()
    checked: bool = False
    rounds: int = 0
    single: bool = False
    packed: str = ""

    def encode(self, owner: str | None = None) -> str:
        """Return the queue message's body, in the name of an owner if the duty has one already."""
        return encode_body(
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


def decode_submit(body: str) -> SubmitTask:
    """Return the task in a submit queue's message. Raises ValueError for another one."""
    fields = fields_of_body(body, "submit")
    return SubmitTask(
        chunk_id=fields["chunk"],
        account_id=fields["account"],
        block=fields["block"],
        attempt=fields["attempt"],
        indexes=tuple(fields["indexes"]),
        handed_on=fields["handed_on"],
        reserved={name: Reserved(*row) for name, row in fields.get("reserved", {}).items()},
        waits=fields.get("waits", 0),
        rounds=fields.get("rounds", 0),
        tried=fields.get("tried", {}),
        repeats=tuple(Repeat(**row) for row in fields.get("repeats", ())),
        rests=fields.get("rests", {}),
        others=tuple(
            Part(chunk_id, QueueName(queue), at_ms)
            for chunk_id, queue, at_ms in fields.get("others", ())
        ),
        checked=fields.get("checked", False),
        single=fields.get("single", False),
        packed=fields.get("packed", ""),
    )
