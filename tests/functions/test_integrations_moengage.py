"""Every value of MoEngage's page is sent as MoEngage sends it, to the real handlers."""

import json
from typing import Any

import pytest

from tests.functions import pages
from tests.functions.handlers import Gateway
from tests.functions.integrating import TEMPLATE_ID, TEXT, is_the_order, send, stored

MOENGAGE = {
    "Moesms_destination": "919876543210",
    "Moesms_message": TEXT,
    "Moesms_dltTemplateId": TEMPLATE_ID,
    "Moesms_campaignId": "65a1",
}
MOENGAGE_PAGE = pages.page("moengage")
CONNECTOR, _, _, FORM_CONNECTOR, ICS_CONNECTOR, _ = pages.tables(MOENGAGE_PAGE)
MOENGAGE_BLOCKS = [json.loads(block) for block in pages.blocks(MOENGAGE_PAGE, "json")]
MOENGAGE_BODY, FULL_BODY, MOENGAGE_ANSWER, FORM_ANSWER, ICS_BODY = MOENGAGE_BLOCKS
(MOENGAGE_FORM,) = pages.blocks(MOENGAGE_PAGE, "form")


@pytest.mark.parametrize("template", [MOENGAGE_BODY, FULL_BODY], ids=["text", "template id"])
def test_moengages_connector_keeps_the_mid_of_the_answer(acme: Gateway, template: Any) -> None:
    body = json.dumps(pages.fill(template, MOENGAGE))
    status, answer = send(acme, pages.request(CONNECTOR, body))
    assert status == 200
    assert pages.is_like(MOENGAGE_ANSWER, answer)
    (unique_id,) = CONNECTOR["Unique id in the answer"]
    message = stored(acme)[answer[unique_id]]
    assert is_the_order(message, "")
    assert message.campaign_id == ("65a1" if template is FULL_BODY else "")


def test_moengages_connector_may_send_a_form(acme: Gateway) -> None:
    body = pages.form_body(MOENGAGE_FORM, MOENGAGE)
    status, answer = send(acme, pages.request(FORM_CONNECTOR, body))
    assert status == 200
    assert pages.is_like(FORM_ANSWER, answer)
    (unique_id,) = FORM_CONNECTOR["Unique id in the answer"]
    message = stored(acme)[answer[unique_id]]
    assert is_the_order(message, "")


@pytest.mark.parametrize("form", [CONNECTOR, FORM_CONNECTOR], ids=["json", "form"])
def test_moengage_counts_what_is_refused_as_not_sent(acme: Gateway, form: pages.Form) -> None:
    values = MOENGAGE | {"Moesms_message": "Hello"}
    body = (
        json.dumps(pages.fill(MOENGAGE_BODY, values))
        if form is CONNECTOR
        else pages.form_body(MOENGAGE_FORM, values)
    )
    status, answer = send(acme, pages.request(form, body))
    assert (status, answer["Error"], answer["status"]) == (400, "TEMPLATE_NOT_FOUND", False)


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
    if sender_type == "Promotional":  # the template is not for promotional messages
        assert (status, answer["Error"]) == (400, "INVALID_CATEGORY")
    else:
        assert status == 200
        assert is_the_order(stored(acme)[answer[0]["mid"]], "")
