"""What messages cost by state, counted by hand over rate cards of two currencies."""

from decimal import Decimal
from typing import Any

import pytest

from harkara.accept.requests import Options, Record
from harkara.model.accounts import Account, Rate
from harkara.model.activity import facts_of
from harkara.model.ledger import Lease, final_kind
from harkara.model.messages import Category, unpack
from tests.functions.handlers import SANDBOX
from tests.functions.listing import OTHER, Lists

RUPEES = SANDBOX.model_copy(
    update={
        "countries": ("*",),
        "currency": "INR",
        "rates": (
            Rate(prefix="91", price=Decimal("0.1225")),
            Rate(prefix="91", price=Decimal("0.2"), category=Category.OTP),
            Rate(prefix="44", price=Decimal("3.5")),
        ),
    }
)
DOLLARS = OTHER.model_copy(
    update={
        "countries": ("*",),
        "currency": "USD",
        "rates": (
            Rate(prefix="", price=Decimal("0.01")),
            Rate(prefix="91", price=Decimal("0.002345")),
            Rate(prefix="919100", price=Decimal(0)),
        ),
    }
)
LONG = "x" * 161  # two segments
OTP = Options(category=Category.OTP)
# Account, number, text, options, state.
SENT: tuple[tuple[Account, str, str, Options, str], ...] = (
    (RUPEES, "919876543210", "Hello", Options(), "delivered"),
    (RUPEES, "919876543211", LONG, Options(), "delivered"),
    (RUPEES, "919876543212", "Your code is 1", OTP, "delivered"),
    (RUPEES, "919876543213", LONG, OTP, "failed"),
    (RUPEES, "447911123456", LONG, Options(), "expired"),
    (RUPEES, "447911123457", "Hello", Options(), ""),
    (RUPEES, "16502530000", "Hello", Options(), "delivered"),  # without a rate
    (RUPEES, "12", "Hello", Options(), ""),  # refused
    (DOLLARS, "919876543210", LONG, Options(), "delivered"),
    (DOLLARS, "919876543211", "Hello", Options(), "unknown"),
    (DOLLARS, "919100000000", "Hello", Options(), "delivered"),  # free
    (DOLLARS, "447911123456", LONG, Options(), "cancelled"),
    (DOLLARS, "12", "Hello", Options(), ""),  # refused
)
# 0.1225 + 2 * 0.1225 + 0.2; 2 * 0.2; 2 * 3.5. With 3.5 for the one under way: 11.4675.
EXPECTED: dict[str, dict[str, Any]] = {
    "sandbox": {
        "currency": "INR",
        "price": "11.4675",
        "price_by_state": {"delivered": "0.5675", "expired": "7", "failed": "0.4"},
        "segments_by_state": {"delivered": 5, "expired": 2, "failed": 2},
    },
    # 2 * 0.002345; 0.002345; 2 * 0.01.
    "other": {
        "currency": "USD",
        "price": "0.027035",
        "price_by_state": {"cancelled": "0.02", "delivered": "0.00469", "unknown": "0.002345"},
        "segments_by_state": {"cancelled": 2, "delivered": 3, "unknown": 1},
    },
}


@pytest.fixture(scope="module")
def lists() -> Lists:
    lists = Lists()
    lists.accounts.accounts |= {"sandbox": RUPEES, "other": DOLLARS}
    for account in (RUPEES, DOLLARS):
        rows = [row for row in SENT if row[0] is account]
        records = [
            Record(to, "ACMEBK", text, state, options=options)
            for _, to, text, options, state in rows
        ]
        lists.send(account, *records)
    lease = Lease("task", "worker", 0)
    for batch in (unpack(*row) for row in lists.store.packed.items()):
        finals = [
            lease.entry(
                batch.id,
                final_kind(index),
                state=message.client_ref,
                code="",
                at=batch.due_at_ms // 1000,
                of=facts_of(batch, index, "sim"),
            )
            for index, message in enumerate(batch.messages)
            if message.client_ref
        ]
        lists.store.put_if_absent(finals)
    lists.now += 1
    lists.settle()
    return lists


@pytest.mark.parametrize("account", EXPECTED)
def test_a_state_costs_what_the_rate_card_says_of_its_segments(account: str, lists: Lists) -> None:
    _, stats = lists.get("/v1/stats", account, by="state")
    expected = EXPECTED[account]
    assert stats["currency"] == expected["currency"]
    assert {name: stats["totals"][name] for name in expected if name != "currency"} == {
        name: value for name, value in expected.items() if name != "currency"
    }
    by_state = {each["key"]: each["price"] for each in stats["groups"]}
    assert by_state == expected["price_by_state"]
    assert stats["totals"]["refused"] == 1


def test_what_was_accepted_keeps_its_price_when_the_card_changes(lists: Lists) -> None:
    changed = RUPEES.model_copy(update={"rates": (Rate(prefix="91", price=Decimal(9)),)})
    lists.accounts.accounts["sandbox"] = changed
    _, stats = lists.get("/v1/stats")
    assert stats["totals"]["price"] == EXPECTED["sandbox"]["price"]
