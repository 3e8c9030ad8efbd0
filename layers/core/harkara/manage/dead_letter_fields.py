"""Read requests about dead letters ("parked callbacks" in the API) and write their JSON."""

import re
from typing import Any, NamedTuple

from harkara.accept.formats.options import time_ms
from harkara.base import fields as given
from harkara.base.errors import FieldRefused
from harkara.base.fields import Fields
from harkara.base.time import utc_text
from harkara.model.dead_letters import END_MS, DeadLetter

IDS_LIMIT = 1_000
# One dead letter may hold a hundred messages.
PAGE_LIMIT = 100
ID = re.compile(r"[0-9]{13}\.[!-~]{1,200}")

_IDS = f"1 to {IDS_LIMIT:,} ids of parked callbacks"
_AFTER: given.Pattern = re.compile(f"(?:{ID.pattern})?"), "what `next` held"


class Selection(NamedTuple):
    """A choice of dead letters: those with these ids, or if `ids` is None those of a time range.

    Times are Unix milliseconds, the first included, the last not.
    """

    ids: tuple[str, ...] | None = None
    from_ms: int = 0
    to_ms: int = END_MS


def selection_of(fields: Fields) -> Selection:
    """Return the choice made by `ids`, by `from` and `to` or one of them, or by `all`."""
    given.check_names(fields, "ids", "from", "to", "all")
    ids = given.strings(fields, "ids", _IDS)
    times = Selection(None, *range_of(fields))
    whole = given.flag(fields, "all")
    if sum((fields.get("ids") is not None, times != Selection(), whole)) != 1:
        raise FieldRefused("ids", "or from and to, or all: one of these")
    if fields.get("ids") is None:
        return times
    if not 0 < len(ids) <= IDS_LIMIT or not all(map(ID.fullmatch, ids)):
        raise FieldRefused("ids", _IDS)
    return Selection(tuple(ids))


def range_of(fields: Fields) -> tuple[int, int]:
    """Return `from` and `to`, in Unix milliseconds."""
    return _time_ms(fields, "from", 0), _time_ms(fields, "to", END_MS)


def after_of(fields: Fields) -> str:
    """Return the id that `after` names, "" for none."""
    return given.string(fields, "after", _AFTER)


def fields_of(parked: DeadLetter) -> dict[str, Any]:
    """Return the JSON of a dead letter, without phone numbers and texts."""
    task, last = parked.task, parked.last
    return {
        "id": parked.id,
        "at": utc_text(parked.at_ms),
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


def _time_ms(fields: Fields, name: str, default: int) -> int:
    value = fields.get(name)
    if value is None:
        return default
    try:
        return min(time_ms(value), END_MS)
    except ValueError:
        raise FieldRefused(name, "a time with its offset, as in 2026-01-31T18:30:00Z") from None
