"""Read the query of a URL. Each function raises RequestRefused (INVALID_REQUEST, with its name)."""

import re
from collections.abc import Mapping

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.manage.template_portals import TYPES, category_of
from harkara.model.messages import Category
from harkara.model.suppressions import Source

PAGE_SIZE = 100

Query = Mapping[str, str]


def page_limit(query: Query, most: int) -> int:
    """Return the size of a page."""
    given = query.get("limit", str(PAGE_SIZE))
    if re.fullmatch("[0-9]{1,4}", given) and 1 <= int(given) <= most:
        return int(given)
    raise RequestRefused(Code.INVALID_REQUEST, f"(limit: a number from 1 to {most:,})")


def after_name(query: Query, length_limit: int) -> str:
    """Return the name after which a page begins, "" for none."""
    given = query.get("after", "")
    if len(given) > length_limit:
        raise RequestRefused(Code.INVALID_REQUEST, "(after: the name that `next` held)")
    return given


def sources(query: Query) -> list[Source]:
    """Return the sources of suppressions that the query selects: one, or all."""
    given = query.get("source")
    if given is None:
        return [*Source]
    if given not in [*Source]:
        raise RequestRefused(Code.INVALID_REQUEST, f"(source: one of {', '.join(Source)})")
    return [Source(given)]


def type_of(query: Query) -> Category | None:
    """Return the category of templates, given in any portal's words; None if it is missing."""
    given = query.get("type", "")
    category = category_of(given)
    if given and category is None:
        raise RequestRefused(Code.INVALID_REQUEST, f"(type: one of {', '.join(TYPES.values())})")
    return category
