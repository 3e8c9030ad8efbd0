"""The shapes of platforms' own requests to send, for the API's description (`shapes`)."""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import Field, with_config
from typing_extensions import TypedDict

from harkara.accept.formats.shapes import (
    SAMPLE_TEMPLATE_ID,
    SAMPLE_TEXT,
    Body,
    CallbackUrl,
    ClientRef,
    From,
    PeId,
    TemplateId,
    Text,
    To,
    example,
)
from harkara.model.rcs import LABEL_LIMIT, SUGGESTIONS_LIMIT, TEXT_LIMIT

_WEBENGAGE = {
    "version": "2.0",
    "smsData": {"toNumber": "919876543210", "fromNumber": "ACMEBK", "body": SAMPLE_TEXT},
    "metadata": {
        "campaignType": "TRANSACTIONAL",
        "timestamp": "2026-01-25T10:24:16+0000",
        "messageId": "order-4711",
        "indiaDLT": {"contentTemplateId": SAMPLE_TEMPLATE_ID},
    },
}
_CLEVERTAP = {
    "payloadVersion": 0.1,
    "msgId": "order-4711",
    "to": "+919876543210",
    "callbackURL": "https://eu1.api.clevertap.com/delivery/rcs",
    "rcsContent": {
        "senderId": "acme_agent",
        "content": {
            "type": "TEXT",
            "text": SAMPLE_TEXT,
            "suggestions": [{"type": "OPEN_URL", "text": "Track", "url": "https://acme.example/t"}],
        },
    },
    "smsContent": {
        "senderId": "ACMEBK",
        "body": SAMPLE_TEXT,
        "customParam": [{"name": "templateid", "value": SAMPLE_TEMPLATE_ID}],
    },
}
_SUPABASE = {
    "user": {"id": "6481a5c1-3d37-4a56-9f6a-bee08c554965", "phone": "919876543210"},
    "sms": {"otp": "561166"},
}


class WebEngageDlt(TypedDict, total=False):
    """The DLT fields of WebEngage's metadata."""

    contentTemplateId: TemplateId
    principalEntityId: PeId
    telemarketerId: Annotated[Text, Field(description="Ignored: the account has its own.")]


class WebEngageMetadata(TypedDict, total=False):
    """WebEngage's metadata of a message."""

    campaignType: Annotated[
        Literal["TRANSACTIONAL", "PROMOTIONAL"] | None,
        Field(description="`TRANSACTIONAL` leaves the category to the header or template."),
    ]
    timestamp: Annotated[Text, Field(description="Ignored.")]
    messageId: ClientRef
    custom: Annotated[dict[str, Any] | None, Field(description="Ignored.")]
    indiaDLT: WebEngageDlt | None


class WebEngageSms(TypedDict):
    """A message in WebEngage's format."""

    toNumber: To
    fromNumber: From
    body: Body


@with_config(example(_WEBENGAGE))
class WebEngageMessage(TypedDict):
    """A request of WebEngage's private SSP."""

    version: Literal["1.0", "2.0"]
    smsData: WebEngageSms
    metadata: NotRequired[WebEngageMetadata | None]


class CleverTapParameter(TypedDict):
    """A parameter that the customer added."""

    name: Annotated[
        str | int | None,
        Field(description="For the SMS: a field of `POST /datasend`, in any case."),
    ]
    value: NotRequired[Any]


class CleverTapSuggestion(TypedDict):
    """A button: `OPEN_URL` with `url`, or `DIAL_PHONE` with `phoneNumber`."""

    type: Literal["OPEN_URL", "DIAL_PHONE"]
    text: Annotated[str, Field(min_length=1, max_length=LABEL_LIMIT)]
    url: NotRequired[str | None]
    phoneNumber: NotRequired[
        Annotated[str | None, Field(description="In the form `+919876543210`.")]
    ]
    postbackData: NotRequired[Annotated[Any, Field(description="Ignored.")]]


class CleverTapText(TypedDict):
    """What goes out by RCS; CleverTap's other types are refused."""

    type: Literal["TEXT"]
    text: Annotated[str, Field(min_length=1, max_length=TEXT_LIMIT)]
    suggestions: NotRequired[
        Annotated[list[CleverTapSuggestion], Field(max_length=SUGGESTIONS_LIMIT)] | None
    ]


class CleverTapRcs(TypedDict):
    """The RCS side of a message."""

    senderId: NotRequired[
        Annotated[Any, Field(description="Ignored: the route's RCS carrier has an agent.")]
    ]
    customParam: NotRequired[Annotated[Any, Field(description="Ignored.")]]
    content: CleverTapText


class CleverTapSms(TypedDict, total=False):
    """The SMS behind it, by DLT's rules."""

    senderId: From
    body: Body
    customParam: list[CleverTapParameter] | None


@with_config(example(_CLEVERTAP))
class CleverTapMessage(TypedDict):
    """A request of CleverTap's Generic RCS API."""

    payloadVersion: NotRequired[Annotated[Any, Field(description="Ignored; 0.1 is known.")]]
    msgId: NotRequired[ClientRef]
    to: To
    callbackURL: NotRequired[CallbackUrl]
    rcsContent: CleverTapRcs
    smsContent: CleverTapSms


class SupabaseUser(TypedDict, total=False):
    """The user who signs in; other fields are ignored."""

    id: ClientRef
    phone: Annotated[Text, Field(description="The number, with its country code.")]


class SupabaseSms(TypedDict):
    """What to send."""

    otp: Annotated[str | int, Field(description="The code.")]
    phone: NotRequired[
        Annotated[Text, Field(description="The number, if it is not the user's present one.")]
    ]


@with_config(example(_SUPABASE))
class SupabaseHook(TypedDict):
    """A call of Supabase's "Send SMS Hook"."""

    user: SupabaseUser
    sms: SupabaseSms


_From = TypedDict("_From", {"from": From}, total=False)


class SupabaseQuery(_From, total=False):
    """The settings in the hook's URL."""

    text: Annotated[
        str,
        Field(
            description="The text, with `{otp}` in place of the code; if absent, that of the"
            " template.",
            examples=["{otp} is your code for Acme."],
        ),
    ]
    template_id: Annotated[
        str, Field(description="The DLT template's id; if absent, it is found for the text.")
    ]
