"""Describe and read the query of a URL. Each reader raises RequestRefused, which names the field.

Other parameters are ignored. The typed dictionaries are for the API's description alone.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field
from typing_extensions import TypedDict

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.manage.dead_letter_fields import PAGE_LIMIT as PARKED_PAGE_LIMIT
from harkara.manage.dead_letter_fields import DeadLetterQuery
from harkara.manage.registry import NAME_LIMIT, PAGE_LIMIT
from harkara.manage.template_portals import TYPES, category_of
from harkara.model.fields import names_of
from harkara.model.messages import Category
from harkara.model.suppressions import Source

PAGE_SIZE = 100

Query = Mapping[str, str]


class PageQuery(TypedDict, total=False):
    """The query of a page."""

    limit: Annotated[
        int,
        Field(
            ge=1,
            le=PAGE_LIMIT,
            description="How many at most.",
            json_schema_extra={"default": PAGE_SIZE},
        ),
    ]
    after: Annotated[
        str, Field(max_length=NAME_LIMIT, description="The `next` of the page before.")
    ]


class CampaignQuery(PageQuery, total=False):
    """The query of a page of campaigns."""

    order: Annotated[
        Literal["id", "newest"],
        Field(
            description="`newest`: those that had messages in the last 7 days, the last messages"
            " first, 99 at most on one page.",
            json_schema_extra={"default": "id"},
        ),
    ]


class ParkedPageQuery(DeadLetterQuery):
    """The query of a page of parked callbacks."""

    limit: Annotated[
        int,
        Field(
            ge=1,
            le=PARKED_PAGE_LIMIT,
            description="How many at most.",
        ),
    ] = PAGE_SIZE


class SourceQuery(TypedDict, total=False):
    """The query of a removal."""

    source: Annotated[Source, Field(description="The entry of this source alone.")]


class HeaderQuery(TypedDict):
    """The query of the removal of a consent."""

    header: Annotated[str, Field(description="The header that it is to.", examples=["ACMEFD"])]


class ImportQuery(TypedDict, total=False):
    """The query of an import."""

    type: Annotated[
        str,
        Field(
            description="Of a file: the type of rows that name none, in any portal's words.",
            json_schema_extra={"enum": [*TYPES.values()]},
        ),
    ]


def page_limit(query: Query, most: int = PAGE_LIMIT) -> int:
    """Return the size of a page."""
    value = query.get("limit", str(PAGE_SIZE))
    if re.fullmatch("[0-9]{1,4}", value) and 1 <= int(value) <= most:
        return int(value)
    raise RequestRefused(Code.INVALID_REQUEST, f"(limit: a number from 1 to {most:,})")


def page_of(query: Query) -> tuple[str, int]:
    """Return the name after which a page begins, "" for none, and its size."""
    after = query.get("after", "")
    if len(after) > NAME_LIMIT:
        raise RequestRefused(Code.INVALID_REQUEST, "(after: the name that `next` held)")
    return after, page_limit(query)


def is_newest(query: Query) -> bool:
    """Return whether the newest campaigns are asked for, not all by id."""
    order = query.get("order", "id")
    if order not in ("id", "newest"):
        raise RequestRefused(Code.INVALID_REQUEST, "(order: id or newest)")
    return order == "newest"


def parked_page_of(query: Query) -> tuple[Query, int]:
    """Return the parameters that DeadLetterQuery has, and the size of a page."""
    fields = {name: query[name] for name in names_of(DeadLetterQuery) if name in query}
    return fields, page_limit(query, PARKED_PAGE_LIMIT)


def sources(query: Query) -> list[Source]:
    """Return the sources of suppressions that the query selects: one, or all."""
    value = query.get("source")
    if value is None:
        return [*Source]
    if value not in [*Source]:
        raise RequestRefused(Code.INVALID_REQUEST, f"(source: one of {', '.join(Source)})")
    return [Source(value)]


def type_of(query: Query) -> Category | None:
    """Return the category of templates, given in any portal's words; None if it is missing."""
    value = query.get("type", "")
    category = category_of(value)
    if value and category is None:
        raise RequestRefused(Code.INVALID_REQUEST, f"(type: one of {', '.join(TYPES.values())})")
    return category
