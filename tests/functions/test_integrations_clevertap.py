"""Every value of CleverTap's page is sent as CleverTap sends it, to the real handlers."""

import json
from typing import Any

import pytest

from harkara.base.codes import MEANINGS, Code
from harkara.model.messages import unpack
from harkara.model.rcs import Rcs, Suggestion
from tests.functions import pages
from tests.functions.handlers import Gateway
from tests.functions.integrating import TEMPLATE_ID, TEXT, is_the_order, send, stored

# Dots and a trailing one, as CleverTap makes them.
MESSAGE_ID = "9999999999.1200000000.1654002362.20220531.0.wzrk_default.-1."
CLEVERTAP = {
    "$$To": "+919876543210",
    "$$Body": TEXT,
    "$$MessageID": MESSAGE_ID,
    "$$TemplateID": TEMPLATE_ID,
    "$$CampaignID": "1654002362",
}
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


(RCS_FORM,) = [
    {**table, "User name": table["User ID"]}
    for table in pages.tables(pages.page("clevertap"))
    if "User ID" in table
]
RCS_BODY = CLEVERTAP_BODIES[3]


def test_clevertap_sends_a_text_by_rcs_with_its_sms(acme: Gateway) -> None:
    status, answer = send(acme, pages.request(RCS_FORM, json.dumps(RCS_BODY)))
    assert (status, answer["status"], answer["smsgid"]) == (200, "accepted", RCS_BODY["msgId"])
    message = stored(acme)[answer["mid"]]
    assert is_the_order(message, RCS_BODY["msgId"])
    assert message.rcs == Rcs(
        "Your order 4711 is on its way. Follow it here:",
        suggestions=(
            Suggestion("Track", "https://acme.example/orders/4711"),
            Suggestion("Call us", phone="+911234567890"),
        ),
    )


def test_the_sms_of_an_rcs_message_is_held_to_dlt(acme: Gateway) -> None:
    sms = {**RCS_BODY["smsContent"], "body": "Hello"}
    status, answer = send(acme, pages.request(RCS_FORM, json.dumps(RCS_BODY | {"smsContent": sms})))
    assert (status, answer["Error"]) == (400, "TEMPLATE_MISMATCH")
    assert not stored(acme)


def test_the_callback_of_an_rcs_message_goes_to_a_host_that_the_account_allows(
    acme: Gateway,
) -> None:
    body = json.dumps(RCS_BODY | {"callbackURL": "https://attacker.example/dlr"})
    status, answer = send(acme, pages.request(RCS_FORM, body))
    assert (status, answer["Error"]) == (400, "INVALID_CALLBACK_URL")
