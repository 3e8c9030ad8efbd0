"""Describe the route of short links."""

from harkara.api.openapi.answers import ALWAYS, refusals
from harkara.api.openapi.shapes import Schema, content, text
from harkara.base.codes import Code
from harkara.links.codec import CODE_LENGTH

_CODE: Schema = {
    "name": "code",
    "in": "path",
    "required": True,
    "description": "What stands behind the short domain in a message's link.",
    "schema": {"type": "string", "pattern": f"^[0-9A-Za-z]{{{CODE_LENGTH}}}$"},
}
_PAGE = content(text(), "text/html")
_REFUSED = refusals((Code.NOT_FOUND, Code.METHOD_NOT_ALLOWED, *ALWAYS))


def _operation(name: str, summary: str) -> Schema:
    return {
        "operationId": name,
        "tags": ["Links"],
        "summary": summary,
        "description": "A link leads to a URL of its own message, on the domain that it was sent"
        " with, for as long as the account has it. Whoever is answered with a page is told no more"
        " than that there is no such link, or that it has ended. A click is what a person does:"
        " HEAD, previews, prefetches and crawlers are redirected and not told of.",
        "security": [],
        "responses": {
            "302": {
                "description": "Where it leads.",
                "headers": {"Location": {"$ref": "#/components/headers/Location"}},
            },
            **_REFUSED,
            "404": {
                "description": "There is no such link.",
                "content": _REFUSED["404"]["content"] | _PAGE,
            },
            "410": {"description": "The link has ended.", "content": _PAGE},
            "503": _REFUSED["503"] | {"content": _REFUSED["503"]["content"] | _PAGE},
        },
    }


PATHS: Schema = {
    "/{code}": {
        "parameters": [_CODE],
        "get": _operation("follow", "Follow a short link"),
        "head": _operation("look", "See where a short link leads"),
    }
}
