"""Events of messages: for platforms, as tasks of the callback queue, and in the timeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Literal, NamedTuple, Required

from pydantic import Field
from typing_extensions import TypeAliasType, TypedDict

from harkara.base.codes import Code
from harkara.base.json import encode_body
from harkara.model.messages import Endpoint, State


class EventKind(StrEnum):
    """The kind of an event.

    A final state, a reply from the phone, a click on a link; and those that a callback has to ask
    for: the carrier took the message, it was delivered after another final state, it was read.
    """

    STATUS = "status"
    REPLIED = "replied"
    CLICKED = "clicked"
    SUBMITTED = "submitted"
    CORRECTED = "corrected"
    READ = "read"


ON_REQUEST = frozenset({EventKind.SUBMITTED, EventKind.CORRECTED, EventKind.READ})
"""The kinds of events that a callback gets only if it names them."""


class Dlr(NamedTuple):
    """A message's final state; `client_ref` is the customer's `smsgid`, `to` an msisdn.

    `carrier_code` is the carrier's own code for the state, `carrier_words` are its words for a
    failure; `channel` is `rcs` for a message that ended by RCS.
    """

    mid: str
    client_ref: str
    state: State
    at_s: int
    code: str = ""
    to: str = ""
    segment_count: int = 0
    carrier_code: str = ""
    carrier_words: str = ""
    channel: str = ""


class Reply(NamedTuple):
    """A phone's reply to a message: `sender` is the phone, `receiver` the number or code used."""

    mid: str
    client_ref: str
    at_s: int
    sender: str
    receiver: str
    text: str


class Click(NamedTuple):
    """A visit of a message's link to `url`; `short_url` is the link as in the text."""

    mid: str
    client_ref: str
    at_s: int
    to: str
    url: str
    short_url: str


class Submitted(NamedTuple):
    """A carrier took the message."""

    mid: str
    client_ref: str
    at_s: int
    to: str
    segment_count: int


class Corrected(NamedTuple):
    """The message was delivered, although another final state, `was`, stands."""

    mid: str
    client_ref: str
    at_s: int
    to: str
    segment_count: int
    was: str


class Read(NamedTuple):
    """The message was opened, at a carrier that says so: by RCS."""

    mid: str
    client_ref: str
    at_s: int
    to: str


Event = Dlr | Reply | Click | Submitted | Corrected | Read

_KINDS: dict[EventKind, type[Event]] = {
    EventKind.STATUS: Dlr,
    EventKind.REPLIED: Reply,
    EventKind.CLICKED: Click,
    EventKind.SUBMITTED: Submitted,
    EventKind.CORRECTED: Corrected,
    EventKind.READ: Read,
}


KIND_OF = {made: kind for kind, made in _KINDS.items()}
"""The kind of an event, by its class."""


# Up to the carrier's code.
_DLR_LENGTH = Dlr._fields.index("carrier_code")


def row_of(event: Event) -> list[Any]:
    """Return an event as a row of JSON, without the last fields of a DLR that are empty."""
    fields = [*event]
    while isinstance(event, Dlr) and len(fields) > _DLR_LENGTH and not fields[-1]:
        fields.pop()
    return [KIND_OF[type(event)], *fields]


def event_of(row: Sequence[Any]) -> Event:
    """Return the event in a row made by `row_of`. Raises ValueError for an unknown kind."""
    kind, *fields = row
    event: Event = _KINDS[EventKind(kind)](*fields)
    return event._replace(state=State(event.state)) if isinstance(event, Dlr) else event


@dataclass(frozen=True, slots=True)
class EventTask:
    """Post one event, in a callback of its own whose task id is that of this task.

    The retention of its ledger entries counts from `due_at_ms` of the message's batch.
    """

    account_id: str
    endpoint: Endpoint
    event: Event
    due_at_ms: int = 0

    def encode(self, task_id: str | None = None) -> str:
        """Return the queue message's body, with `task_id` if it may be enqueued twice."""
        return encode_body(
            "event",
            **({"task_id": task_id} if task_id else {}),
            account=self.account_id,
            endpoint=self.endpoint,
            event=row_of(self.event),
            due_at_ms=self.due_at_ms,
        )


@dataclass(frozen=True, slots=True)
class ClickTask:
    """Record and post a click on a message's short link; `number` is that of the URL.

    The visit of a machine (`by_bot`) is recorded and not posted.
    """

    mid: str
    number: int
    at_s: int
    url: str
    short_url: str
    by_bot: bool = False

    def encode(self) -> str:
        """Return the queue message's body."""
        return encode_body(
            "click",
            mid=self.mid,
            number=self.number,
            at=self.at_s,
            url=self.url,
            short_url=self.short_url,
            **({"by_bot": True} if self.by_bot else {}),
        )


TimelineEvent = TypeAliasType(
    "TimelineEvent",
    Literal[
        "accepted",
        "scheduled",
        "submitted",
        "refused",
        "not_taken",
        "in_doubt",
        "callback_attempt",
        "callback",
        "clicked",
        "opened_by_machine",
        "verified",
        "unverified",
        "replied",
        "corrected",
        "read",
    ],
)
StepName = TimelineEvent | State
_Time = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
# `try` is no name for Python.
_Numbered = TypedDict(
    "_Numbered",
    {"try": Annotated[int, Field(ge=1, description="Which attempt it was, from 1.")]},
    total=False,
)


class TimelineStep(_Numbered, total=False):
    """Something that happened to a message, as `GET /v1/messages/{mid}` shows it."""

    step: Required[
        Annotated[
            StepName,
            Field(description="What happened; a final state stands under its own name."),
        ]
    ]
    at: Required[Annotated[_Time, Field(description="When, in UTC.")]]
    send_at: Annotated[_Time, Field(description="`scheduled`: when it is to go out, in UTC.")]
    carrier_message_id: Annotated[
        str, Field(description="`submitted`: the carrier's id of the message, or empty.")
    ]
    code: Annotated[Code, Field(description="Why it was refused, or ended so.")]
    carrier_code: Annotated[
        str, Field(description="The carrier's own code for it, or empty.", examples=["650"])
    ]
    carrier_words: Annotated[
        str,
        Field(
            description="The carrier's own words for a failure, without numbers.",
            examples=["UNDELIV"],
        ),
    ]
    operator: Annotated[
        str, Field(description="The operator of the phone, if the carrier says it.")
    ]
    channel: Annotated[Literal["rcs"], Field(description="It happened by RCS, in front of SMS.")]
    url: Annotated[str, Field(description="`clicked`, `opened_by_machine`: where the link leads.")]
    status: Annotated[
        int, Field(ge=0, description="Callbacks: the HTTP status of your answer; 0 for none.")
    ]
    reason: Annotated[
        str,
        Field(description="The status in words, or why none came.", examples=["HTTP 200"]),
    ]
    duration_ms: Annotated[int, Field(ge=0, description="How long you took, in milliseconds.")]
    answer: Annotated[str, Field(description="The beginning of your answer.")]
    acknowledged: Annotated[bool, Field(description="Whether the status says that you took it.")]
    in_doubt: Annotated[
        Literal[True], Field(description="You may have taken it, but no answer came.")
    ]
    parked: Annotated[
        Literal[True], Field(description="There is no further attempt: the callback is parked.")
    ]
    unprocessed: Annotated[
        str, Field(description="Your code for a message that you took and could not use.")
    ]
    unwanted: Annotated[
        Literal[True], Field(description="Your callback takes no such events: nothing was posted.")
    ]
