"""Read a request from an event of an HTTP API (payload format 2.0), as plain data for services.

Describe and read the query of a URL. Each reader raises RequestRefused, which names the field.

Other parameters are ignored. The typed dictionaries are for the API's description alone.
"""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

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

SURPLUS_SLASHES = re.compile(r"/+(?=/|\Z)")
"""The slashes that a path has too many. The path "/" has one, too: it is left empty."""


@dataclass(frozen=True)
class Request:
    """A request as it was sent, except that the names of its headers are in lower case.

    Surplus slashes in the path are removed: a configured base URL may end with one.

    `id` is API Gateway's: its log has it, and the answer's header Apigw-Requestid.
    """

    id: str
    method: str
    path: str
    query_string: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    source_ip: str
    past_api: bool = False
    """Whether it came to the function's own URL, which has no API or proxy in front."""

    @property
    def content_type(self) -> str:
        """The content type with its parameters, "" for none."""
        return self.headers.get("content-type", "")

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> "Request":
        """Return the request of an event.

        Powertools' own `decoded_body` raises for bytes that are not UTF-8, such as a file in gzip.
        """
        context = event["requestContext"]
        http = context["http"]
        body = event.get("body") or ""
        return cls(
            id=context["requestId"],
            method=http["method"],
            path=SURPLUS_SLASHES.sub("", event["rawPath"]) or "/",
            query_string=event.get("rawQueryString", ""),
            query=event.get("queryStringParameters") or {},
            headers={name.lower(): value for name, value in event.get("headers", {}).items()},
            body=base64.b64decode(body)
            if event.get("isBase64Encoded")
            else body.encode("utf-8", "surrogatepass"),
            source_ip=http["sourceIp"],
            past_api=_is_function_url(context.get("domainName", ""), context.get("apiId", "")),
        )


def _is_function_url(domain: str, api_id: str) -> bool:
    """Whether a domain name is that of the function's own URL (`<id>.lambda-url.<Region>`).

    The name is the Host header's, and a wildcard domain of the API lets a client choose parts of
    it: so it must be below AWS's own domain, and begin with the id that AWS gives.
    """
    return domain.startswith(f"{api_id}.lambda-url.") and domain.endswith(".on.aws")


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
