"""The shapes of requests to send, for the API's description.

The parsers (`ics`, `native`) read bodies on their own: a record that is wrong is refused alone.
Tests compare the fields here with those that they read.
"""

from typing import Annotated, Any, Literal, NotRequired

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from harkara.accept.formats.options import CAMPAIGN_ID_LIMIT, VALIDITY_S, VARIABLES_LIMIT
from harkara.links.codec import URL_LIMIT, URLS_PER_MESSAGE
from harkara.model.messages import RECORD_LIMIT, Category
from harkara.model.rcs import RcsContent

# A string, or its digits as an integer; null counts as absent.
Text = str | int | None
_Flag = bool | int | str | None
_Value = str | float

To = Annotated[
    Text,
    Field(
        description="The recipient: `919876543210`, `+919876543210`, or ten digits of an Indian"
        " mobile number.",
        examples=["919876543210"],
    ),
]
From = Annotated[
    Text, Field(description="The DLT header (sender id); case counts.", examples=["ACMEBK"])
]
Body = Annotated[Text, Field(description="The text.", examples=["Hello"])]
ClientRef = Annotated[
    Text,
    Field(
        description="Your own id of the message, at most 512 bytes in UTF-8; it comes back in the"
        " callback. It need not be unique."
    ),
]
PeId = Annotated[
    Text,
    Field(description="The DLT principal entity's id; if absent, that of the header."),
]
TemplateId = Annotated[
    Text,
    Field(description="The DLT template's id; if absent, it is found among the account's."),
]
CallbackUrl = Annotated[
    Text,
    Field(
        description="Where the delivery callback goes instead of the account's own URL: https, on a"
        " host that the account allows."
    ),
]
CampaignId = Annotated[
    Text,
    Field(
        description=f"Your campaign's id, at most {CAMPAIGN_ID_LIMIT} characters.",
        json_schema_extra={"maxLength": CAMPAIGN_ID_LIMIT},
    ),
]
Validity = Annotated[
    Text,
    Field(
        description="Seconds after which the message is not delivered any more; 24 hours if"
        " absent.",
        json_schema_extra={"minimum": VALIDITY_S.start, "maximum": VALIDITY_S.stop - 1},
    ),
]
ShortenUrls = Annotated[
    _Flag,
    Field(
        description="Whether URLs in the text become short links on the account's short domain,"
        " whose clicks are reported; if absent, the account's default. At most"
        f" {URLS_PER_MESSAGE} different URLs in a text, each of {URL_LIMIT:,} characters at most."
    ),
]
_List = Annotated[list[_Value], Field(max_length=VARIABLES_LIMIT)]
_Named = Annotated[dict[str, _Value], Field(max_length=VARIABLES_LIMIT)]
_VARIABLES = "Values of the template's variables in order, or an object of them (`1`, `2`, ...)."
User = Annotated[Text, Field(description="The user name, unless a header authenticates.")]
Secret = Annotated[Text, Field(description="The secret of the user name.")]

SAMPLE_TEXT = "Your order 4711 is on its way."
SAMPLE_TEMPLATE_ID = "1107161234567890001"
_ROUTE = {"to": "919876543210", "from": "ACMEBK"}
_ICS = {**_ROUTE, "smstext": SAMPLE_TEXT, "smsgid": "order-4711", "templateid": SAMPLE_TEMPLATE_ID}
_SMPP = {**_ROUTE, "text": SAMPLE_TEXT, "smsmsgid": "order-4711"}
_NATIVE = {
    **_ROUTE,
    "template_id": SAMPLE_TEMPLATE_ID,
    "variables": ["4711"],
    "client_ref": "order-4711",
}


def example(example: dict[str, Any], extra: Literal["allow", "forbid"] = "allow") -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [example]}, extra=extra)


class IcsOptions(TypedDict, total=False):
    """The options of ICS's records."""

    smstype: Annotated[
        Text,
        Field(
            description="`otp`, `transactional`, `service implicit`, `service explicit` or"
            " `promotional`; also TRAI's letters `T`, `SI`, `SE`, `P`. If absent, the category of"
            " the header or template.",
            examples=["service implicit"],
        ),
    ]
    campaignid: CampaignId
    scheduletime: Annotated[
        str | None,
        Field(
            description="When to send, at most 30 days ahead: `2026-01-31 18:30:00` in IST, or ISO"
            " 8601 with its offset."
        ),
    ]
    validity: Validity
    templatevariables: Annotated[
        _List | _Named | str | None,
        Field(
            description=f"{_VARIABLES} Also a string: such JSON, or values separated by `|`. If"
            " `smstext` is absent, the text is made of the registered template."
        ),
    ]
    allowunicode: Annotated[
        _Flag,
        Field(description="Whether a text may go out in UCS-2: `true`, `false`, `1` or `0`."),
    ]
    urlshortening: ShortenUrls
    shorten_urls: Annotated[_Flag, Field(description="The same as `urlshortening`.")]


_From = TypedDict("_From", {"from": From}, total=False)
_Route = TypedDict("_Route", {"to": To, "from": From})
IcsUser = TypedDict("IcsUser", {"user": User, "pass": Secret}, total=False)


class _SmppUser(TypedDict, total=False):
    username: User
    password: Secret


class _To(TypedDict):
    to: To


class _IcsText(TypedDict, total=False):
    smstext: Body
    smsgid: ClientRef


class _IcsFields(IcsOptions, total=False):
    peid: PeId
    templateid: TemplateId
    dlrurl: CallbackUrl


class IcsRecord(_To, _From, _IcsText, _IcsFields):
    """A record of a batch in ICS Mobile's format."""


@with_config(example({"user": "acme", "pass": "secret", "smstosend": [_ICS]}))
class IcsBatch(IcsUser, _From, _IcsFields):
    """Records in ICS Mobile's format. A field beside them is for the records that lack it."""

    smstext: NotRequired[Body]
    smstosend: Annotated[
        list[IcsRecord],
        Field(min_length=1, max_length=RECORD_LIMIT, description=f"1 to {RECORD_LIMIT:,} records."),
    ]


@with_config(example({"user": "acme", "pass": "secret", **_ICS}))
class IcsSingle(IcsUser, _Route, _IcsText, _IcsFields):
    """One message in ICS Mobile's format."""


@with_config(example(_SMPP))
class SmppMessage(_SmppUser, _Route, _IcsFields):
    """One message in the format of ICS Mobile's one-message API."""

    text: NotRequired[Body]
    smsmsgid: NotRequired[ClientRef]


class _Native(TypedDict, total=False):
    text: Annotated[
        Text,
        Field(
            description="The text; or a registered `template_id` and `variables`.",
            examples=["Hello"],
        ),
    ]
    client_ref: ClientRef
    pe_id: PeId
    template_id: TemplateId
    callback_url: CallbackUrl
    category: Annotated[
        str | None,
        Field(
            description="What kind of message it is, in any spelling of these words; if absent, the"
            " category of the header or template.",
            examples=[*map(str, Category)],
        ),
    ]
    campaign_id: CampaignId
    send_at: Annotated[
        str | None,
        Field(
            description="When to send, at most 30 days ahead: ISO 8601 with an offset or Z.",
            json_schema_extra={"format": "date-time"},
        ),
    ]
    validity_period_s: Validity
    variables: Annotated[_List | _Named | None, Field(description=_VARIABLES)]
    shorten_urls: ShortenUrls
    rcs: Annotated[
        RcsContent | None,
        Field(
            description="What goes out by RCS first, where the account's route has RCS; the text"
            " goes by SMS where that does not reach the phone. Its URLs are not shortened."
        ),
    ]


@with_config(example(_NATIVE, "forbid"))
class NewMessage(_Route, _Native):
    """A message to send."""


@with_config(example({"messages": [_NATIVE]}, "forbid"))
class NewMessages(TypedDict):
    """Messages to send."""

    messages: Annotated[
        list[NewMessage],
        Field(
            min_length=1, max_length=RECORD_LIMIT, description=f"1 to {RECORD_LIMIT:,} messages."
        ),
    ]


class DryRunQuery(TypedDict, total=False):
    """The query of a request to send."""

    dry_run: Annotated[
        Literal["true", "false", "1", "0"],
        Field(description="Whether to say only what would become of the messages."),
    ]
