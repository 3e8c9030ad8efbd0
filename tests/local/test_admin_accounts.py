"""`harkara account`: the functions read the operator's settings of accounts."""

from decimal import Decimal

import pytest

from harkara.model.accounts import Account, Enforcement, Limits, OtpLimit
from harkara.model.messages import Category
from harkara.model.rates import Rate
from harkara.model.rcs import Channel
from tests.local.operators import CARRIER, Operator
from tests.support.fakes import calling_back

ACME = Account(id="acme", name="acme", carrier="sim", version=1)


def test_an_account_is_created_with_defaults() -> None:
    operator = Operator().with_carrier()
    assert operator("account create acme --carrier sim --json").json() == {"account": "acme"}
    assert operator.store.account("acme") == ACME


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ("--name Acme", {"name": "Acme"}),
        ("--countries IN US", {"countries": ("IN", "US")}),
        ("--countries *", {"countries": ("*",)}),
        ("--dlt warn", {"dlt": Enforcement.WARN}),
        ("--strict-templates", {"strict_templates": True}),
        ("--default-category otp", {"default_category": Category.OTP}),
        ("--segment-limit 3 --variable-limit 40", {"segment_limit": 3, "variable_limit": 40}),
        ("--smart-encoding", {"smart_encoding": True}),
        ("--duplicate-window 30m", {"duplicate_window_s": 1800}),
        (
            "--otp-cooldown 30s --otp-per-day 10",
            {"otp_cooldown_s": 30, "otp_per_day": 10},
        ),
        ("--out-of-hours refuse", {"out_of_hours": "refuse"}),
        ("--callback-hosts hooks.acme.in", {"callback_hosts": ("hooks.acme.in",)}),
        ("--callback-hosts", {"callback_hosts": ()}),
        ("--registered-urls https://acme.in/", {"registered_urls": ("https://acme.in/",)}),
        ("--call-back-numbers 1800123456", {"call_back_numbers": ("1800123456",)}),
        ("--short-domain acme.example", {"short_domain": "acme.example"}),
        ("--brands Acme Foods", {"brands": ("Acme", "Foods")}),
        ("--short-domain hk.example/{header}", {"short_domain": "hk.example/{header}"}),
        (
            "--short-domain hk.example/ACMEBK --link-days 90 --shorten-urls",
            {"short_domain": "hk.example/ACMEBK", "link_days": 90, "shorten_urls": True},
        ),
        ("--currency INR", {"currency": "INR"}),
        ("--telemarketer-ids 1202 1203", {"telemarketer_ids": ("1202", "1203")}),
        (
            "--rates 91=0.25 91:otp=0.2",
            {
                "rates": (
                    Rate(prefix="91", price=Decimal("0.25")),
                    Rate(prefix="91", price=Decimal("0.2"), category=Category.OTP),
                )
            },
        ),
        (
            "--rates 91:rcs=0.3 91:otp:rcs=0.35",
            {
                "rates": (
                    Rate(prefix="91", price=Decimal("0.3"), channel=Channel.RCS),
                    Rate(
                        prefix="91",
                        price=Decimal("0.35"),
                        category=Category.OTP,
                        channel=Channel.RCS,
                    ),
                )
            },
        ),
        (
            "--otp-limits +9198=100/hour 44=20/day",
            {
                "otp_limits": (
                    OtpLimit(prefix="9198", count=100, every="hour"),
                    OtpLimit(prefix="44", count=20, every="day"),
                )
            },
        ),
        ("--otp-limits", {"otp_limits": ()}),
        (
            "--spend-per-day 5000 --spend-per-month 99999.25",
            {"limits": Limits(spend_per_day=Decimal(5000), spend_per_month=Decimal("99999.25"))},
        ),
        (
            "--requests-per-s 2.5 --segments-per-day 1000",
            {"limits": Limits(requests_per_s=2.5, segments_per_day=1000)},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_field_is_created_and_set(options: str, fields: dict[str, object]) -> None:
    created, changed = Operator().with_carrier(), Operator().with_account()
    assert created(f"account create acme --carrier sim {options}").status == 0
    assert created.store.account("acme") == ACME.model_copy(update=fields)
    before = changed.store.account("acme")
    assert before is not None
    assert changed(f"account set acme {options}").status == 0
    assert changed.store.account("acme") == before.model_copy(update={"version": 2, **fields})


def test_what_is_not_given_stays() -> None:
    operator = Operator().with_account(limits=Limits(requests_per_s=5), strict_templates=True)
    assert operator("account set acme --segments-per-s 7 --no-strict-templates").status == 0
    account = operator.store.account("acme")
    assert account is not None
    assert account.limits == Limits(requests_per_s=5, segments_per_s=7)
    assert not account.strict_templates


def test_an_account_goes_to_another_carrier_and_callback() -> None:
    operator = Operator().with_account(**calling_back("https://hooks.acme.in/dlr"))
    operator.store.put_carrier(CARRIER.model_copy(update={"name": "other"}))
    assert operator("account set acme --carrier other --default-callback main").status == 0
    account = operator.store.account("acme")
    assert account is not None
    assert (account.carrier, account.default_callback) == ("other", "main")


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("account create acme --carrier sim", "the account acme exists"),
        ("account create other --carrier gone", "there is no carrier gone"),
        ("account set acme --carrier gone", "there is no carrier gone"),
        ("account set acme --default-callback gone", "there is no callback gone"),
        ("account set gone --name Gone", "there is no account gone"),
        ("account show gone", "there is no account gone"),
    ],
)
def test_what_cannot_be_done_says_why(line: str, says: str) -> None:
    operator = Operator().with_account()
    before = dict(operator.table.items)
    done = operator(line)
    assert (done.status, done.out) == (1, "")
    assert says in done.err
    assert done.err.count("\n") == 1
    assert operator.table.items == before


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("account create", "Missing argument 'ACCOUNT'"),
        ("account create a#b --carrier sim", "use 1 to 64 letters"),
        ("account set acme --countries india", "two capital letters"),
        ("account set acme --rates 91:sms=1", "91:otp=0.20"),
        ("account set acme --rates 91", "91:otp=0.20"),
        ("account set acme --rates 91:rcs:otp=1", "91:rcs=0.30"),
        ("account set acme --rates 91:otp:promotional=1", "91:rcs=0.30"),
        ("account set acme --rates 91:rcs:rcs=1", "91:rcs=0.30"),
        ("account set acme --rates 91:=1", "91:rcs=0.30"),
        ("account set acme --otp-limits 91", "+9198=100/hour"),
        ("account set acme --otp-limits +91=0/hour", "+9198=100/hour"),
        ("account set acme --otp-limits +91=5/week", "+9198=100/hour"),
        ("account set acme --otp-limits +1234567890123456=5/day", "+9198=100/hour"),
        ("account set acme --otp-limits 098=5/day", "begin the prefix with a country code"),
        ("account set acme --otp-limits +999=5/day", "begin the prefix with a country code"),
        ("account set acme --otp-limits 44=5/day +44=6/day", "one limit a minute, hour and day"),
        ("account set acme --currency rupees", "three letters"),
        ("account set acme --spend-per-day many", "in the unit of the rates"),
        ("account set acme --spend-per-month -1", "in the unit of the rates"),
        ("account set acme --spend-per-day 0.0000001", "in the unit of the rates"),
        ("account set acme --duplicate-window 30", "24h"),
        ("account set acme --callback-hosts https://acme.in/", "hooks.acme.in"),
        ("account set acme --short-domain https://acme.in", "hk.example/ACMEBK"),
        ("account set acme --shorten-urls", "short links need a short domain"),
        ("account set acme --segment-limit 0", "--segment-limit: Input should be greater"),
        ("account set acme --requests-per-s -1", "harkara: --requests-per-s: Input should be"),
        ("account forget acme", "No such command 'forget' (see harkara account --help)"),
        ("accounts", "Did you mean 'account'?"),
    ],
)
def test_wrong_use_is_one_line_and_changes_nothing(line: str, says: str) -> None:
    operator = Operator().with_account()
    before = dict(operator.table.items)
    done = operator(line)
    assert (done.status, done.out) == (2, "")
    assert says in done.err
    assert done.err.count("\n") == 1
    assert operator.table.items == before


def test_an_account_is_shown_without_its_call_back_numbers() -> None:
    operator = Operator().with_account(call_back_numbers=("1800123456",))
    visible = operator("account show acme --json").json()
    assert (visible["id"], visible["carrier"], visible["call_back_numbers"]) == ("acme", "sim", 1)
    assert "1800123456" not in operator("account show acme").out


def test_an_account_is_shown_with_its_limits_as_they_are_written() -> None:
    operator = Operator().with_account()
    operator("account set acme --otp-limits 9198=100/hour --spend-per-day 5000.50")
    visible = operator("account show acme --json").json()
    assert visible["otp_limits"] == ["+9198=100/hour"]
    assert (visible["spend_per_day"], visible["spend_per_month"]) == ("5000.50", "0")


def test_accounts_are_listed_as_a_table() -> None:
    operator = Operator().with_account(name="Acme\nLtd")
    operator("account create bare --carrier sim --countries *")
    assert operator("account list").out.splitlines() == [
        "account  name      carrier  dlt      countries",
        "acme     Acme Ltd  sim      enforce  IN",
        "bare     bare      sim      enforce  *",
    ]


def test_an_empty_list_says_so() -> None:
    assert Operator()("account list").out == "none\n"
    assert Operator()("account list --json").json() == []
