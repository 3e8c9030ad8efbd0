"""Settings: how they are written, and changes that race, or whose answers are lost."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.aws.accounts import PARTS
from harkara.aws.operator import OperatorStore
from harkara.base.codes import Code
from harkara.base.errors import FieldRefused, RequestRefused
from harkara.base.time import duration_s, duration_text
from harkara.manage.settings import (
    SETTINGS,
    SettingsService,
    fingerprint,
    otp_limit,
    otp_limit_text,
    rate,
    rate_text,
    written,
)
from harkara.model.accounts import Account, Limits, OtpLimit
from harkara.model.messages import Category
from harkara.model.rates import Rate
from tests.support.fakes import FakeAccountStore
from tests.support.registry import FakeRegistry
from tests.support.tables import Table
from tests.unit.scripted_aws import ScriptedAws

ACME = Account(id="acme", name="Acme", carrier="sim")
OF_ADMINS = {
    *("name", "default_callback", "default_category", "smart_encoding", "duplicate_window_s"),
    *("out_of_hours", "registered_urls", "call_back_numbers", "brands", "stop_words", "link_days"),
}


class Raced:
    """An account in DynamoDB: the answer to a write is lost, or another write comes first."""

    def __init__(self) -> None:
        self.table, self.is_lost = Table(), False
        self.between: list[str] = []
        aws = ScriptedAws("dynamodb", self._answer)
        self.store = OperatorStore(aws.client, "Accounts")
        assert self.store.create_account(ACME)
        registry = FakeRegistry(FakeAccountStore({"acme": ACME}))
        self.service = SettingsService(self.store.change_account, self.store.carrier, registry)

    def _answer(self, operation: str, params: dict[str, Any]) -> Any:
        if operation == "UpdateItem" and self.between:
            self.rename(self.between.pop())
        answer = self.table(operation, params)
        if operation == "UpdateItem" and self.is_lost:  # botocore makes the call again
            self.is_lost = False
            return self.table(operation, params)
        return answer

    def rename(self, name: str) -> None:
        self.store.change_account("acme", lambda found: found.model_copy(update={"name": name}))

    @property
    def account(self) -> Account:
        found = self.store.account("acme")
        assert found
        return found

    def put(self, seen: str = "", **given: str) -> list[str]:
        seen = seen or fingerprint(self.account)
        return self.service.put(self.account, given, seen, is_operator=True)


@pytest.mark.parametrize("is_lost", [False, True])
def test_a_change_whose_answer_was_lost_is_made_once(is_lost: bool) -> None:
    raced = Raced()
    raced.is_lost = is_lost
    assert raced.put(brands="Acme\nFoods", segment_limit="10") == ["brands"]
    assert raced.account == ACME.model_copy(update={"brands": ("Acme", "Foods")})


def test_a_change_that_another_overtook_is_refused_and_theirs_stands() -> None:
    raced = Raced()
    raced.between = ["Acme Ltd"]
    with pytest.raises(RequestRefused) as refused:
        raced.put(name="Acme Inc", brands="Acme")
    assert isinstance(refused.value.__cause__, FieldRefused)
    assert refused.value.__cause__.field == "seen"
    assert raced.account == ACME.model_copy(update={"name": "Acme Ltd"})


def test_an_account_that_was_removed_is_not_made_again() -> None:
    raced = Raced()
    seen = fingerprint(ACME)
    assert raced.store.remove_account("acme")
    with pytest.raises(RequestRefused) as refused:
        raced.service.put(ACME, {"name": "Acme"}, seen, is_operator=True)
    assert refused.value.code is Code.NOT_FOUND
    assert raced.store.account("acme") is None


def test_every_field_of_an_account_is_a_setting_or_has_a_screen_of_its_own() -> None:
    elsewhere = {"id", "version", "limits", "shorten_urls", *PARTS}
    assert {*Account.model_fields, *Limits.model_fields} - elsewhere == SETTINGS.keys()


def test_admins_change_these_alone() -> None:
    assert {name for name, each in SETTINGS.items() if each.of_admins} == OF_ADMINS
    raced = Raced()
    for name, text in written(ACME).items():
        change = {"brands": "Acme", name: text}
        if name in OF_ADMINS:
            raced.service.put(ACME, change, fingerprint(raced.account), is_operator=False)
            continue
        with pytest.raises(RequestRefused) as refused:
            raced.service.put(ACME, change, fingerprint(raced.account), is_operator=False)
        assert refused.value.code is Code.SCOPE_MISSING


prices = st.decimals(0, 999_999, places=6)
rates = st.builds(
    Rate,
    prefix=st.from_regex(r"[0-9]{1,15}", fullmatch=True),
    price=prices,
    category=st.none() | st.sampled_from(Category),
)
limits = st.builds(
    OtpLimit,
    prefix=st.sampled_from(("91", "9198", "44", "1")),
    count=st.integers(1, 999_999_999),
    every=st.sampled_from(("minute", "hour", "day")),
)


@given(rates, limits, st.integers(0, 86_400 * 7))
def test_what_is_written_is_read_as_it_was(each: Rate, limit: OtpLimit, seconds: int) -> None:
    assert rate(rate_text(each)) == each
    assert otp_limit(otp_limit_text(limit)) == limit
    assert duration_s(duration_text(seconds)) == seconds


@given(st.integers(0, 10**12).map(Decimal), st.sampled_from([1, 10, 1_000_000]))
def test_amounts_are_written_in_full(amount: Decimal, unit: int) -> None:
    account = ACME.model_copy(
        update={"limits": ACME.limits.model_copy(update={"requests_per_s": float(amount / unit)})}
    )
    text = written(account)["requests_per_s"]
    assert "e" not in text
    assert abs(float(text) - float(amount / unit)) < 1e-6
