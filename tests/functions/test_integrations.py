"""Every value of the integration pages is sent as that platform sends it, to the real handlers."""

import json
from typing import Any

import pytest

from harkara.accounts import Account, Credential, Limits, Secret, Sender, Template, hash_secret
from harkara.codes import MEANINGS, Code
from harkara.errors import RequestRefused
from harkara.messages import Category, Chunk, Message, pack, unpack
from harkara.platforms import webengage
from tests.fakes import calling_back
from tests.functions import pages
from tests.functions.handlers import NOW, Event, Gateway

CALLBACK_URL = "https://api.clevertap.com/callback/of/acme"
PE_ID = "1101172974420810001"
TEMPLATE_ID = "1107161234567890001"
TEXT = "Your order 4711 is on its way."
# Dots and a trailing one, as CleverTap makes them.
MESSAGE_ID = "9999999999.1200000000.1654002362.20220531.0.wzrk_default.-1."
CLEVERTAP = {
    "$$To": "+919876543210",
    "$$Body": TEXT,
    "$$MessageID": MESSAGE_ID,
    "$$TemplateID": TEMPLATE_ID,
    "$$CampaignID": "1654002362",
}
MOENGAGE = {
    "Moesms_destination": "919876543210",
    "Moesms_message": TEXT,
    "Moesms_dltTemplateId": TEMPLATE_ID,
    "Moesms_campaignId": "65a1",
}


@pytest.fixture
def acme(gateway: Gateway) -> Gateway:
    """The functions with the account that the pages speak of: DLT is enforced."""
    categories = (Category.SERVICE_IMPLICIT, Category.PROMOTIONAL)
    template = Template(
        dlt_template_id=TEMPLATE_ID,
        headers=("ACMEBK",),
        category=Category.SERVICE_IMPLICIT,
        text="Your order {#var#} is on its way.",
        pe_id=PE_ID,
    )
    gateway.accounts.accounts["acme"] = Account(
        id="acme",
        name="Acme",
        carrier="sim",
        **calling_back(CALLBACK_URL),
        senders={"ACMEBK": Sender(header="ACMEBK", categories=categories, pe_id=PE_ID)},
        templates={TEMPLATE_ID: template},
    )
    gateway.accounts.credentials[pages.USER] = Credential(
        username=pages.USER,
        account_id="acme",
        secrets=(Secret(hash=hash_secret(b"pepper", pages.SECRET)),),
        callback="main",
    )
    return gateway


def send(acme: Gateway, event: Event) -> tuple[int, Any]:
    answer = acme.call("send", event)
    return answer["statusCode"], json.loads(answer["body"])


def stored(acme: Gateway) -> dict[str, Message]:
    """Return the accepted messages by mid; each is called back at the credential's URL."""
    chunks = [unpack(name, packed) for name, packed in acme.store.packed.items()]
    for chunk in chunks:
        assert [endpoint.url for endpoint in chunk.endpoints] == [CALLBACK_URL]
    return {
        mid: message
        for chunk in chunks
        for mid, message in zip(chunk.mids(), chunk.messages, strict=True)
        if not message.refusal
    }


def is_the_order(message: Message, client_ref: str) -> bool:
    """Whether a message is what all platforms send here."""
    kept = (message.to, message.sender_id, message.text, message.client_ref)
    return kept == ("919876543210", "ACMEBK", TEXT, client_ref) and (
        (message.dlt_template_id, message.pe_id) == (TEMPLATE_ID, PE_ID)
    )


# CleverTap

CLEVERTAP_FORM = pages.tables(pages.page("clevertap"))[0]
CLEVERTAP_BODIES = [json.loads(block) for block in pages.blocks(pages.page("clevertap"), "json")]


def clevertap(body: Any, **values: str) -> str:
    return json.dumps(pages.fill(body, CLEVERTAP | values))


@pytest.mark.parametrize("template_id", [TEMPLATE_ID, ""], ids=["template id", "none"])
def test_clevertap_sends_one_message(acme: Gateway, template_id: str) -> None:
    body = clevertap(CLEVERTAP_BODIES[0], **{"$$TemplateID": template_id})
    status, (row,) = send(acme, pages.request(CLEVERTAP_FORM, body))
    assert status == 200
    assert row == {
        "to": "+919876543210",
        "from": "ACMEBK",
        "mid": row["mid"],
        "smsgid": MESSAGE_ID,
    }
    message = stored(acme)[row["mid"]]
    assert is_the_order(message, MESSAGE_ID)
    assert message.campaign_id == "1654002362"


def test_clevertap_sends_a_batch_in_which_one_is_refused(acme: Gateway) -> None:
    (record,) = CLEVERTAP_BODIES[0]["smstosend"]
    batch = {
        "smstosend": [
            pages.fill(record, {"$$To": to, "$$MessageID": f"{MESSAGE_ID}{number}"})
            for number, to in enumerate(["+919876543210", "+91", "919876543211"])
        ]
    }
    status, rows = send(acme, pages.request(CLEVERTAP_FORM, clevertap(batch)))
    assert (status, [row["smsgid"][-1] for row in rows]) == (200, ["0", "1", "2"])
    assert [row.get("Error") for row in rows] == [None, "INVALID_NUMBER", None]
    assert [message.to for message in stored(acme).values()] == ["919876543210", "919876543211"]
    ((name, packed),) = acme.store.packed.items()
    refused = unpack(name, packed).messages[2]
    # It is called back as failed.
    assert (refused.client_ref, refused.refusal) == (f"{MESSAGE_ID}1", "INVALID_NUMBER")
    assert refused.endpoint == 0


def test_clevertap_may_authenticate_in_the_body(acme: Gateway) -> None:
    form = {**CLEVERTAP_FORM, "Authentication": ["none"]}
    status, rows = send(acme, pages.request(form, clevertap(CLEVERTAP_BODIES[1])))
    assert status == 200
    assert is_the_order(stored(acme)[rows[0]["mid"]], MESSAGE_ID)


@pytest.mark.parametrize("variables", ['["4711"]', "4711"], ids=["a list", "values"])
def test_clevertap_has_the_text_made_of_the_template(acme: Gateway, variables: str) -> None:
    body = clevertap(CLEVERTAP_BODIES[2], **{"$$TemplateVariables": variables})
    status, rows = send(acme, pages.request(CLEVERTAP_FORM, body))
    assert status == 200
    assert is_the_order(stored(acme)[rows[0]["mid"]], MESSAGE_ID)


@pytest.mark.parametrize(
    ("secret", "text", "code"),
    [
        pytest.param("wrong", TEXT, "UNAUTHORIZED", id="credentials"),
        pytest.param(pages.SECRET, "Hello", "TEMPLATE_MISMATCH", id="text"),
    ],
)
def test_clevertaps_test_send_shows_what_is_wrong(
    acme: Gateway, secret: str, text: str, code: str
) -> None:
    form = {**CLEVERTAP_FORM, "Password": [secret]}
    body = clevertap(CLEVERTAP_BODIES[0], **{"$$Body": text})
    status, answer = send(acme, pages.request(form, body))
    assert (status, answer["Error"]) == (MEANINGS[Code(code)].http_status, code)
    assert stored(acme) == {}


# MoEngage

MOENGAGE_PAGE = pages.page("moengage")
CONNECTOR, FORM_CONNECTOR, ICS_CONNECTOR = pages.tables(MOENGAGE_PAGE)
MOENGAGE_BLOCKS = [json.loads(block) for block in pages.blocks(MOENGAGE_PAGE, "json")]
MOENGAGE_BODY, MOENGAGE_ANSWER, FORM_ANSWER, ICS_BODY = MOENGAGE_BLOCKS
(MOENGAGE_FORM,) = pages.blocks(MOENGAGE_PAGE, "form")


@pytest.mark.parametrize("template_id", [TEMPLATE_ID, ""], ids=["template id", "none"])
def test_moengages_connector_keeps_the_mid_of_the_answer(acme: Gateway, template_id: str) -> None:
    values = MOENGAGE | {"Moesms_dltTemplateId": template_id}
    body = json.dumps(pages.fill(MOENGAGE_BODY, values))
    status, answer = send(acme, pages.request(CONNECTOR, body))
    assert status == 200
    assert pages.is_like(MOENGAGE_ANSWER, answer)
    (unique_id,) = CONNECTOR["Unique id in the answer"]
    message = stored(acme)[answer[unique_id]]
    assert is_the_order(message, "")
    assert message.campaign_id == "65a1"


def test_moengages_connector_may_send_a_form(acme: Gateway) -> None:
    body = pages.form_body(MOENGAGE_FORM, MOENGAGE)
    status, answer = send(acme, pages.request(FORM_CONNECTOR, body))
    assert status == 200
    assert pages.is_like(FORM_ANSWER, answer)
    (unique_id,) = FORM_CONNECTOR["Unique id in the answer"]
    message = stored(acme)[answer[unique_id]]
    assert is_the_order(message, "")
    assert message.campaign_id == "65a1"


@pytest.mark.parametrize("form", [CONNECTOR, FORM_CONNECTOR], ids=["json", "form"])
def test_moengage_counts_what_is_refused_as_not_sent(acme: Gateway, form: pages.Form) -> None:
    values = MOENGAGE | {"Moesms_message": "Hello"}
    body = (
        json.dumps(pages.fill(MOENGAGE_BODY, values))
        if form is CONNECTOR
        else pages.form_body(MOENGAGE_FORM, values)
    )
    status, answer = send(acme, pages.request(form, body))
    assert (status, answer["Error"], answer["status"]) == (400, "TEMPLATE_MISMATCH", False)


@pytest.mark.parametrize(
    ("headers", "fields"),
    [
        pytest.param(pages.basic(pages.USER, pages.SECRET), {}, id="Basic"),
        pytest.param({}, {"pass": ICS_CONNECTOR["Password"][0]}, id="in the body"),
        pytest.param(
            {"authorization": f"Bearer {ICS_CONNECTOR['Bearer token'][0]}"}, {}, id="Bearer"
        ),
        pytest.param(
            {"authorization": f"Bearer {pages.USER}.{pages.SECRET}"}, {"user": None}, id="API key"
        ),
    ],
)
@pytest.mark.parametrize("sender_type", ["Service Implicit", "Promotional"])
def test_a_connector_in_icss_format_authenticates_in_each_way(
    acme: Gateway, headers: dict[str, str], fields: dict[str, Any], sender_type: str
) -> None:
    assert sender_type in ICS_CONNECTOR["Sender type"][0]
    values = MOENGAGE | {"Service Implicit": sender_type}
    body = json.dumps(pages.fill({**ICS_BODY, **fields}, values))
    form = {"Method": ["POST"], "API URL": ["https://api.example/datasend"]}
    status, answer = send(acme, pages.request(form, body, **headers))
    if sender_type == "Promotional":  # the template is none of a promotional message
        assert (status, answer["Error"]) == (400, "INVALID_CATEGORY")
    else:
        assert status == 200
        assert is_the_order(stored(acme)[answer[0]["mid"]], "")


# WebEngage

WEBENGAGE_PAGE = pages.page("webengage")
BASIC, BEARER, *_ = pages.tables(WEBENGAGE_PAGE)
WEBENGAGE_BODY, ACCEPTED, REJECTED = map(json.loads, pages.blocks(WEBENGAGE_PAGE, "json"))


def webengage_request(body: Any, form: pages.Form = BASIC) -> Event:
    return pages.request(form, json.dumps(body))


@pytest.mark.parametrize("version", webengage.VERSIONS)
@pytest.mark.parametrize(
    "form",
    [BASIC, {**BASIC, "Authentication": ["none"], **BEARER}],
    ids=["Basic", "Bearer"],
)
def test_webengage_sends_a_message(acme: Gateway, version: str, form: pages.Form) -> None:
    event = webengage_request({**WEBENGAGE_BODY, "version": version}, form)
    assert send(acme, event) == (200, ACCEPTED)
    (message,) = stored(acme).values()
    assert is_the_order(message, "webengage-message-id")


def changed(**fields: Any) -> dict[str, Any]:
    """Return WebEngage's request with other fields of `smsData` or `indiaDLT`."""
    metadata = WEBENGAGE_BODY["metadata"]
    dlt = metadata["indiaDLT"]
    return {
        **WEBENGAGE_BODY,
        "smsData": WEBENGAGE_BODY["smsData"]
        | {name: value for name, value in fields.items() if name not in dlt},
        "metadata": {
            **metadata,
            "indiaDLT": dlt | {name: value for name, value in fields.items() if name in dlt},
        },
    }


REFUSED = {
    "a wrong user name or secret": webengage_request(
        WEBENGAGE_BODY, {**BASIC, "Password": ["wrong"]}
    ),
    "an IP address that the credential does not allow": webengage_request(WEBENGAGE_BODY),
    "another version": webengage_request({**WEBENGAGE_BODY, "version": "3.0"}),
    "no text and no template id": webengage_request(changed(body="", contentTemplateId="")),
    "no mobile number": webengage_request(changed(toNumber="12")),
    "no header": webengage_request(changed(fromNumber="")),
    "a text of too many segments": webengage_request(changed(body="x" * 1600)),
    "a header that is not registered": webengage_request(changed(fromNumber="OTHERS")),
    "another entity than the header's": webengage_request(
        changed(principalEntityId="1101172974420810009")
    ),
    "a text that is not its template's": webengage_request(changed(body="Hello")),
    "more than the account's rate": webengage_request(WEBENGAGE_BODY),
}
REFUSALS = {row[0]: row[1:] for row in pages.rows(WEBENGAGE_PAGE, "refused for")}


def test_every_refusal_of_the_page_is_tried() -> None:
    assert REFUSALS.keys() == REFUSED.keys()


@pytest.mark.parametrize("cause", REFUSED)
def test_webengage_hears_its_own_code(acme: Gateway, cause: str) -> None:
    if "IP address" in cause:
        credential = acme.accounts.credentials[pages.USER]
        networks = {"networks": ("198.51.100.0/24",)}
        acme.accounts.credentials[pages.USER] = credential.model_copy(update=networks)
    if "rate" in cause:
        account = acme.accounts.accounts["acme"]
        limits = {"limits": Limits(segments_per_day=1)}
        acme.accounts.accounts["acme"] = account.model_copy(update=limits)
        assert send(acme, REFUSED[cause])[0] == 200
    answer = acme.call("send", REFUSED[cause])
    body = json.loads(answer["body"])
    code, status = REFUSALS[cause]
    assert (str(body["statusCode"]), str(answer["statusCode"])) == (code, status.partition(",")[0])
    assert body.keys() == REJECTED.keys()
    assert body["status"] == REJECTED["status"]
    assert ("Retry-After" in answer["headers"]) == ("Retry-After" in status)


def test_the_rejection_on_the_page_is_real(acme: Gateway) -> None:
    assert send(acme, REFUSED["no mobile number"]) == (400, REJECTED)


# HTTP


@pytest.mark.parametrize(
    ("event", "written"),
    [
        pytest.param(event, written, id=f"{number} {event['rawPath']}")
        for number, (event, written) in enumerate(pages.exchanges(pages.page("http")))
    ],
)
def test_a_request_on_the_page_is_answered_as_there(
    acme: Gateway, event: Event, written: Any
) -> None:
    mid = "101M80PKPVGTZQN98QP2VKS1J1800"
    message = Message("919876543210", "ACMEBK", TEXT, "order-4711", None, 1)
    chunk = Chunk(
        id=mid[:-2],
        account_id="acme",
        carrier="sim",
        category=Category.SERVICE_IMPLICIT,
        accepted_at_ms=int(NOW * 1000),
        block_size=100,
        endpoints=(),
        messages=[message],
    )
    acme.store.put_chunk(chunk.id, pack(chunk), chunk.begins_ms)
    function = "manage" if event["rawPath"].endswith(mid) else "send"
    answer = acme.call(function, event)
    body = json.loads(answer["body"])
    if written is None:
        assert (body["state"], body["timeline"][0]["step"]) == ("accepted", "accepted")
    else:
        assert pages.is_like(written, body)
    code = Code(body["Error"]) if "Error" in body else None
    assert answer["statusCode"] == (MEANINGS[code].http_status if code else 200)
    assert code is None or body["message"] == RequestRefused(code).message
