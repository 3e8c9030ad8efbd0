"""Every value of WebEngage's page is sent as WebEngage sends it, to the real handlers."""

import json
from typing import Any

import pytest

from harkara.accept.formats import webengage
from harkara.model.accounts import Limits
from tests.functions import pages
from tests.functions.handlers import Gateway
from tests.functions.integrating import is_the_order, send, stored
from tests.functions.invoking import Event

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
