"""The consequences of a record's country, header, template id, entity and options."""

from typing import Any

import pytest

from harkara.accept.policy import (
    BATCH_LIMIT,
    LATE_S,
    SCHEDULE_LIMIT_S,
    Decision,
    DecisionKey,
    SendPolicy,
)
from harkara.accept.requests import NO_OPTIONS, Options
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.model.accounts import Account, Enforcement, Sender, Template
from harkara.model.callbacks import CallbackEndpoint, UrlRules
from harkara.model.messages import DEFAULT_VALIDITY_S, Category
from tests.support.fakes import caller_of

NOON_MS = 1_767_249_000_000  # 2026-01-01 12:00 IST
NIGHT_MS = NOON_MS + 10 * 3600 * 1000  # 22:00 IST
PROMOTIONAL = Options(category=Category.PROMOTIONAL)
URLS = {name: f"https://{name}.clevertap.com/dlr" for name in ("main", "header", "key", "own")}
ACCOUNT = Account(
    id="acme",
    name="Acme",
    carrier="sim",
    countries=("*",),
    default_callback="main",
    callbacks={
        name: CallbackEndpoint(id=name, url=URLS[name]) for name in ("main", "header", "key")
    },
    senders={
        "ACMEBK": Sender(header="ACMEBK", categories=(Category.SERVICE_IMPLICIT,), pe_id="1101"),
        "ACMALL": Sender(
            header="ACMALL",
            categories=(Category.TRANSACTIONAL, Category.PROMOTIONAL),
            callback="header",
        ),
    },
    templates={
        "1107": Template(
            dlt_template_id="1107", headers=("ACMALL",), category=Category.PROMOTIONAL, text="Sale"
        ),
        "1108": Template(dlt_template_id="1108", category=Category.SERVICE_IMPLICIT, text="Hello"),
    },
)


def decide(
    account: Account = ACCOUNT, *, url: str = "", now_ms: int = NOON_MS, **credential: Any
) -> SendPolicy:
    return SendPolicy(caller_of(account, **credential), url, now_ms, UrlRules())


def subject(
    sender_id: str = "ACMALL", template: str = "", options: Options = NO_OPTIONS, pe_id: str = ""
) -> DecisionKey:
    return DecisionKey("IN", sender_id, template, pe_id, options)


def changed(**fields: Any) -> Account:
    return ACCOUNT.model_copy(update=fields)


def refusal(decision: DecisionKey, account: Account = ACCOUNT, now_ms: int = NOON_MS) -> Code:
    with pytest.raises(RequestRefused) as refused:
        decide(account, now_ms=now_ms).decide(decision)
    return refused.value.code


def category(decision: Decision) -> Category:
    return decision.batch.key.category


# The country


@pytest.mark.parametrize(
    ("countries", "country", "may"),
    [
        pytest.param(("IN",), "IN", True, id="India"),
        pytest.param(("IN",), "US", False, id="not open"),
        pytest.param(("IN", "US"), "US", True, id="two countries"),
        pytest.param(("*",), "001", True, id="any"),
        pytest.param((), "IN", False, id="none"),
    ],
)
def test_an_account_sends_to_its_countries(
    countries: tuple[str, ...], country: str, may: bool
) -> None:
    account, key = changed(countries=countries), subject()._replace(country=country)
    if may:
        assert decide(account).decide(key)
    else:
        assert refusal(key, account) is Code.COUNTRY_NOT_ALLOWED


# The category


@pytest.mark.parametrize(
    ("sender_id", "template", "named", "default", "expected"),
    [
        pytest.param("ACMALL", "", Category.PROMOTIONAL, None, Category.PROMOTIONAL, id="named"),
        pytest.param("ACMALL", "", Category.OTP, None, Category.OTP, id="OTP as transactional"),
        pytest.param("ACMEBK", "", Category.OTP, None, Category.OTP, id="OTP as a service"),
        pytest.param("ACMALL", "1107", None, Category.TRANSACTIONAL, Category.PROMOTIONAL,
                     id="its template's"),
        pytest.param("ACMALL", "", None, Category.PROMOTIONAL, Category.PROMOTIONAL,
                     id="the credential's default"),
        pytest.param("ACMEBK", "", None, Category.PROMOTIONAL, Category.SERVICE_IMPLICIT,
                     id="a default that the header does not carry"),
        pytest.param("ACMALL", "", None, None, Category.TRANSACTIONAL, id="the header's first"),
    ],
)  # fmt: skip
def test_a_record_is_of_a_category(
    sender_id: str, template: str, named: Category | None, default: Category | None,
    expected: Category,
) -> None:  # fmt: skip
    options = Options(category=named)
    decision = decide(default_category=default).decide(subject(sender_id, template, options))
    assert category(decision) is expected


def test_without_a_header_the_credentials_default_comes_before_the_accounts() -> None:
    lax = changed(dlt=Enforcement.OFF, default_category=Category.PROMOTIONAL)
    assert category(decide(lax).decide(subject("OTHERS"))) is Category.PROMOTIONAL
    named = decide(lax, default_category=Category.OTP).decide(subject("OTHERS"))
    assert category(named) is Category.OTP


# DLT's rules

BROKEN = [
    pytest.param(subject("OTHERS"), {}, Code.HEADER_NOT_REGISTERED, id="an unknown header"),
    pytest.param(subject("ACMEBK", pe_id="1102"), {}, Code.ENTITY_MISMATCH, id="another entity"),
    pytest.param(subject("ACMEBK", "9"), {"strict_templates": True},
                 Code.TEMPLATE_NOT_REGISTERED, id="an unknown template, strictly"),
    pytest.param(subject("ACMEBK", "1107"), {}, Code.TEMPLATE_HEADER, id="another header's"),
    pytest.param(subject("ACMALL", "1107", Options(category=Category.OTP)), {},
                 Code.INVALID_CATEGORY, id="an OTP by a promotional template"),
    pytest.param(subject("ACMEBK", options=PROMOTIONAL), {}, Code.HEADER_CATEGORY,
                 id="promotional by a service header"),
]  # fmt: skip


@pytest.mark.parametrize(("decision", "fields", "code"), BROKEN)
def test_a_broken_rule_refuses_warns_or_is_nothing(
    decision: DecisionKey, fields: dict[str, Any], code: Code
) -> None:
    assert refusal(decision, changed(**fields)) is code
    assert decide(changed(**fields, dlt=Enforcement.WARN)).decide(decision).warning is code
    assert decide(changed(**fields, dlt=Enforcement.OFF)).decide(decision).warning is None


@pytest.mark.parametrize(("decision", "fields", "code"), BROKEN[1:])
def test_abroad_no_rule_of_dlt_holds(
    decision: DecisionKey, fields: dict[str, Any], code: Code
) -> None:
    abroad = decide(changed(**fields)).decide(decision._replace(country="SG"))
    assert (abroad.warning, abroad.is_dlt, abroad.seeks) == (None, False, False)


def test_an_unknown_template_goes_through_with_a_warning() -> None:
    decision = decide().decide(subject("ACMEBK", "9"))
    assert (decision.matches, decision.seeks) == (None, False)
    assert decision.warning is Code.TEMPLATE_NOT_REGISTERED


def test_a_template_of_no_header_goes_with_each() -> None:
    decision = decide().decide(subject("ACMEBK", "1108"))
    assert decision.matches is not None
    assert decision.matches("Hello")


# Times


@pytest.mark.parametrize(
    ("wait_s", "kept"),
    [
        pytest.param(0, False, id="at once"),
        pytest.param(-LATE_S, False, id="just gone by"),
        pytest.param(1, True, id="a second ahead"),
        pytest.param(SCHEDULE_LIMIT_S, True, id="thirty days ahead"),
    ],
)
def test_a_send_time_is_kept_unless_it_has_come(wait_s: int, kept: bool) -> None:
    send_at_ms = NOON_MS + wait_s * 1000
    decision = decide().decide(subject(options=Options(send_at_ms=send_at_ms, validity_s=60)))
    key = decision.batch.key
    assert (key.send_at_ms, key.validity_s) == (send_at_ms if kept else 0, 60)


@pytest.mark.parametrize("wait_s", [-LATE_S - 1, SCHEDULE_LIMIT_S + 1])
def test_a_send_time_too_far_off_is_refused(wait_s: int) -> None:
    options = Options(send_at_ms=NOON_MS + wait_s * 1000)
    assert refusal(subject(options=options)) is Code.INVALID_SEND_TIME


@pytest.mark.parametrize(
    ("decision_key", "detail"),
    [
        (subject(options=Options(send_at_ms=NOON_MS - 61 * 60_000)), "(this time is past)"),
        (subject(options=Options(send_at_ms=NOON_MS * 2)), "(this time is too far ahead)"),
        (
            subject("ACMALL", "1107", Options(category=Category.OTP)),
            "(this template is of promotional)",
        ),
    ],
)
def test_a_refusal_says_what_would_fit(decision_key: DecisionKey, detail: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        decide().decide(decision_key)
    assert refused.value.detail == detail


@pytest.mark.parametrize(
    ("country", "named", "daytime_only"),
    [
        pytest.param("IN", Category.PROMOTIONAL, True, id="promotional"),
        pytest.param("IN", Category.SERVICE_EXPLICIT, True, id="service explicit"),
        pytest.param("IN", Category.SERVICE_IMPLICIT, False, id="service implicit"),
        pytest.param("IN", Category.OTP, False, id="an OTP"),
        pytest.param("SG", Category.PROMOTIONAL, False, id="promotional, abroad"),
    ],
)
def test_india_has_hours_for_promotion(country: str, named: Category, daytime_only: bool) -> None:
    lax = changed(dlt=Enforcement.OFF)
    options = Options(category=named)
    decision = decide(lax).decide(subject(options=options)._replace(country=country))
    assert decision.batch.key.daytime_only is daytime_only
    assert decision.batch.key.validity_s == DEFAULT_VALIDITY_S


def test_at_night_promotion_is_deferred_or_refused_as_the_account_says() -> None:
    decision = subject(options=PROMOTIONAL)
    assert decide(now_ms=NIGHT_MS).decide(decision).batch.key.daytime_only
    refusing = changed(out_of_hours="refuse")
    assert refusal(decision, refusing, NIGHT_MS) is Code.PROMOTIONAL_HOURS
    assert decide(refusing).decide(decision)
    at_night = PROMOTIONAL._replace(send_at_ms=NIGHT_MS)
    assert refusal(subject(options=at_night), refusing) is Code.PROMOTIONAL_HOURS


def test_a_request_has_only_so_many_times() -> None:
    judging = decide()
    for number in range(BATCH_LIMIT):
        judging.decide(subject(options=Options(validity_s=60 + number)))
    with pytest.raises(RequestRefused) as refused:
        judging.decide(subject(options=Options(validity_s=3600)))
    assert refused.value.code is Code.MIXED_REQUEST
    assert judging.decide(subject(options=Options(validity_s=60)))
