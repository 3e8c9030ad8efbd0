"""What messages cost by state, counted by hand over rate cards of two currencies."""

import json
from decimal import Decimal
from typing import Any

import pytest

from harkara.accept.requests import Options, Record
from harkara.model.accounts import Account
from harkara.model.activity import facts_of
from harkara.model.ledger import Lease, final_kind
from harkara.model.messages import Category, unpack
from harkara.model.rates import Rate
from harkara.model.rcs import Channel, Rcs
from tests.functions.handlers import SANDBOX
from tests.functions.listing import OTHER, Lists
from tests.functions.sending import post

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


BY_RCS = {
    "919876543210": ("delivered", "rcs", "0.3"),
    "919876543211": ("delivered", "", "0.245"),
    "919876543212": ("failed", "", "0.245"),
    "919876543213": ("", "", "0.245"),
    "447911123456": ("delivered", "rcs", "7"),  # without a rate for RCS
}


@pytest.fixture
def both_channels() -> Lists:
    """Messages with RCS content of two segments, of which some ended by RCS."""
    lists = Lists()
    rate = Rate(prefix="91", price=Decimal("0.3"), channel=Channel.RCS)
    card = RUPEES.model_copy(update={"rates": (*RUPEES.rates, rate)})
    lists.accounts.accounts["sandbox"] = card
    options = Options(rcs=Rcs("Hello by RCS"))
    lists.send(card, *(Record(to, "ACMEBK", LONG, options=options) for to in BY_RCS))
    lease = Lease("task", "worker", 0)
    ((name, packed),) = lists.store.packed.items()
    batch = unpack(name, packed)
    finals = []
    for index, message in enumerate(batch.messages):
        state, channel, _ = BY_RCS[message.to]
        facts = facts_of(batch, index, "sim", channel)
        about = {"state": state, "code": "", "at": batch.due_at_ms // 1000, "of": facts}
        more = {"channel": channel} if channel else {}
        if state:
            finals.append(lease.entry(batch.id, final_kind(index), **about, **more))
    lists.store.put_if_absent(finals)
    lists.now += 1
    lists.settle()
    return lists


def test_lists_name_the_channel_and_its_price(both_channels: Lists) -> None:
    found = {
        each["to"]: (each["state"].replace("pending", ""), each["channel"], each["price"])
        for each in both_channels.all()
    }
    assert found == BY_RCS
    for each in both_channels.all():
        _, message = both_channels.get(f"/v1/messages/{each['mid']}")
        assert Decimal(message["price"]) == Decimal(each["price"])


def test_statistics_add_up_what_the_channels_cost(both_channels: Lists) -> None:
    _, stats = both_channels.get("/v1/stats", by="channel")
    assert stats["totals"]["price"] == "7.98"  # 4 * 0.245 + 7, as if all went by SMS
    assert stats["totals"]["price_by_state"] == {"delivered": "7.545", "failed": "0.245"}
    (group,) = stats["groups"]
    assert (group["key"], group["delivered"], group["price"]) == ("rcs", 2, "7.3")


def test_a_dry_run_tells_both_prices(both_channels: Lists) -> None:
    message = {"to": "919876543210", "from": "ACMEBK", "text": LONG, "rcs": {"text": "Hello"}}
    event = post("/v1/messages", message, "dry_run=true")
    answer = json.loads(both_channels.call("send", event)["body"])
    assert (answer["price"], answer["rcs_price"]) == ("0.2450", "0.3")
    plain = {name: value for name, value in message.items() if name != "rcs"}
    event = post("/v1/messages", plain, "dry_run=true")
    assert "rcs_price" not in json.loads(both_channels.call("send", event)["body"])
