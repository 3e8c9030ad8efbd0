"""Template ids that are none, and texts whose placeholders nobody filled in, by every route."""

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.accept.formats import native, webengage
from harkara.accept.requests import Record
from harkara.accept.validation import RecordChecker
from harkara.base.codes import Code
from harkara.model.accounts import Account, Template
from harkara.model.callbacks import UrlRules
from harkara.model.messages import Category
from tests.support.fakes import caller_of
from tests.support.ics_bodies import parse_datasend, parse_smpp
from tests.unit.checking import ACCOUNT, BARE, NOW_MS, OFF, ORDER, RECORD, WARNING, Outcome

NO_IDS = (
    "$$TemplateID",
    "Moesms_dltTemplateId",
    "{#var#}",
    "64f1c0ffee64f1c0ffee64f1",
    "1.10717E+18",
    "1107.0",
    "1107-0000",
    "11070000000000000021",
    "११०७",
    "'",
    "null",
)


def sent_by(route: str, record: Record) -> Record:
    """Return a record as it arrives by a route."""
    to, header, text, template_id = record.to, record.sender_id, record.text, record.dlt_template_id
    named = {"to": to, "from": header, "templateid": template_id, "peid": record.pe_id}
    body: dict[str, Any]
    match route:
        case "datasend":
            body = {"smstosend": [{**named, "smstext": text}]}
            return parse_datasend(json.dumps(body))[1].records[0]
        case "smpp":
            return parse_smpp(urlencode({**named, "text": text}))[1].records[0]
        case "v1":
            of_v1 = {"text": text, "template_id": template_id, "pe_id": record.pe_id}
            return native.parse(json.dumps({"to": to, "from": header, **of_v1})).records[0]
    dlt = {"contentTemplateId": template_id, "principalEntityId": record.pe_id}
    body = {
        "version": "2.0",
        "smsData": {"toNumber": to, "fromNumber": header, "body": text},
        "metadata": {"indiaDLT": dlt},
    }
    return webengage.parse(json.dumps(body)).records[0]


ROUTES = ("datasend", "smpp", "v1", "webengage")


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("account", [ACCOUNT, WARNING, OFF, BARE])
@pytest.mark.parametrize("template_id", NO_IDS)
def test_what_is_no_id_never_switches_the_check_off(
    template_id: str, account: Account, route: str
) -> None:
    record = sent_by(route, RECORD._replace(dlt_template_id=template_id, text="Hello"))
    assert Outcome(account, record).code is Code.INVALID_TEMPLATE_ID
    record = sent_by(route, RECORD._replace(pe_id=template_id))
    assert Outcome(account, record).code is Code.ENTITY_MISMATCH


@pytest.mark.parametrize("route", ROUTES)
@given(
    before=st.text(" \t\u00a0\u200b\ufeff", max_size=2),
    mark=st.sampled_from(["", "'", "\u2019"]),
    index=st.integers(0, 19),
    behind=st.text(" \n\u00a0", max_size=2),
)
def test_blanks_and_an_apostrophe_are_no_part_of_an_id(
    before: str, mark: str, index: int, behind: str, route: str
) -> None:
    spelled = f"{before}{mark}{ORDER[:index]}{behind}{ORDER[index:]}{behind}"
    outcome = Outcome(ACCOUNT, sent_by(route, RECORD._replace(dlt_template_id=spelled)))
    assert (outcome.code, outcome.message.dlt_template_id) == (None, ORDER)
    wrong = RECORD._replace(dlt_template_id=spelled, text="Hello")
    outcome = Outcome(ACCOUNT, sent_by(route, wrong))
    assert outcome.code is Code.TEMPLATE_MISMATCH
    assert (outcome.detail or "").startswith(f"Template {ORDER} at")


def test_what_is_no_id_does_not_matter_abroad() -> None:
    outcome = Outcome(ACCOUNT, RECORD._replace(to="+6581234567", dlt_template_id="$$TemplateID"))
    assert outcome.code is None


UNFILLED = ("$$Name", "{#var#}", "{#name#}", "a $$uid b", "{# NUM #}", "{##}")


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("template_id", ["", ORDER, "1999"])
@pytest.mark.parametrize("value", UNFILLED)
@pytest.mark.parametrize("account", [ACCOUNT, WARNING, BARE], ids=["enforce", "warn", "bare"])
def test_a_text_that_was_not_filled_in_is_refused(
    account: Account, value: str, template_id: str, route: str, count: int
) -> None:
    text = f"Dear {value}, your order is here. Acme"
    good = RECORD._replace(to="919876543210", dlt_template_id=template_id)
    checker = RecordChecker(caller_of(account), "", NOW_MS, UrlRules())
    sent = [sent_by(route, each) for each in [good] * (count - 1) + [good._replace(text=text)]]
    _, refused = checker.check(sent)
    assert [(index, message.refusal) for index, message in refused] == [
        (count - 1, Code.UNFILLED_PLACEHOLDER)
    ]


@pytest.mark.parametrize("text", ["Win $$Cash$$ now, {#var#}", "Write {#name#} to {#num#}"])
@pytest.mark.parametrize("template_id", ["", "1"])
def test_a_placeholder_in_the_fixed_text_stays(text: str, template_id: str) -> None:
    # The second one cannot be registered any more, but an earlier release accepted it.
    template = Template(dlt_template_id="1", category=Category.SERVICE_IMPLICIT, text=text)
    account = ACCOUNT.model_copy(update={"templates": {"1": template}})
    filled = text.replace("{#var#}", "Asha").replace("{#num#}", "12")
    outcome = Outcome(account, RECORD._replace(text=filled, dlt_template_id=template_id))
    assert (outcome.code, outcome.warning) == (None, None)
    unfilled = text.replace("{#num#}", "{#num#}").replace("{#var#}", "$$Name")
    outcome = Outcome(account, RECORD._replace(text=unfilled, dlt_template_id=template_id))
    assert outcome.code is Code.UNFILLED_PLACEHOLDER
