"""Consents: numbers that agreed to promotional messages of one header.

India's operators keep them in the digital consent acquisition (DCA) of TRAI's direction of 2 June
2023; a header is therefore one of DLT. A consent outweighs a registration with DND, and an opt-out
of before it. An opt-out of the same second or later outweighs the consent. Only promotional
messages of its header are concerned.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from harkara.base.errors import FieldRefused
from harkara.model.accounts import INDIAN_HEADER
from harkara.model.fields import Fields, Name, Rule, read
from harkara.model.messages import Category
from harkara.model.suppressions import (
    Number,
    Since,
    Source,
    Suppression,
    past_s,
    since_text,
)


class ConsentSource(StrEnum):
    """Where a consent was given: in an operator's DCA, or to the account itself."""

    DCA = "dca"
    DIRECT = "direct"


class ConsentRequest(Number):
    """The fields of a consent in a request."""

    header: Annotated[
        str,
        Field(description="The DLT header that may send.", examples=["ACMEFD"]),
        Rule("a DLT header of 3 to 6 letters and digits", INDIAN_HEADER),
    ]
    source: Annotated[
        ConsentSource,
        Field(description="Where it was given."),
        Rule(f"one of {', '.join(ConsentSource)}"),
    ] = ConsentSource.DCA
    purpose: Annotated[Name, Field(description="What it is for.", examples=["Offers"])] = ""
    since: Annotated[
        Since, Field(description="When it was given, a time that is past; now, if absent.")
    ] = None


class Consent(Number):
    """A number's consent to a header, given at `since_s` (Unix seconds)."""

    header: str
    source: ConsentSource
    purpose: str
    since_s: int

    @property
    def attribute(self) -> str:
        """The name under which it is stored with its number."""
        return attribute_of(self.header)


class ConsentEntry(TypedDict):
    """A consent as answers show it."""

    number: Annotated[str, Field(description="Digits with country code.")]
    header: str
    source: ConsentSource
    purpose: str
    since: Annotated[str, Field(description="UTC.", json_schema_extra={"format": "date-time"})]


class ConsentEntries(TypedDict):
    """The consents of a number, one for each header."""

    consents: list[ConsentEntry]


class ConsentPage(ConsentEntries):
    """A page of consents."""

    next: Annotated[
        str | None, Field(description="The `after` of the next page; null if there is none.")
    ]


def attribute_of(header: str) -> str:
    """Return the name under which a consent to a header is stored."""
    return f"consent_{header}"


def consent_of(fields: Fields, now_s: int) -> Consent:
    """Return the consent of a request's fields. Raises FieldRefused."""
    request = read(ConsentRequest, fields)
    return Consent(
        number=request.number,
        header=request.header,
        source=request.source,
        purpose=request.purpose,
        since_s=past_s(request.since, now_s),
    )


def fields_of(consent: Consent) -> ConsentEntry:
    """Return a consent's fields in the form that `consent_of` reads."""
    return {
        "number": consent.number,
        "header": consent.header,
        "source": consent.source,
        "purpose": consent.purpose,
        "since": since_text(consent.since_s),
    }


def header_of(text: str) -> str:
    """Return a consent's header. Raises FieldRefused."""
    if not INDIAN_HEADER.fullmatch(text):
        raise FieldRefused("header", "a DLT header of 3 to 6 letters and digits")
    return text


def blocking(
    entries: Iterable[Suppression],
    consents: Iterable[Consent],
    category: Category,
    header: str,
    promotion: int,
) -> Suppression | None:
    """Return the entry of a number that blocks a message to it; None if it may go out.

    `promotion` is as for `Suppression.blocks`.
    """
    found: Sequence[Suppression] = [each for each in entries if each.blocks(category, promotion)]
    if category is Category.PROMOTIONAL:
        given_s = next((each.since_s for each in consents if each.header == header), -1)
        if given_s >= 0 and all(
            each.source is Source.DND or each.since_s < given_s for each in found
        ):
            return None
    return found[-1] if found else None
