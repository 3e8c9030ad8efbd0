"""Read requests about dead letters ("parked callbacks" in the API) and write their JSON."""

import re
from typing import Annotated, Any, NamedTuple

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic.config import JsonDict
from pydantic.json_schema import SkipJsonSchema
from typing_extensions import TypedDict

from harkara.accept.formats.options import time_ms
from harkara.base.errors import FieldRefused
from harkara.base.time import END_MS, utc_text
from harkara.callbacks.dead_letters import DeadLetter
from harkara.model.fields import Fields, Rule, read

IDS_LIMIT = 1_000
# One dead letter may hold a hundred messages.
PAGE_LIMIT = 100
ID = re.compile(r"[0-9]{13}\.[!-~]{1,200}")


class ParkedMember(TypedDict):
    """A message of a parked callback."""

    mid: Annotated[str, Field(description="Our id of the message.")]
    client_ref: Annotated[str, Field(description="Yours; empty if there is none.")]


class CallbackResult(TypedDict):
    """The endpoint's answer to a post, whatever it was."""

    status: Annotated[int, Field(ge=0, le=999, description="The HTTP status; 0: no answer.")]
    reason: Annotated[str, Field(description="What became of it, in a few words.")]
    duration_ms: Annotated[int, Field(ge=0, description="How long the post took.")]
    answer: Annotated[str, Field(description="How the answer's body begins.")]


class ParkedCallback(CallbackResult):
    """A callback that is tried no more, with the result of its last attempt."""

    id: Annotated[str, Field(pattern=f"^{ID.pattern}$", description="Our id of the callback.")]
    at: Annotated[
        str,
        Field(description="When it was parked. UTC.", json_schema_extra={"format": "date-time"}),
    ]
    url: Annotated[str, Field(description="Where it was to go.")]
    format: Annotated[str, Field(description="The name of its format.")]
    failures: Annotated[int, Field(ge=0, description="How often it was tried.")]
    messages: Annotated[list[ParkedMember], Field(min_length=1)]


class ParkedPage(TypedDict):
    """A page of parked callbacks."""

    parked: list[ParkedCallback]
    next: Annotated[
        str | None, Field(description="The `after` of the next page; null if there is none.")
    ]


def _time_ms(value: Any) -> int:
    try:
        return min(time_ms(value), END_MS)
    except ValueError:
        raise ValueError("a time with its offset, as in 2026-01-31T18:30:00Z") from None


_TimeMs = Annotated[
    int, BeforeValidator(_time_ms), WithJsonSchema({"type": "string", "format": "date-time"})
]
_Id = Annotated[str, Field(json_schema_extra={"pattern": f"^{ID.pattern}$"})]


def _without_default(schema: JsonDict) -> None:
    """Take out a default that is a number, where a request gives a text."""
    del schema["default"]


class TimeRange(BaseModel):
    """A range of times in Unix milliseconds, the first included, the last not."""

    from_ms: Annotated[_TimeMs, Field(description="Those parked then or later.")] = Field(
        default=0, validation_alias="from", json_schema_extra=_without_default
    )
    to_ms: Annotated[_TimeMs, Field(description="Those parked before then.")] = Field(
        default=END_MS, validation_alias="to", json_schema_extra=_without_default
    )


class DeadLetterQuery(TimeRange):
    """A request for a page of dead letters."""

    after: Annotated[
        str,
        Field(description="`next` of the page before."),
        Rule("what `next` held", re.compile(f"({ID.pattern})?")),
    ] = ""


def _ids(ids: tuple[str, ...]) -> tuple[str, ...]:
    if not all(map(ID.fullmatch, ids)):
        raise ValueError
    return ids


class Replay(TimeRange):
    """A request to post dead letters again: by `ids`, by time, or `all` of them."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"from": "2026-01-31T18:30:00Z"}], "minProperties": 1}
    )

    ids: Annotated[
        Annotated[tuple[_Id, ...], Field(min_length=1, max_length=IDS_LIMIT)]
        | SkipJsonSchema[None],
        Rule(f"1 to {IDS_LIMIT:,} ids of parked callbacks", check=_ids),
    ] = None
    all: Annotated[bool, Field(description="All that there are."), Rule("true or false")] = False


class Selection(NamedTuple):
    """A choice of dead letters: those with these ids, or if `ids` is None those of a time range.

    Times are Unix milliseconds, the first included, the last not.
    """

    ids: tuple[str, ...] | None = None
    from_ms: int = 0
    to_ms: int = END_MS


def selection_of(fields: Fields) -> Selection:
    """Return the choice made by `ids`, by `from` and `to` or one of them, or by `all`."""
    replay = read(Replay, fields)
    times = Selection(None, replay.from_ms, replay.to_ms)
    if sum((replay.ids is not None, times != Selection(), replay.all)) != 1:
        raise FieldRefused("ids", "or from and to, or all: one of these")
    return times if replay.ids is None else Selection(replay.ids)


def fields_of(dead_letter: DeadLetter) -> ParkedCallback:
    """Return the JSON of a dead letter, without phone numbers and texts."""
    task, last = dead_letter.task, dead_letter.last
    return {
        "id": dead_letter.id,
        "at": utc_text(dead_letter.at_ms),
        "url": task.endpoint.url,
        "format": task.endpoint.format,
        "failures": task.failures,
        "status": last.status,
        "reason": last.reason,
        "duration_ms": last.duration_ms,
        "answer": last.answer,
        "messages": [
            {"mid": member.mid, "client_ref": member.client_ref} for member in task.members
        ],
    }
