"""Answers to phones: the message that an account sends to a number that wrote STOP, START or HELP.

An account without an answer to a keyword sends none.
"""

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from harkara.model.fields import Header, MessageText, OptionalTemplateId, Part, Rule
from harkara.model.messages import Category


class Keyword(StrEnum):
    """A request that a phone makes by a word."""

    STOP = "stop"
    START = "start"
    HELP = "help"


ANSWER_CATEGORIES = (Category.TRANSACTIONAL, Category.SERVICE_IMPLICIT, Category.GOVERNMENT)
"""The categories of answers: they go out at any hour, and none is a password."""


def _category(category: Category) -> Category:
    if category not in ANSWER_CATEGORIES:
        raise ValueError
    return category


class KeywordAnswer(Part):
    """The message to a number that wrote a keyword."""

    name_field = "keyword"

    keyword: Annotated[
        Keyword,
        Field(
            description="What the phone asked for: to get no more (in any word that counts as"
            " STOP), to get messages again, or for help.",
            examples=["stop"],
        ),
        Rule(f"one of {', '.join(Keyword)}"),
    ]
    header: Header
    category: Annotated[
        Category,
        Field(
            description="The category: one whose messages go out at any hour, and not otp.",
            examples=["service_implicit"],
        ),
        Rule(f"one of {', '.join(ANSWER_CATEGORIES)}", check=_category),
    ]
    text: MessageText
    template_id: OptionalTemplateId = ""
