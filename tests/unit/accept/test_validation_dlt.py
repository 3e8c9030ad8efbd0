"""DLT templates in the checks of records: found, compared, refused, or let through."""

import gc
from typing import Any

import pytest

from harkara.accept import template_index
from harkara.accept.formats.ics import answer
from harkara.accept.requests import Record, RecordResult, SendRequest
from harkara.accept.service import AcceptService
from harkara.accept.template_index import index_of
from harkara.accept.validation import DETAIL_LIMIT, RecordChecker
from harkara.base.codes import MEANINGS, Code
from harkara.base.errors import RequestRefused
from harkara.base.ids import RandomIds
from harkara.links.codec import LinkSigner
from harkara.links.shorten import LinkMaker
from harkara.model.accounts import Account, Enforcement, Template
from harkara.model.callbacks import UrlRules
from harkara.model.messages import Category, Lane
from local import campaign
from local.seed import SENDERS, TEMPLATES
from tests.support.fakes import FakeMessageStore, Faults, caller_of
from tests.support.queues import FakeTaskQueues
from tests.unit.checking import (
    ACCOUNT,
    BARE,
    NOW_MS,
    OFF,
    ORDER,
    OTP,
    RECORD,
    WARNING,
    Outcome,
)


@pytest.mark.parametrize(
    ("changes", "lane", "dlt_template_id"),
    [
        pytest.param({"dlt_template_id": ORDER}, Lane.BULK, ORDER, id="of its template"),
        pytest.param({}, Lane.BULK, ORDER, id="its template is found"),
        pytest.param({"text": "12 is your OTP. Acme", "sender_id": "ACMOTP"}, Lane.PRIORITY, OTP,
                     id="that of an OTP is found"),
        pytest.param({"to": "+6581234567", "text": "Hello"}, Lane.BULK, "", id="abroad"),
        pytest.param({"to": "+6581234567", "text": "Hello", "dlt_template_id": ORDER}, Lane.BULK,
                     ORDER, id="abroad, with an id"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("account", [ACCOUNT, WARNING], ids=["enforce", "warn"])
def test_a_text_is_accepted(
    account: Account, changes: dict[str, Any], lane: Lane, dlt_template_id: str
) -> None:
    outcome = Outcome(account, RECORD._replace(**changes))
    assert (outcome.code, outcome.warning) == (None, None)
    assert (outcome.lane, outcome.message.dlt_template_id) == (lane, dlt_template_id)


@pytest.mark.parametrize("account", [ACCOUNT, WARNING], ids=["enforce", "warn"])
@pytest.mark.parametrize("count", [1, 3])
def test_an_id_that_is_not_registered_is_warned_of(account: Account, count: int) -> None:
    checker = RecordChecker(caller_of(account), "", NOW_MS, UrlRules())
    record = RECORD._replace(to="919876543210", text="Hello", dlt_template_id="1999")
    accepted, refused = checker.check([record] * count)
    assert [message.dlt_template_id for message in accepted[0].messages] == ["1999"] * count
    assert refused == []
    assert checker.warnings == dict.fromkeys(range(count), Code.TEMPLATE_NOT_REGISTERED)


@pytest.mark.parametrize("account", [OFF], ids=["off"])
def test_where_dlt_is_off_a_text_is_not_looked_at(account: Account) -> None:
    assert Outcome(account, RECORD._replace(text="Dear $$Name")).code is None


BROKEN = [
    pytest.param({"text": "Hello", "dlt_template_id": ORDER}, Code.TEMPLATE_MISMATCH,
                 f"Template {ORDER} at character 1: expected the fixed text", id="not of its id"),
    pytest.param({"dlt_template_id": OTP, "sender_id": "ACMOTP"}, Code.TEMPLATE_MISMATCH,
                 f"Template {OTP} at character 1: variable 1 takes 1 to 40 digits.",
                 id="of another id"),
    pytest.param({"text": "12 is your OTP. Acme"}, Code.TEMPLATE_NOT_FOUND,
                 f'Template {ORDER} at character 1: expected the fixed text "Dear ',
                 id="of another header"),
    pytest.param({"text": "Dear Asha, your odrer is here. Acme"}, Code.TEMPLATE_NOT_FOUND,
                 f'Template {ORDER} at character 18: expected the fixed text "rder', id="of none"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "code", "detail"), BROKEN)
def test_enforced_a_text_of_no_template_is_refused(
    changes: dict[str, Any], code: Code, detail: str
) -> None:
    outcome = Outcome(ACCOUNT, RECORD._replace(**changes))
    assert outcome.code is code
    assert (outcome.detail or "").startswith(detail)
    assert MEANINGS[code].clevertap == "908"


@pytest.mark.parametrize(("changes", "code", "detail"), BROKEN)
def test_warned_of_it_is_accepted(changes: dict[str, Any], code: Code, detail: str) -> None:
    outcome = Outcome(WARNING, RECORD._replace(**changes))
    assert (outcome.code, outcome.detail, outcome.warning) == (None, None, code)
    assert outcome.message.text == changes.get("text", RECORD.text)


@pytest.mark.parametrize(("changes", "code", "detail"), BROKEN)
@pytest.mark.parametrize("account", [OFF, BARE], ids=["off", "no templates"])
def test_else_no_text_is_compared(
    account: Account, changes: dict[str, Any], code: Code, detail: str
) -> None:
    outcome = Outcome(account, RECORD._replace(**changes))
    assert (outcome.code, outcome.warning) == (None, None)
    assert outcome.message.dlt_template_id == changes.get("dlt_template_id", "")


@pytest.mark.parametrize("account", [WARNING, BARE.model_copy(update={"dlt": Enforcement.WARN})])
@pytest.mark.parametrize("dlt_template_id", ["", ORDER, "1999"])
def test_an_unregistered_header_is_a_warning_too(account: Account, dlt_template_id: str) -> None:
    record = RECORD._replace(sender_id="OTHERS", dlt_template_id=dlt_template_id)
    outcome = Outcome(account, record)
    assert (outcome.code, outcome.warning) == (None, Code.HEADER_NOT_REGISTERED)


def test_a_warning_is_its_own_records() -> None:
    checker = RecordChecker(caller_of(WARNING), "", NOW_MS, UrlRules())
    wrong = RECORD._replace(text="Hello")
    checker.check([wrong, RECORD, wrong._replace(callback_url="https://evil.example"), RECORD])
    assert checker.warnings == {0: Code.TEMPLATE_NOT_FOUND}


def test_details_are_made_for_the_first_few() -> None:
    checker = RecordChecker(caller_of(ACCOUNT), "", NOW_MS, UrlRules())
    checker.check([RECORD._replace(text="Hello")] * (DETAIL_LIMIT + 5))
    assert list(checker.details) == list(range(DETAIL_LIMIT))


def test_a_detail_never_shows_the_text() -> None:
    outcome = Outcome(ACCOUNT, RECORD._replace(text="Dear Asha, SECRET order is here. Acme"))
    assert outcome.detail is not None
    assert "SECRET" not in outcome.detail


@pytest.mark.parametrize(
    ("fields", "template", "text"),
    [
        pytest.param({"variable_limit": 40}, "Dear {#var#}!", f"Dear {'a' * 40}!", id="the limit"),
        pytest.param({"registered_urls": ("https://a.in",)}, "See {#url#}!", "See https://a.in/1!",
                     id="URLs"),
        pytest.param({"call_back_numbers": ("1800",)}, "Call {#cbn#}!", "Call 1800!", id="numbers"),
    ],
)  # fmt: skip
def test_the_account_sets_the_rules(fields: dict[str, Any], template: str, text: str) -> None:
    entry = ACCOUNT.templates[ORDER].model_copy(update={"text": template})
    account = ACCOUNT.model_copy(update={"templates": {ORDER: entry}, **fields})
    assert Outcome(account, RECORD._replace(text=text)).message.dlt_template_id == ORDER
    wrong = text.replace("a", "b" * 2).replace("1800", "1801")
    assert Outcome(account, RECORD._replace(text=wrong)).code is Code.TEMPLATE_NOT_FOUND


ALP = "1107000000000000003"


def of_alphanumeric(account: Account, **fields: Any) -> Account:
    """Return an account with one template, with a variable of letters and digits."""
    text = "Dear {#alphanumeric#}, hello. Acme"
    template = Template(dlt_template_id=ALP, category=Category.SERVICE_IMPLICIT, text=text)
    return account.model_copy(update={"templates": {ALP: template}, **fields})


@pytest.mark.parametrize("template_id", ["", ALP], ids=["found", "given"])
@pytest.mark.parametrize("account", [ACCOUNT, WARNING], ids=["enforce", "warn"])
@pytest.mark.parametrize(
    ("value", "warning"),
    [
        ("Ravi Kumar", None),
        ("नीता", None),
        ("½", Code.UNUSUAL_VARIABLE),
        ("a@b", Code.UNUSUAL_VARIABLE),
    ],
)
@pytest.mark.parametrize("count", [1, 3])
def test_unusual_characters_are_warned_of(
    count: int, value: str, warning: Code | None, account: Account, template_id: str
) -> None:
    checker = RecordChecker(caller_of(of_alphanumeric(account)), "", NOW_MS, UrlRules())
    record = RECORD._replace(to="919876543210", dlt_template_id=template_id)
    usual = [record._replace(text=f"Dear Asha {at}, hello. Acme") for at in range(count)]
    accepted, refused = checker.check([*usual, record._replace(text=f"Dear {value}, hello. Acme")])
    assert refused == []
    assert sum(len(rows.messages) for rows in accepted) == count + 1
    assert checker.warnings == ({count: warning} if warning else {})


@pytest.mark.parametrize(
    ("marks", "value", "code"),
    [
        ("", "Ravi Kumar", Code.TEMPLATE_MISMATCH),
        (" ", "Ravi Kumar", None),
        (" ", "Ravi/Kumar", Code.TEMPLATE_MISMATCH),
        ("@", "a@b", None),
    ],
)
def test_what_the_account_narrowed_it_to_is_held_to(
    marks: str, value: str, code: Code | None
) -> None:
    account = of_alphanumeric(ACCOUNT, alphanumeric_marks=marks)
    record = RECORD._replace(text=f"Dear {value}, hello. Acme", dlt_template_id=ALP)
    outcome = Outcome(account, record)
    assert (outcome.code, outcome.warning) == (code, None)


def test_an_index_is_made_once_and_goes_with_its_account() -> None:
    account = ACCOUNT.model_copy()
    key = id(account)
    assert index_of(account) is index_of(account)
    assert index_of(account) is not index_of(ACCOUNT)
    del account
    gc.collect()
    assert key not in template_index._indexes


# The request


class Accepting:
    """AcceptService on fakes."""

    def __init__(self, account: Account) -> None:
        faults = Faults()
        self.account = account
        store = FakeMessageStore(faults)
        self.service = AcceptService(
            batches=store,
            queues=FakeTaskQueues(faults, lambda: 0.0),
            names=RandomIds(lambda: NOW_MS / 1000, bytes),
            links=LinkMaker(store, lambda: LinkSigner(b"link key")),
            callback_urls=UrlRules(),
        )

    def accept(self, records: list[Record]) -> list[RecordResult]:
        return self.service.accept(caller_of(self.account), SendRequest(records))


def test_the_answer_says_where_a_text_differs() -> None:
    accepting = Accepting(ACCOUNT)
    records = [RECORD, RECORD._replace(text="Dear Asha, your odrer is here. Acme")]
    results = accepting.accept(records)
    detail = f'Template {ORDER} at character 18: expected the fixed text "rder is here. Acme".'
    assert [(result.code, result.detail) for result in results] == [
        (None, ""),
        (Code.TEMPLATE_NOT_FOUND, detail),
    ]
    advice = MEANINGS[Code.TEMPLATE_NOT_FOUND].advice
    answered = answer(SendRequest(records), results).decode()
    assert f"{advice} {detail}".replace('"', '\\"') in answered


def test_a_refused_request_says_it_too() -> None:
    records = [RECORD._replace(text="Hi", dlt_template_id=ORDER)]
    with pytest.raises(RequestRefused) as refused:
        Accepting(ACCOUNT).accept(records)
    assert refused.value.code is Code.TEMPLATE_MISMATCH
    assert f"Template {ORDER} at character 1" in refused.value.message
    assert str(refused.value) == "TEMPLATE_MISMATCH"


def test_warnings_come_back_with_the_results() -> None:
    records = [RECORD, RECORD._replace(text="Hi")]
    results = Accepting(WARNING).accept(records)
    assert [result.warning for result in results] == [None, Code.TEMPLATE_NOT_FOUND]
    assert all(result.mid for result in results)


def test_the_sample_campaign_is_of_the_seeded_template() -> None:
    demo = Account(
        id="demo",
        name="Demo",
        carrier="sim",
        senders={sender.header: sender for sender in SENDERS},
        templates={template.dlt_template_id: template for template in TEMPLATES},
    )
    records = [
        Record(row["to"], row["from"], row["smstext"]) for row in campaign.request(0)["smstosend"]
    ]
    accepted, refused = RecordChecker(caller_of(demo), "", NOW_MS, UrlRules()).check(records)
    assert refused == []
    ids = {message.dlt_template_id for rows in accepted for message in rows.messages}
    assert ids == {"1107161234567890001"}
