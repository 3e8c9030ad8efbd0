"""CleverTap's Generic RCS API: what is read, and what is refused in so many words."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import to_json

from harkara.accept.formats import clevertap_rcs
from harkara.accept.requests import NO_OPTIONS, Record
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.model.messages import Category
from harkara.model.rcs import Rcs, Suggestion
from tests.unit.json_values import json_values

URL = "https://api.clevertap.com/dlr"
# The example of CleverTap's page "Generic RCS API", with the suggestion that is taken.
EXAMPLE: dict[str, Any] = {
    "payloadVersion": 0.1,
    "msgId": "CT_TXT_20240315_001_ABC123",
    "to": "+911234567890",
    "callbackURL": URL,
    "rcsContent": {
        "senderId": "BRAND_RCS_001",
        "customParam": [{"name": "campaign_id", "value": "welcome_flow_2024"}],
        "content": {
            "type": "TEXT",
            "text": "Welcome to our service!",
            "suggestions": [
                {
                    "type": "OPEN_URL",
                    "text": "Learn More",
                    "postbackData": "visit_website",
                    "url": "https://example.com/features",
                }
            ],
        },
    },
    "smsContent": {"senderId": "BRAND1", "body": "Welcome!"},
}
RCS = Rcs(
    "Welcome to our service!",
    suggestions=(Suggestion("Learn More", "https://example.com/features"),),
)
READ = Record(
    "+911234567890",
    "BRAND1",
    "Welcome!",
    "CT_TXT_20240315_001_ABC123",
    callback_url=URL,
    options=NO_OPTIONS._replace(rcs=RCS),
)
CONTENT, SMS = "rcsContent.content", "smsContent"


def changed(path: str, **fields: Any) -> dict[str, Any]:
    """Return the example with other fields at a path; `...` leaves a field out."""
    body = copy.deepcopy(EXAMPLE)
    at = body
    for name in path.split(".") if path else ():
        at = at[name]
    at |= fields
    for name in [name for name, value in fields.items() if value is ...]:
        del at[name]
    return body


def button(**fields: Any) -> dict[str, Any]:
    return changed(CONTENT, suggestions=[fields])


def parameters(*listed: Any, **beside: Any) -> dict[str, Any]:
    return changed(SMS, customParam=list(listed), **beside)


def named(name: str, value: Any) -> dict[str, Any]:
    return {"name": name, "value": value}


DIAL = {"type": "DIAL_PHONE", "text": "Call", "phoneNumber": "+911234567890"}
PLAIN = NO_OPTIONS._replace(rcs=Rcs("Welcome to our service!"))


@pytest.mark.parametrize(
    ("body", "record"),
    [
        pytest.param(EXAMPLE, READ, id="the page's example"),
        pytest.param(changed("", payloadVersion="7"), READ, id="a later version"),
        pytest.param(
            changed("", msgId=..., callbackURL=None),
            READ._replace(client_ref="", callback_url=""),
            id="no id, no URL",
        ),
        pytest.param(changed(CONTENT, type=" text "), READ, id="type in small letters"),
        pytest.param(
            changed(CONTENT, suggestions=None), READ._replace(options=PLAIN), id="no buttons: null"
        ),
        pytest.param(
            changed(CONTENT, suggestions=...), READ._replace(options=PLAIN), id="no buttons"
        ),
        pytest.param(
            button(**DIAL),
            READ._replace(
                options=PLAIN._replace(
                    rcs=Rcs(
                        "Welcome to our service!",
                        suggestions=(Suggestion("Call", phone="+911234567890"),),
                    )
                )
            ),
            id="a number to dial",
        ),
        pytest.param(
            parameters(
                named("templateId", "1107"),
                named("PEID", 1101),
                named("smstype", "otp"),
                named("their_own", {"a": []}),
            ),
            READ._replace(
                dlt_template_id="1107",
                pe_id="1101",
                options=READ.options._replace(category=Category.OTP),
            ),
            id="parameters of the SMS",
        ),
        pytest.param(
            parameters(templateid="1107"),
            READ._replace(dlt_template_id="1107"),
            id="a parameter beside the text",
        ),
        pytest.param(
            parameters(
                named("to", "+910000000000"),
                named("smstosend", [{}]),
                named("dlrurl", "https://x.example"),
            ),
            READ,
            id="parameters that name the message's own fields",
        ),
    ],
)
def test_a_message_is_read(body: dict[str, Any], record: Record) -> None:
    request = clevertap_rcs.parse(to_json(body))
    assert request.records == [record]
    assert request.single


REFUSED = [
    pytest.param(
        changed(CONTENT, type=kind), f"(rcsContent.content.type: TEXT; {why} taken)", id=str(kind)
    )
    for kind, why in {
        "RICH_CARD": "a RICH_CARD is not",
        "CAROUSEL": "a CAROUSEL is not",
        "MEDIA": "a MEDIA is not",
        "text/html": "no other is",
        None: "no other is",
        7: "no other is",
    }.items()
]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        *REFUSED,
        pytest.param(changed(CONTENT, type=["TEXT"]), "(type: a string)", id="a type in an array"),
        pytest.param(
            button(type="REPLY", text="Yes", postbackData="y"), "a REPLY is not taken", id="a reply"
        ),
        pytest.param(
            button(text="Yes"), "of type OPEN_URL or DIAL_PHONE", id="a button of no type"
        ),
        pytest.param(
            button(type="OPEN_URL", text="x"), "(rcsContent.content: text of", id="no URL"
        ),
        pytest.param(
            button(type="OPEN_URL", text="x", url="javascript:x"), "http(s) url", id="no web"
        ),
        pytest.param(
            button(**DIAL | {"text": "x" * 26}), "at most 25 characters", id="a long label"
        ),
        pytest.param(
            button(**DIAL | {"phoneNumber": "123"}), "a phone as in", id="no number to dial"
        ),
        pytest.param(changed(CONTENT, suggestions=[DIAL] * 12), "at most 11", id="many buttons"),
        pytest.param(
            changed(CONTENT, suggestions={"a": DIAL}), "(suggestions: an array", id="no array"
        ),
        pytest.param(changed(CONTENT, suggestions=["x"]), "(suggestions: an array", id="texts"),
        pytest.param(changed(CONTENT, text=""), "(rcsContent.content: text of", id="no text"),
        pytest.param(changed(CONTENT, text="x" * 3073), "at most 3,072", id="a long text"),
        pytest.param(changed("", smsContent=...), "(smsContent: the SMS that goes", id="no SMS"),
        pytest.param(
            changed("", smsContent="Hello"), "(smsContent: the SMS that goes", id="a text as SMS"
        ),
        pytest.param(changed("", rcsContent=None), "(rcsContent: an object)", id="no RCS"),
        pytest.param(changed("rcsContent", content=[]), "(content: an object)", id="no content"),
        pytest.param(
            parameters("x"), "(customParam: an array of objects)", id="parameters that are texts"
        ),
        pytest.param(parameters({"name": ["a"]}), "(name: a string)", id="a name in an array"),
        pytest.param(changed("", dryRun=True), "dry_run", id="a dry run"),
        pytest.param(parameters(named("dry_run", "1")), "dry_run", id="a dry run in a parameter"),
    ],
)
def test_what_is_not_taken_is_refused_in_so_many_words(body: dict[str, Any], says: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        clevertap_rcs.parse(to_json(body))
    assert refused.value.code is Code.INVALID_REQUEST
    assert says in refused.value.detail
    assert "Welcome" not in refused.value.message


def places(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    inner = value.items() if isinstance(value, dict) else ()
    return [path, *(each for name, more in inner for each in places(more, (*path, name)))]


@given(st.sampled_from(places(EXAMPLE)), json_values)
def test_any_json_in_any_place_is_read_or_refused(path: tuple[str, ...], value: Any) -> None:
    body: Any = copy.deepcopy(EXAMPLE)
    at = body
    for name in path[:-1]:
        at = at[name]
    if path:
        at[path[-1]] = value
    else:
        body = value
    try:
        (record,) = clevertap_rcs.parse(to_json(body)).records
    except RequestRefused:
        return
    assert record.options.rcs
    assert record.options.rcs.text.strip()
