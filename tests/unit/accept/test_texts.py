"""Texts of records: rendered from templates, made plain, checked by the request's and DLT's rules.

Also the law of the checker: a record comes out the same whatever was checked before it.
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.accept.requests import NO_OPTIONS, BatchKey, Options, Record
from harkara.accept.validation import RecordChecker
from harkara.base.codes import Code
from harkara.model.accounts import Account, Enforcement, Sender, Template
from harkara.model.callbacks import UrlRules
from harkara.model.messages import Category, Message
from tests.support.fakes import caller_of, calling_back

NOW_MS = 1_767_258_000_000  # 14:30 IST
ORDER, OTP, QUOTED = "1107000000000000001", "1107000000000000002", "1107000000000000003"
TEXTS = {
    ORDER: (Category.SERVICE_IMPLICIT, "Dear {#var#}, order {#numeric#} is here. Acme"),
    OTP: (Category.OTP, "{#numeric#} is your OTP. Acme"),
    QUOTED: (Category.SERVICE_IMPLICIT, "It\u2019s {#var#} at https://acme.in/sale. Acme"),
}
ACCOUNT = Account(
    id="acme",
    name="Acme",
    carrier="sim",
    **calling_back("https://api.clevertap.com/dlr"),
    segment_limit=2,
    senders={
        "ACMEBK": Sender(header="ACMEBK", categories=(Category.SERVICE_IMPLICIT,), pe_id="1101")
    },
    templates={
        key: Template(dlt_template_id=key, headers=("ACMEBK",), category=category, text=text)
        for key, (category, text) in TEXTS.items()
    },
)
RECORD = Record(to="919876543210", sender_id="ACMEBK", text="Dear Asha, order 1 is here. Acme")
Outcome = tuple[BatchKey, Message] | tuple[Code, str] | tuple[BatchKey, Message, Code]


def changed(**fields: Any) -> Account:
    return ACCOUNT.model_copy(update=fields)


def outcomes(records: list[Record], account: Account = ACCOUNT) -> list[Outcome]:
    """Return for each record its batch key, message and warning, or its code and detail."""
    checker = RecordChecker(caller_of(account), "", NOW_MS, UrlRules())
    accepted, refused = checker.check(records)
    found: dict[int, Outcome] = {}
    for key, indexes, messages in accepted:
        for index, message in zip(indexes, messages, strict=True):
            warning = checker.warnings.get(index)
            found[index] = (key, message, warning) if warning else (key, message)
    for index, message in refused:
        found[index] = (Code(message.refusal), checker.details.get(index, ""))
    return [found[index] for index in range(len(records))]


def text_of(record: Record, account: Account = ACCOUNT) -> str:
    (outcome,) = outcomes([record], account)
    assert isinstance(outcome[1], Message), outcome
    return outcome[1].text


def refusal(record: Record, account: Account = ACCOUNT) -> tuple[Code, str]:
    (outcome,) = outcomes([record], account)
    assert isinstance(outcome[0], Code), outcome
    return outcome[0], str(outcome[1])


# Rendered


def rendered(*values: str, template: str = ORDER) -> Record:
    variables = tuple((str(number), value) for number, value in enumerate(values, 1))
    options = Options(variables=variables)
    return RECORD._replace(text="", dlt_template_id=template, options=options)


def test_a_text_is_made_of_its_template_and_variables() -> None:
    assert text_of(rendered("Asha", "42")) == "Dear Asha, order 42 is here. Acme"


def test_a_text_that_is_given_comes_before_variables() -> None:
    assert text_of(rendered("Asha", "42")._replace(text=RECORD.text)) == RECORD.text


def test_a_template_without_variables_is_a_text() -> None:
    fixed = Template(dlt_template_id="1", category=Category.SERVICE_IMPLICIT, text="Sale today")
    account = changed(templates={"1": fixed})
    assert text_of(rendered(template="1"), account) == "Sale today"


@pytest.mark.parametrize(
    ("record", "code", "detail"),
    [
        pytest.param(rendered("Asha", "x"), Code.INVALID_VARIABLES,
                     "(variable 2 ({#numeric#}) takes 1 to 40 digits)", id="of the wrong kind"),
        pytest.param(rendered("Asha"), Code.INVALID_VARIABLES, "(variable 2 has no value)",
                     id="too few"),
        pytest.param(rendered("a", "1", "b"), Code.INVALID_VARIABLES,
                     "(variable 3 is not in the template, which has 2)", id="too many"),
        pytest.param(rendered("a", template="99"), Code.TEMPLATE_NOT_REGISTERED, "",
                     id="of an unknown template"),
        pytest.param(rendered(template="99"), Code.EMPTY_TEXT, "", id="neither text nor variables"),
        pytest.param(rendered("a")._replace(dlt_template_id=""), Code.EMPTY_TEXT, "",
                     id="variables of no template"),
    ],
)  # fmt: skip
def test_what_cannot_be_rendered_is_refused(record: Record, code: Code, detail: str) -> None:
    assert refusal(record) == (code, detail)


# Unicode

SALE = "It\u2019s on at https://acme.in/sale. Acme"


def test_unicode_goes_out_unless_the_request_forbids_it() -> None:
    account = changed(dlt=Enforcement.OFF)
    unicode = RECORD._replace(text="नमस्ते")
    assert text_of(unicode, account) == "नमस्ते"
    forbidden = unicode._replace(options=Options(unicode_allowed=False))
    assert refusal(forbidden, account) == (Code.UNICODE_NOT_ALLOWED, "")
    assert text_of(forbidden._replace(text="Ü"), account) == "Ü"


@pytest.mark.parametrize(
    ("smart", "dlt", "template", "text", "sent"),
    [
        pytest.param(True, Enforcement.OFF, "", "It\u2019s", "It's", id="smart"),
        pytest.param(True, Enforcement.OFF, "", "`x`", "'x'", id="ASCII outside GSM"),
        pytest.param(False, Enforcement.OFF, "", "It\u2019s", "It\u2019s", id="not asked for"),
        pytest.param(True, Enforcement.ENFORCE, QUOTED, SALE, SALE, id="its template wants it"),
        pytest.param(True, Enforcement.ENFORCE, "", SALE, SALE, id="one is found that wants it"),
        pytest.param(True, Enforcement.ENFORCE, ORDER, "Dear O\u2019Hara, order 1 is here. Acme",
                     "Dear O'Hara, order 1 is here. Acme", id="a quote in a variable"),
    ],
)  # fmt: skip
def test_smart_encoding_is_the_accounts_choice_and_keeps_to_the_template(
    smart: bool, dlt: Enforcement, template: str, text: str, sent: str
) -> None:
    account = changed(smart_encoding=smart, dlt=dlt)
    assert text_of(RECORD._replace(text=text, dlt_template_id=template), account) == sent


# URLs

URL_TEXT = "Dear https://evil.example, order 1 is here. Acme"


def test_a_url_is_registered_or_of_the_template() -> None:
    account = changed(registered_urls=("https://acme.in/b",))
    assert refusal(RECORD._replace(text=URL_TEXT), account) == (Code.URL_NOT_ALLOWED, "")
    fixed = RECORD._replace(text=SALE)
    assert text_of(fixed, account) == fixed.text
    assert text_of(RECORD._replace(text=URL_TEXT)) == URL_TEXT
    warning = account.model_copy(update={"dlt": Enforcement.WARN})
    (outcome,) = outcomes([RECORD._replace(text=URL_TEXT)], warning)
    assert outcome[-1] is Code.URL_NOT_ALLOWED


# The law

texts = st.sampled_from([
    *(RECORD.text.replace("Asha", name) for name in ("Ravi", "नीता", "a" * 31, "`", "\u2019")),
    "12 is your OTP. Acme", "no template", "", " ", "a" * 400, URL_TEXT,
])  # fmt: skip
numbers = st.sampled_from(["919876543210", "919876543211", "9876543210", "+6581234567", "12"])
campaigns = st.builds(
    lambda rows, template, sender, pe_id, options: [
        Record(to, sender, text, ref, pe_id, template, options=options) for to, text, ref in rows
    ],
    st.lists(
        st.tuples(numbers, texts, st.sampled_from(["ref", "r" * 513])), min_size=1, max_size=5
    )
    | st.lists(st.tuples(st.just("919876543210"), texts, st.just("ref")), min_size=1, max_size=5),
    st.sampled_from(["", ORDER, OTP, "99", "9" * 65]),
    st.sampled_from(["ACMEBK", "OTHERS", "no header"]),
    st.sampled_from(["", "1101", "1102"]),
    st.sampled_from([
        NO_OPTIONS, Options(campaign_id="c1"), Options(category=Category.PROMOTIONAL),
        Options(unicode_allowed=False), Options(send_at_ms=1),
    ]),
)  # fmt: skip
accounts = st.builds(
    changed,
    dlt=st.sampled_from(Enforcement),
    smart_encoding=st.booleans(),
    registered_urls=st.sampled_from([(), ("https://acme.in",)]),
    templates=st.sampled_from([{}, ACCOUNT.templates]),
    strict_templates=st.booleans(),
)


@given(campaigns, accounts)
def test_a_campaign_comes_out_as_if_each_record_had_come_alone(
    records: list[Record], account: Account
) -> None:
    alone = [outcome for record in records for outcome in outcomes([record], account)]
    assert outcomes(records, account) == alone


@pytest.mark.parametrize("to", ["919876543210", "98765 43210"])
@pytest.mark.parametrize("count", [1, 2])
def test_the_rule_of_a_template_that_was_found_says_what_fits(to: str, count: int) -> None:
    account = changed(senders={"ACMEBK": Sender(header="ACMEBK", categories=tuple(Category))})
    promotional = RECORD._replace(to=to, options=Options(category=Category.PROMOTIONAL))
    refused = (Code.INVALID_CATEGORY, "(this template is of service_implicit)")
    assert outcomes([promotional] * count, account) == [refused] * count
