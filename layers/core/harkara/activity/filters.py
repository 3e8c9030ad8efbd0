"""Read the filters of a list of messages, and the range of statistics, from a URL's query."""

import re
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any, Literal, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, Field, WithJsonSchema

from harkara.accept.formats.options import time_ms
from harkara.activity.happenings import EventName
from harkara.base.codes import Code
from harkara.base.errors import FieldRefused, RequestRefused
from harkara.base.time import DAY_S, IST_OFFSET_S
from harkara.model.fields import names_of, read
from harkara.model.messages import Category, State
from harkara.text.phone_numbers import normalise

DAYS_LIMIT = 31
PAGE_LIMIT = 100
PAGE_SIZE = 50
DAY_MS = DAY_S * 1000
ACCEPTED, PENDING, REFUSED = "accepted", "pending", "refused"
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
IST = timezone(timedelta(seconds=IST_OFFSET_S))
_TIME_WORDS = "a time with its offset, as in 2026-01-31T18:30:00Z, or a day of India: 2026-01-31"
_ABOUT_TIMES = "A time with its offset, or a day of India."
GroupName = Literal[
    "hour",
    "day",
    "state",
    "code",
    "category",
    "sender",
    "template",
    "country",
    "campaign",
    "carrier",
    "operator",
    "channel",
    "series",
    "prefix",
]
DailyBy = Literal["sender", "category", "country", "template", "campaign", "carrier"]
ReportState = Literal["pending", "refused"] | State
GROUPS: tuple[str, ...] = get_args(GroupName)
# As long as a reference may be.
Filter = Annotated[str, Field(max_length=512)]


def _from_ms(value: Any) -> int:
    try:
        if isinstance(value, str) and _DATE.fullmatch(value):
            return int(datetime.fromisoformat(value).replace(tzinfo=IST).timestamp() * 1000)
        return time_ms(value)
    except ValueError:
        raise ValueError(_TIME_WORDS) from None


def _to_ms(value: Any) -> int:
    is_day = isinstance(value, str) and _DATE.fullmatch(value)
    return _from_ms(value) + (DAY_MS if is_day else 0)


_TIME_SCHEMA = WithJsonSchema({"type": "string"})


class Range(BaseModel):
    """A range of times of acceptance in Unix milliseconds: the first included, the last not."""

    from_ms: Annotated[
        int | None,
        BeforeValidator(_from_ms),
        _TIME_SCHEMA,
        Field(
            description=f"Accepted then or later; by default a day before `to`. {_ABOUT_TIMES}",
            examples=["2026-11-01"],
        ),
    ] = Field(default=None, validation_alias="from")
    to_ms: Annotated[
        int | None,
        BeforeValidator(_to_ms),
        _TIME_SCHEMA,
        Field(
            description=f"Accepted before then, or on that day; by default now. {_ABOUT_TIMES}",
            examples=["2026-11-30"],
        ),
    ] = Field(default=None, validation_alias="to")

    def bounds(self, now_ms: int) -> tuple[int, int]:
        """Return the range in milliseconds. Raises RequestRefused(RANGE_TOO_LONG)."""
        to_ms = now_ms if self.to_ms is None else self.to_ms
        from_ms = to_ms - DAY_MS if self.from_ms is None else self.from_ms
        if not 0 <= to_ms - from_ms <= DAYS_LIMIT * DAY_MS:
            raise RequestRefused(Code.RANGE_TOO_LONG)
        return from_ms, to_ms


class ExportFilter(Range):
    """The filters of lists and exports: a message is in them if it fits all."""

    number: Annotated[Filter, Field(description="Its phone number, in any usual spelling.")] = ""
    client_ref: Annotated[Filter, Field(description="Your reference, `smsgid`.")] = ""
    campaign: Annotated[Filter, Field(description="Its campaign's id.", examples=["diwali"])] = ""
    state: Annotated[
        Literal["", "accepted", "pending", "refused"] | State,
        Field(
            description="`pending` until it has a final state; `refused` records were never sent;"
            " `accepted` are all others.",
            examples=["failed"],
        ),
    ] = ""
    code: Annotated[Literal[""] | Code, Field(description="Why it failed or was refused.")] = ""
    sender: Annotated[Filter, Field(description="Its sender id.")] = ""
    template: Annotated[Filter, Field(description="The id of its DLT template.")] = ""
    category: Annotated[Literal[""] | Category, Field(description="Its category.")] = ""
    country: Annotated[Filter, Field(description="ISO code of its number's country.")] = ""
    event: Annotated[
        Literal[""] | EventName,
        Field(description="What happened to it: a carrier took it, a link was opened, ..."),
    ] = ""

    @property
    def asked(self) -> list[Any]:
        """The filters without the page, in order: a cursor is good for the same ones only."""
        return list(self.model_dump(exclude={"limit", "after"}).values())


class MessageFilter(ExportFilter):
    """The query of `GET /v1/messages`."""

    limit: Annotated[
        int,
        Field(ge=1, le=PAGE_LIMIT, description="How many at most; a page may hold fewer."),
    ] = PAGE_SIZE
    after: Annotated[str, Field(max_length=600, description="`next` of the page before.")] = ""


class StatsQuery(Range):
    """The query of `GET /v1/stats`."""

    by: Annotated[
        GroupName,
        Field(description="What each group has in common. Hours and days are India's."),
    ] = "day"


class ReportQuery(Range):
    """The query of a report: messages by day, sender, category, country and state."""

    sender: Annotated[Filter, Field(description="Only of this sender id.")] = ""
    category: Annotated[Literal[""] | Category, Field(description="Only of this category.")] = ""
    country: Annotated[
        Filter, Field(description="Only to this country, an ISO code.", examples=["IN"])
    ] = ""
    state: Annotated[
        Literal[""] | ReportState,
        Field(description="Only in this state.", examples=["delivered"]),
    ] = ""


class DailyQuery(Range):
    """The query of groups of messages by day and one thing that they share."""

    by: DailyBy


Q = TypeVar("Q", bound=BaseModel)


def query_of(model: type[Q], query: Mapping[str, str]) -> Q:
    """Return a query of a URL. Raises RequestRefused: UNKNOWN_FILTER, or INVALID_REQUEST."""
    fields: dict[str, Any] = {**query}
    if unknown := query.keys() - names_of(model).keys():
        rule = f"({len(unknown)} unknown; there are {', '.join(names_of(model))})"
        raise RequestRefused(Code.UNKNOWN_FILTER, rule)
    if re.fullmatch("[0-9]{1,4}", limit := query.get("limit", "")):
        fields["limit"] = int(limit)
    try:
        return read(model, fields)
    except FieldRefused as refused:
        is_value = refused.field in ("state", "code", "category", "event", "by")
        code = Code.UNKNOWN_FILTER if is_value else Code.INVALID_REQUEST
        raise RequestRefused(code, f"({refused})") from refused


def last_days(count: int, now_ms: int) -> dict[str, str]:
    """Return the range of the last days of India, today included, as in a URL's query."""
    first, last = (
        datetime.fromtimestamp(at_ms / 1000, IST).date().isoformat()
        for at_ms in (now_ms - (count - 1) * DAY_MS, now_ms)
    )
    return {"from": first, "to": last}


def number_of(query: ExportFilter) -> str:
    """Return the msisdn that is asked for, "" for none. Raises RequestRefused(INVALID_NUMBER)."""
    return normalise(query.number)[0] if query.number else ""
