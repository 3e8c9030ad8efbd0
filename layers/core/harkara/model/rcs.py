"""What a message says by RCS, in front of its SMS: a text, or a template of the provider's.

The bounds are those of Google's "AgentContentMessage", "Suggestion" and "SuggestedAction" (RCS for
Business API), which Indian providers pass on.
"""

from collections.abc import Sequence
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, NamedTuple, NotRequired

from pydantic import ConfigDict, Field, TypeAdapter, with_config
from typing_extensions import TypedDict

TEXT_LIMIT = 3_072
LABEL_LIMIT = 25
SUGGESTIONS_LIMIT = 11
URL_LIMIT = 2_048
NAME_LIMIT = 100
VARIABLES_LIMIT = 100
VALUE_LIMIT = 1_000

RCS_RULE = (
    f"text of at most {TEXT_LIMIT:,} characters with at most {SUGGESTIONS_LIMIT} suggestions, each"
    f" of text (at most {LABEL_LIMIT} characters) and an http(s) url or a phone as in"
    f" +919876543210; or template_id with variables, at most {VARIABLES_LIMIT} of {VALUE_LIMIT:,}"
    " characters each"
)
_URL = r"^https?://[^\s/?#]\S*$"
_PHONE = r"^\+[1-9][0-9]{5,14}$"
_FORBID = ConfigDict(extra="forbid", strict=True)


class Channel(StrEnum):
    """By what a carrier reaches phones."""

    SMS = "sms"
    RCS = "rcs"


class Suggestion(NamedTuple):
    """A button below an RCS text: it opens `url`, or dials `phone`; the other is empty."""

    text: str
    url: str = ""
    phone: str = ""


class Rcs(NamedTuple):
    """A message's RCS content: `text` with suggestions, or `template_id` with variables by name."""

    text: str = ""
    template_id: str = ""
    variables: tuple[tuple[str, str], ...] = ()
    suggestions: tuple[Suggestion, ...] = ()


@with_config(_FORBID)
class RcsSuggestion(TypedDict):
    """A button below an RCS text; it opens a URL or dials a number."""

    text: Annotated[str, Field(min_length=1, max_length=LABEL_LIMIT, description="Its label.")]
    url: NotRequired[
        Annotated[
            str,
            Field(max_length=URL_LIMIT, pattern=_URL, description="What it opens."),
        ]
    ]
    phone: NotRequired[
        Annotated[
            str,
            Field(pattern=_PHONE, description="What it dials.", examples=["+919876543210"]),
        ]
    ]


@with_config(_FORBID)
class RcsContent(TypedDict):
    """What goes out by RCS, where a route sends that first."""

    text: NotRequired[
        Annotated[
            str,
            Field(min_length=1, max_length=TEXT_LIMIT, description="The text; or `template_id`."),
        ]
    ]
    template_id: NotRequired[
        Annotated[
            str,
            Field(
                min_length=1,
                max_length=NAME_LIMIT,
                description="The RCS provider's own template, which Indian providers require.",
            ),
        ]
    ]
    variables: NotRequired[
        Annotated[
            dict[
                Annotated[str, Field(min_length=1, max_length=NAME_LIMIT)],
                Annotated[str, Field(max_length=VALUE_LIMIT)],
            ],
            Field(max_length=VARIABLES_LIMIT, description="The template's values by name."),
        ]
    ]
    suggestions: NotRequired[
        Annotated[
            list[RcsSuggestion],
            Field(max_length=SUGGESTIONS_LIMIT, description="Buttons below the text."),
        ]
    ]


@cache
def _content() -> TypeAdapter[RcsContent]:
    return TypeAdapter(RcsContent)


def read_rcs(value: Any) -> Rcs:
    """Return the RCS content in a request's JSON. Raises ValueError."""
    content = _content().validate_python(value)
    text, template_id = content.get("text", ""), content.get("template_id", "")
    variables, suggestions = content.get("variables", {}), content.get("suggestions", [])
    if ("text" in content) == ("template_id" in content) or not (text or template_id).strip():
        raise ValueError("either a text, or a template")
    if (text and variables) or (template_id and suggestions):
        raise ValueError("a text has suggestions, a template has variables")
    if any(("url" in each) == ("phone" in each) for each in suggestions):
        raise ValueError("a suggestion opens a URL, or dials a number")
    buttons = tuple(
        Suggestion(each["text"], each.get("url", ""), each.get("phone", "")) for each in suggestions
    )
    return Rcs(text, template_id, tuple(variables.items()), buttons)


def stored_rcs(row: Sequence[Any]) -> Rcs:
    """Return the RCS content of a row of JSON that was made of it."""
    text, template_id, variables, suggestions = row
    buttons = tuple(Suggestion(*each) for each in suggestions)
    return Rcs(text, template_id, tuple((name, value) for name, value in variables), buttons)
