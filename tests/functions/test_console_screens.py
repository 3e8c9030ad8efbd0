"""What each screen of the console does, on the services that the API has."""

from typing import Any

import pytest

from harkara.base.codes import Code
from harkara.base.ids import split_mid
from harkara.carriers.contract import NotTaken, Taken
from harkara.model.accounts import Template
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.events import EventKind
from harkara.model.ledger import Lease, claim_kind, final_kind, later_kind, outcome_kind
from harkara.model.messages import Category
from harkara.submit.outcomes import outcome_data
from tests.functions.handlers import Gateway
from tests.functions.invoking import NOW
from tests.functions.visiting_console import MID, SURE, TEMPLATE_ID, Page, signed_in, visit
from tests.support.people import changes

TEXT = "Sample order {#var#} is on its way. HARKARA"
TEMPLATE = {
    "template_id": "1107160000000000042",
    "headers": "SAMPLE UNUSED",
    "category": "otp",
    "text": "{#numeric#} is your code.\r\nHARKARA",
    "pe_id": "1101172974420810001",
    "name": "Code",
}
SENDER = {"header": "NEWHDR", "pe_id": "", "categories": ["otp", "promotional"], "callback": ""}
CALLBACK = {
    "id": "mine",
    "url": "https://in1.api.clevertap.com/dlr",
    "format": "clevertap",
    "name": "Mine",
    "states": ["delivered"],
}


@pytest.fixture
def cookie(gateway: Gateway) -> str:
    gateway.put_samples()
    return signed_in(gateway)


def test_the_form_of_a_template_has_the_fields_of_the_platforms_page(
    gateway: Gateway, cookie: str
) -> None:
    """CleverTap's page "ICS Mobile" names them and the types."""
    page = visit(gateway, "GET", "/console/templates/new", cookie=cookie)["body"]
    for label in ("Entity ID", "Sender ID", "Template ID", "Template Details", "SMS Type"):
        assert f">{label}</label>" in page
    for category in ("Transactional", "Service explicit", "Service implicit", "Promotional"):
        assert f">{category}</option>" in page
    visit(gateway, "POST", "/console/templates", fields=TEMPLATE, cookie=cookie)
    stored = gateway.accounts.accounts["sandbox"].templates[TEMPLATE["template_id"]]
    assert (stored.pe_id, stored.headers) == (TEMPLATE["pe_id"], ("SAMPLE", "UNUSED"))
    assert (stored.category, stored.text) == (Category.OTP, "{#numeric#} is your code.\nHARKARA")


@pytest.mark.parametrize(
    ("kind", "name", "fields", "change", "wrong"),
    [
        ("templates", TEMPLATE["template_id"], TEMPLATE, {"name": "Other"}, {"category": "x"}),
        ("senders", "NEWHDR", SENDER, {"categories": ["otp"]}, {"categories": []}),
        ("callbacks", "mine", CALLBACK, {"format": "generic"}, {"url": "http://x.example/"}),
    ],
)
def test_a_resource_is_registered_changed_and_removed(
    kind: str, name: str, fields: Any, change: Any, wrong: Any, gateway: Gateway, cookie: str
) -> None:
    path = f"/console/{kind}"
    (field,) = wrong
    tried: tuple[dict[str, Any], ...] = (wrong, {})
    for each in tried:
        answer = visit(gateway, "POST", path, fields={**fields, **each}, cookie=cookie)
        assert (answer["statusCode"] == 400) == bool(each)
        assert (f'id="{field}-problem"' in answer["body"]) == bool(each)
    again = visit(gateway, "POST", path, fields=fields, cookie=cookie)
    assert again["statusCode"] == 409
    assert "This is already registered" in again["body"]
    assert name in visit(gateway, "GET", path, cookie=cookie)["body"]
    path = f"{path}/{name}"
    refused = visit(gateway, "POST", path, fields={**fields, **wrong}, cookie=cookie)
    assert f'id="{field}-problem"' in refused["body"]
    found = getattr(gateway.accounts.accounts["sandbox"], kind)
    for given in (fields, {**fields, **change}):
        visit(gateway, "POST", path, fields=given, cookie=cookie)
        before, found = found, getattr(gateway.accounts.accounts["sandbox"], kind)
    assert before[name] != found[name]
    unsure = visit(gateway, "POST", f"{path}/remove", fields={"sure": "on"}, cookie=cookie)
    assert unsure["statusCode"] == 400
    assert 'id="sure-remove-problem"' in unsure["body"]
    assert name in getattr(gateway.accounts.accounts["sandbox"], kind)
    gone = visit(gateway, "POST", f"{path}/remove", fields=SURE, cookie=cookie)
    assert gone["headers"]["Location"].endswith("?done=removed")
    assert name not in getattr(gateway.accounts.accounts["sandbox"], kind)
    singular = kind.removesuffix("s")
    actions = [entry.action.removeprefix(f"{singular}.") for entry in changes(gateway.people)]
    assert actions == ["create", "put", "put", "remove"]


def test_a_change_in_the_console_keeps_what_its_form_does_not_have(
    gateway: Gateway, cookie: str
) -> None:
    kept = {"id": "mine", "url": CALLBACK["url"], "rate_per_s": 7, "concurrency": 3}
    gateway.registry.put_all("sandbox", [CallbackEndpoint.model_validate(kept)])
    visit(gateway, "POST", "/console/callbacks/mine", fields=CALLBACK, cookie=cookie)
    changed = gateway.accounts.accounts["sandbox"].callbacks["mine"]
    assert (changed.name, changed.rate_per_s, changed.concurrency) == ("Mine", 7, 3)


@pytest.mark.parametrize(
    "path", [f"templates/{TEMPLATE_ID}", "senders/SAMPLE", "callbacks/signed", "answers/help"]
)
def test_who_may_not_change_a_resource_reads_its_fields(
    path: str, gateway: Gateway, cookie: str
) -> None:
    for session, is_locked in ((cookie, False), (signed_in(gateway, "viewer"), True)):
        page = visit(gateway, "GET", f"/console/{path}", cookie=session)["body"]
        form = page.partition(f'action="/console/{path}">')[2].partition("</form>")[0]
        assert ('<fieldset class="field" disabled>' in form) is is_locked
        assert ("<button" in form, f"/{path}/remove" in page) == (not is_locked, not is_locked)


def test_a_callback_that_something_names_stays(gateway: Gateway, cookie: str) -> None:
    answer = visit(gateway, "POST", "/console/callbacks/main/remove", fields=SURE, cookie=cookie)
    assert answer["statusCode"] == 409
    assert "default callback" in answer["body"]


@pytest.mark.parametrize(
    ("query", "visible"),
    [
        ({}, 50),
        ({"header": "ODDHDR"}, 40),
        ({"category": "otp"}, 20),
        ({"header": "ODDHDR", "category": "otp"}, 0),
        ({"status": "warned"}, 1),
        ({"header": "NOTHDR"}, 0),
    ],
)
def test_templates_are_filtered_and_paged(
    query: dict[str, str], visible: int, gateway: Gateway, cookie: str
) -> None:
    gateway.registry.put_all(
        "sandbox",
        [
            Template(
                dlt_template_id=f"{number:03d}",
                headers=("ODDHDR",) if number < 40 else ("EVNHDR",),
                category=Category.OTP if number >= 40 else Category.TRANSACTIONAL,
                text="Was it lost???" if number == 7 else f"Number {number}",
            )
            for number in range(60)
        ],
    )
    page = visit(gateway, "GET", "/console/templates", cookie=cookie, query=query)
    rows = [tag for tag, attributes in Page(page["body"]).tags if attributes.get("scope") == "row"]
    assert len(rows) == visible
    assert ("Next page" in page["body"]) == (visible == 50)
    if visible == 50:
        rest = visit(gateway, "GET", "/console/templates", cookie=cookie, query={"after": "049"})
        assert rest["body"].count('scope="row"') == 12


def test_a_template_in_the_list_has_its_marks(gateway: Gateway, cookie: str) -> None:
    template = Template(
        dlt_template_id="1",
        category=Category.SERVICE_EXPLICIT,
        text="Dear {#var#}, welcome to Acme",
    )
    gateway.registry.put_all("sandbox", [template])
    page = visit(gateway, "GET", "/console/templates", cookie=cookie)["body"]
    assert "2 to check for DLT" in page
    assert "variable 1 {#alphanumeric#}" in page
    assert "SMSGatewayHub" in page


@pytest.mark.parametrize(
    ("given", "payload"),
    [
        ({"text": "Sample order 7 is on its way. HARKARA"}, "The text fits this template"),
        ({"text": "Sample order 7 is on my way. HARKARA"}, "It departs at character 22"),
        (
            {"text": "Sample order 7 is on its way. HARKARA", "template_id": TEMPLATE_ID},
            "The text fits this template",
        ),
        ({"text": "Sample", "template_id": TEMPLATE_ID}, "It departs at character 7"),
        ({"text": "Sample", "template_id": "999"}, "template"),
        ({"text": "Sample order ₹ is on its way. HARKARA", "header": "SAMPLE"}, "70 characters"),
        ({"text": " "}, "Send a text"),
    ],
)
def test_a_text_is_compared_with_the_templates(
    given: dict[str, str], payload: str, gateway: Gateway, cookie: str
) -> None:
    answer = visit(gateway, "POST", "/console/templates/try", fields=given, cookie=cookie)
    assert payload in answer["body"]


def test_a_file_of_templates_gets_a_report(gateway: Gateway, cookie: str) -> None:
    table = f"Template ID,Header,Name,Text,Type\n77,SAMPLE,N,{TEXT},OTP\nx,SAMPLE,N,{TEXT},OTP\n"
    head = '--b\r\nContent-Disposition: form-data; name="file"; filename="t.csv"\r\n\r\n'
    answer = visit(
        gateway,
        "POST",
        "/console/templates/upload",
        fields=f"{head}{table}\r\n--b--\r\n".encode(),
        cookie=cookie,
        content_type="multipart/form-data; boundary=b",
    )
    assert answer["statusCode"] == 200
    assert answer["body"].index("refused</span>") < answer["body"].index("new</span>")
    assert "77" in gateway.accounts.accounts["sandbox"].templates
    assert changes(gateway.people)[-1].subject.startswith("created=1")


@pytest.mark.parametrize(
    ("name", "index"),
    [
        (TEMPLATE_ID, "templates"),
        ("SAMPLE", "senders"),
        ("signed", "callbacks"),
        (MID, "messages"),
    ],
)
def test_the_box_finds_a_thing_by_its_name(
    name: str, index: str, gateway: Gateway, cookie: str
) -> None:
    answer = visit(gateway, "GET", "/console/find", cookie=cookie, query={"q": f" {name} "})
    assert answer["headers"]["Location"] == f"/console/{index}/{name}"


def test_a_message_is_cancelled_while_no_carrier_has_it(gateway: Gateway, cookie: str) -> None:
    path = f"/console/messages/{MID}"
    assert "Cancel the message" in visit(gateway, "GET", path, cookie=cookie)["body"]
    answer = visit(gateway, "POST", f"{path}/cancel", cookie=cookie)
    assert answer["headers"]["Location"] == f"{path}?done=cancelled"
    assert 'role="status">Cancelled<' in visit(gateway, "GET", path, cookie=cookie)["body"]


def test_a_message_that_rcs_did_not_reach_shows_both_channels(
    gateway: Gateway, cookie: str
) -> None:
    batch_id, index = split_mid(MID)
    lease, path = Lease("t", "w", 0), f"/console/messages/{MID}"
    by_rcs, by_sms = NotTaken(code=Code.UNKNOWN_SUBSCRIBER, carrier_code="404"), Taken("C1")
    entries = []
    for attempt, end, claimed in (
        (1, by_rcs, {"carriers": {"chat": [index]}, "rcs": [("chat", 300, False, [index])]}),
        (2, by_sms, {"carriers": {"sim": [index]}}),
    ):
        about = {"at": int(NOW * 1000), "indexes": [index]}
        outcome = outcome_data([index], [end])
        kinds = claim_kind(attempt, 0), outcome_kind(attempt, 0)
        entries.append(lease.entry(batch_id, kinds[0], **about, **claimed))
        entries.append(lease.entry(batch_id, kinds[1], at=about["at"], **outcome))
    gateway.store.put_if_absent(entries)
    body = visit(gateway, "GET", path, cookie=cookie)["body"]
    assert body.count("By RCS, in front of SMS") == 1
    assert body.index("did not take it") < body.index("By RCS") < body.index("The carrier took it")
    assert "UNKNOWN_SUBSCRIBER" in body
    final = {"state": "delivered", "at": int(NOW), "code": "", "carrier_code": ""}
    read = lease.entry(batch_id, later_kind(EventKind.READ, index), at=int(NOW) + 60)
    gateway.store.put_if_absent([lease.entry(batch_id, final_kind(index), **final), read])
    assert "Opened" in visit(gateway, "GET", path, cookie=cookie)["body"]


def test_a_callback_is_tried_and_its_dead_letters_are_posted_again(
    gateway: Gateway, cookie: str
) -> None:
    path = "/console/callbacks/signed"
    gateway.platform.script = [500]
    tried = [visit(gateway, "POST", f"{path}/test", cookie=cookie)["body"] for _ in range(2)]
    assert ["took the sample" in body for body in tried] == [False, True]
    nothing = visit(gateway, "POST", f"{path}/replay", cookie=cookie)
    assert nothing["statusCode"] == 400
    replayed = visit(gateway, "POST", f"{path}/replay", fields={"all": "true"}, cookie=cookie)
    assert "Posted again: 1." in replayed["body"]


def test_a_test_message_that_is_refused_comes_back_beside_its_field(
    gateway: Gateway, cookie: str
) -> None:
    form = {"to": "12", "from": "ACMEBK", "text": "Hello", "key": "k", "action": "send"}
    for given, field in ((form, "to"), ({**form, "to": "919876543210", "from": "x"}, "from")):
        answer = visit(gateway, "POST", "/console/test", fields=given, cookie=cookie)
        assert answer["statusCode"] == 400
        assert f'id="{field}-problem"' in answer["body"]
    checked = {**form, "to": "919876543210", "action": "check"}
    answer = visit(gateway, "POST", "/console/test", fields=checked, cookie=cookie)
    assert "It would be sent" in answer["body"]
    assert not gateway.queues.waiting


def test_who_is_signed_in_does_not_sign_in_again(gateway: Gateway, cookie: str) -> None:
    query = {"next": "/console/senders"}
    answer = visit(gateway, "GET", "/console/sign-in", cookie=cookie, query=query)
    assert answer["headers"]["Location"] == "/console/senders"
