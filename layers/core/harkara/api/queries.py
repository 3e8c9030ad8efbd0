"""What a URL's query asks for. Each raises RequestRefused (INVALID_REQUEST), which names it."""

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
    """Return how many a page is to have."""
    given = query.get("limit", str(PAGE_SIZE))
    if re.fullmatch("[0-9]{1,4}", given) and 1 <= int(given) <= most:
        return int(given)
    raise RequestRefused(Code.INVALID_REQUEST, f"(limit: a number from 1 to {most:,})")


def after_name(query: Query, length_limit: int) -> str:
    """Return the name beyond which a page begins, "" for none."""
    given = query.get("after", "")
    if len(given) > length_limit:
        raise RequestRefused(Code.INVALID_REQUEST, "(after: the name that `next` held)")
    return given


def sources(query: Query) -> list[Source]:
    """Return whose entries are meant: those of one source, or of all."""
    given = query.get("source")
    if given is None:
        return [*Source]
    if given not in [*Source]:
        raise RequestRefused(Code.INVALID_REQUEST, f"(source: one of {', '.join(Source)})")
    return [Source(given)]


def type_of(query: Query) -> Category | None:
    """Return the type of templates that is meant, in any portal's words; None where none is."""
    given = query.get("type", "")
    category = category_of(given)
    if given and category is None:
        raise RequestRefused(Code.INVALID_REQUEST, f"(type: one of {', '.join(TYPES.values())})")
    return category
