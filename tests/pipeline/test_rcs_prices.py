"""A message costs what the channel costs that delivered it, in every place that says so."""

import pytest

from harkara.accept.batches import cost_of
from harkara.model.accounts import Account
from harkara.model.messages import Category
from tests.pipeline.counting import RATES, Counted, but_names_of_campaigns, by_hand
from tests.pipeline.test_rcs import BY_SMS
from tests.support.rcs import READ, REVOKE_FAILS, REVOKED, RcsWorld, by_rcs
from tests.support.streams import Stream
from tests.support.wired import ACCOUNT

PRICED = ACCOUNT.model_copy(update={"rates": RATES})


def sent(account: Account = PRICED, *, doubles: bool = False) -> RcsWorld:
    world = RcsWorld(account=account, doubles=doubles)
    world.send([*map(by_rcs, BY_SMS), by_rcs(READ, category=Category.OTP)])
    world.run()
    return world


@pytest.mark.parametrize("doubles", [False, True])
def test_counters_are_what_a_recount_by_hand_gives(doubles: bool) -> None:
    world = sent(doubles=doubles)
    stream = Stream(world.store.table, lambda: world.now)
    stream.poll()
    counted = Counted(lambda: world.now)
    assert counted.count(stream.records)
    assert counted.count(stream.records[-9:])  # again
    found = but_names_of_campaigns(counted.totals())
    assert found == by_hand(world.store.table.items)
    names = {name: n for each in found.values() for name, n in each.items()}
    by_channel = names["channel:rcs:price"]
    assert by_channel == 300_000 * names["channel:rcs:delivered"]
    assert by_channel < names["price:delivered"]


def price_of(world: RcsWorld, magic: str) -> str | None:
    (mid,) = [
        batch.mid(index)
        for batch in world.batches().values()
        for index, message in enumerate(batch.messages)
        if message.to.endswith(magic) and batch.category != Category.OTP
    ]
    return world.manage_services().history.message(world.account, mid)["price"]


def test_a_message_shows_what_it_cost_in_the_end() -> None:
    world = RcsWorld(account=PRICED)
    world.send([by_rcs(READ), by_rcs(REVOKED), by_rcs(REVOKE_FAILS), by_rcs("0000")])
    assert price_of(world, READ) == "0.1225"  # nobody knows yet
    world.run()
    prices = {magic: price_of(world, magic) for magic in (READ, REVOKED, REVOKE_FAILS, "0000")}
    assert prices == {READ: "0.3", REVOKED: "0.1225", REVOKE_FAILS: "0.3", "0000": "0.3"}


def test_without_a_rate_for_rcs_a_message_costs_what_its_sms_does() -> None:
    world = sent(ACCOUNT.model_copy(update={"rates": RATES[:2]}))
    assert (price_of(world, READ), price_of(world, "0000")) == ("0.1225", "1")
    assert not any(batch.rcs_prices for batch in world.batches().values())


def test_a_spend_cap_counts_the_dearer_channel() -> None:
    batch = next(iter(sent().batches().values()))
    cost = cost_of(PRICED, batch.category, batch.messages)
    assert cost == sum(
        max(1_000_000 if m.to[:10] == "9198765400" else 122_500, 300_000) for m in batch.messages
    )
    plain = [message._replace(rcs=None) for message in batch.messages]
    assert cost_of(PRICED, batch.category, plain) == sum(batch.prices)
    assert cost_of(ACCOUNT, batch.category, batch.messages) == 0
