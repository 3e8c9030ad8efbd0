"""Each event is counted exactly once, whatever Lambda repeats and wherever a process dies."""

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harkara.accept.requests import Options, Record
from harkara.activity.index import MESSAGES, unpack_row
from harkara.activity.names import split_name
from harkara.base.json import encode
from harkara.base.time import DAY_S
from harkara.carriers.receipts import ReceiptRequest
from harkara.manage.feedback import FeedbackService
from harkara.model.callbacks import PostResult
from harkara.model.messages import Category, State
from harkara.model.tasks import QueueName, Receipt, ReceiptsTask
from harkara.submit.attempts import taken_of
from tests.pipeline import campaign
from tests.pipeline.counting import RATES, Counted, but_names_of_campaigns, by_hand, content_of
from tests.support.fakes import Faults
from tests.support.streams import SHARD, Stream
from tests.support.wired import ACCOUNT, CARRIER, TOKEN
from tests.support.world import World


def named(magic: str, campaign_id: str, category: Category | None = None) -> Record:
    """Return a record of a campaign."""
    return campaign.record(magic)._replace(
        options=Options(campaign_id=campaign_id, category=category)
    )


PHONE, CODE = "919876540000", "56161"
CARRIERS = (CARRIER.model_copy(update={"inbound": {CODE: "acme"}}),)
EVENTS = ("clicks", "bots", "replies", "corrected", "parked", "verified", "unverified")
LINKED = Options(campaign_id="diwali", shorten_urls=True)


def world_of(**fields: Any) -> World:
    """Return a world whose account has links and replies."""
    more = {"short_domain": "hk.example/ACMEBK", "two_way": True, **fields}
    return World(account=ACCOUNT.model_copy(update=more), carriers=CARRIERS)


def follow(world: World, *, is_person: bool) -> None:
    """Follow all links of all messages."""
    for batch in world.batches().values():
        for message in batch.messages:
            _, found, path = message.text.partition("https://hk.example")
            if found:
                path, _, code = path.rpartition("/")
                world.link_service().visit("hk.example", path, code, is_person=is_person)


def say(world: World, sender: str = PHONE, at_s: float = 0) -> None:
    """Post a phone's text, as its carrier does."""
    payload = {"from": sender, "to": CODE, "text": "Yes", "ts": int(at_s or world.now)}
    world.inbound_service().receive("sim", TOKEN, ReceiptRequest("POST", {}, {}, encode(payload)))


def deliver_by(world: World, operator: str, mid: str) -> None:
    """Report a message as delivered by an operator."""
    receipt = Receipt(mid, 1, State.DELIVERED, int(world.now), operator=operator)
    world.queues.add(QueueName.RECEIPT, ReceiptsTask((receipt,), "sim").encode(), world.now)


def say_whether_verified(world: World, *answers: bool) -> None:
    """Give feedback about OTPs, in order of their batches, as often as there are answers."""
    service = FeedbackService(world.store, world.clock)
    mids = [each.mid(0) for each in world.batches().values() if each.category == Category.OTP]
    for number, verified in enumerate(answers):
        service.put(world.account, mids[number % len(mids)], {"verified": verified})


def linked(magic: str = "0000") -> Record:
    return campaign.record(magic, to=PHONE)._replace(text="See https://acme.in", options=LINKED)


@pytest.fixture(scope="module")
def world() -> World:
    """A table with a campaign, single messages, and whatever may happen to messages."""
    world = world_of(rates=RATES)
    world.trust()
    world.send(campaign.records())
    for magic in ("0000", "9001", "9008"):
        world.send([named(magic, "diwali")])
    world.send([named("0000", f"campaign {number}") for number in range(120)])
    for magic in ("0000", "0001", "0002"):
        world.send([named(magic, "codes", Category.OTP)])
    world.at(300, partial(say_whether_verified, world, True, False))
    for operator in ("AIRTEL", "BSNL: east"):
        sent = world.send([named("9004", "diwali")]) or []
        world.at(60, partial(deliver_by, world, operator, sent[0].mid))
    world.send([linked()])
    for after_s, is_person in ((600, True), (700, False), (800, False), (900, True)):
        world.at(after_s, partial(follow, world, is_person=is_person))
    for after_s, sender in ((1000, PHONE), (1100, "919000000001"), (1200, PHONE)):
        world.at(after_s, partial(say, world, sender))
    campaign.send_later(world)
    world.run()
    world.platform.script = [PostResult(410, "HTTP 410")]
    world.send([named("0000", "diwali"), named("0000", "late")])
    world.run()
    return world


@pytest.fixture(scope="module")
def stream(world: World) -> Stream:
    stream = Stream(world.store.table, lambda: world.now)
    stream.poll()
    return stream


Deliveries = Sequence[tuple[int, int]]
deliveries = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 400)), max_size=6)


def deliver(counted: Counted, stream: Stream, cuts: Deliveries) -> None:
    """Deliver a stream in batches of any size, some of whose records come again."""
    reached, left = 0, [*cuts]
    while reached < len(stream.records):
        again, size = left.pop(0) if left else (0, 1000)
        batch = stream.records[max(0, reached - again) : reached + size]
        while not counted.count(batch):
            batch = batch[: max(again + 1, len(batch) // 2)]  # Lambda bisects what failed
        reached = max(0, reached - again) + len(batch)


@settings(max_examples=30)
@given(
    cuts=deliveries,
    before=st.sets(st.integers(0, 40), max_size=4),
    after=st.sets(st.integers(0, 40), max_size=4),
    lost=st.sets(st.integers(0, 40), max_size=4),
)
def test_counters_are_what_a_count_by_hand_finds(
    cuts: Deliveries,
    before: set[int],
    after: set[int],
    lost: set[int],
    world: World,
    stream: Stream,
) -> None:
    counted = Counted(world.clock, Faults(before, after, lost))
    deliver(counted, stream, cuts)
    assert but_names_of_campaigns(counted.totals()) == by_hand(world.store.table.items)
    assert counted.reports.sent == []


def test_the_table_has_whatever_is_counted(world: World) -> None:
    counts = sum(map(Counter, by_hand(world.store.table.items).values()), Counter[str]())
    assert {*EVENTS, "refused", "submitted", *map(str, State)} <= counts.keys()
    assert counts["operator:AIRTEL:delivered"] == counts["operator:BSNL: east:delivered"] == 1


def test_a_death_at_every_call_changes_no_counter(world: World, stream: Stream) -> None:
    whole = Counted(world.clock)
    assert whole.count(stream.records)
    expected = whole.table.items
    calls = len(whole.faults.calls)
    assert calls > 5, "the stream takes more than one transaction"
    for number in range(calls):
        for faults in (
            Faults(kill_before={number}),
            Faults(kill_after={number}),
            Faults(lose_answer={number}),
        ):
            counted = Counted(world.clock, faults)
            # A look at conversions that gets no answer is made up for by the next.
            is_look = faults.lose_answer and whole.faults.calls[number] == "query"
            assert counted.count(stream.records) == bool(is_look)
            assert counted.count(stream.records)
            assert counted.table.items == expected


def test_two_executions_of_a_shard_count_once(world: World, stream: Stream) -> None:
    counted = Counted(world.clock)
    meanwhile = [lambda: counted.count(stream.records[:300])]

    def other(_: int, name: str) -> None:
        if name == "transact_write_items" and meanwhile:
            meanwhile.pop()()

    counted.faults.on_call = other
    assert counted.count(stream.records)
    assert but_names_of_campaigns(counted.totals()) == by_hand(world.store.table.items)


def test_shards_are_counted_apart(world: World, stream: Stream) -> None:
    """A message's batch and its final state may be in shards that follow one another."""
    counted = Counted(world.clock)
    half = len(stream.records) // 2
    for _ in range(2):
        assert counted.count(stream.records[half:], "a later shard")
        assert counted.count(stream.records[:half], "an earlier shard")
    # Shards write a carrier's hour apart, so that their transactions do not refuse each other.
    assert {sk[-2:] for pk, sk in counted.table.items if pk == "carrier#sim"} == {"14", "#3"}
    assert but_names_of_campaigns(counted.totals()) == by_hand(world.store.table.items)


def test_names_add_up_to_the_totals_and_are_bounded(world: World, stream: Stream) -> None:
    counted = Counted(world.clock)
    deliver(counted, stream, [(3, 50)] * 5)
    totals, others = counted.totals(), 0
    for (partition, sort_key), counts in totals.items():
        if not sort_key.startswith("names#"):
            continue
        hour = totals[partition, sort_key.replace("names", "hour")]
        names: dict[str, set[str]] = {}
        sums: dict[tuple[str, str], int] = {}
        for attribute, count in counts.items():
            dimension, name, measure = split_name(attribute)
            names.setdefault(dimension, set()).add(name)
            sums[dimension, measure] = sums.get((dimension, measure), 0) + count
        for dimension in ("sender", "template", "country", "campaign"):
            assert len(names[dimension]) <= 101
            assert sums[dimension, "accepted"] == hour["accepted"]
            assert sums[dimension, "delivered"] == hour["delivered"]
        for dimension in ("carrier", "campaign"):
            assert sums[dimension, "submitted"] == hour["submitted"]
        others += "other" in names["campaign"]
    assert others == 1


def test_every_batch_is_in_one_index_row(world: World, stream: Stream) -> None:
    counted = Counted(world.clock)
    deliver(counted, stream, [(20, 7)] * 30)
    rows = {key: row for key, row in counted.table.items.items() if key[0] == "messages#acme"}
    indexed = [each for row in rows.values() for each in unpack_row(content_of(row))]
    batches = world.batches()
    assert sorted(each.batch_id for each in indexed) == sorted(batches)
    for each in indexed:
        assert each.message_count == len(batches[each.batch_id].messages)
    for _, sort_key in rows:
        count = sum(
            each.message_count for each in unpack_row(content_of(rows["messages#acme", sort_key]))
        )
        for kind in ("numbers#acme", "refs#acme"):
            assert len(content_of(counted.table.items[kind, sort_key])) == 3 * count
    assert MESSAGES == "messages"


def test_a_record_that_cannot_be_read_is_reported_and_stops_nothing(
    world: World, stream: Stream
) -> None:
    counted = Counted(world.clock)
    records = [dict(record) for record in stream.records]
    broken = next(at for at, each in enumerate(records) if is_final(each))
    image = {**records[broken]["dynamodb"]["NewImage"], "data": {"S": "{"}}
    records[broken]["dynamodb"] = {**records[broken]["dynamodb"], "NewImage": image}
    assert counted.count(records)
    number = records[broken]["dynamodb"]["SequenceNumber"]
    assert [(shard, sequence) for shard, sequence, _ in counted.reports.sent] == [(SHARD, number)]
    (noted,) = counted.log_events
    assert noted.counts == {"events": len(records), "unread": 1}
    expected, found = by_hand(world.store.table.items), but_names_of_campaigns(counted.totals())
    ended = ("delivered", "failed", "unknown", "expired", "cancelled")
    missing = [
        sum(each.get(name, 0) for each in t.values() for name in ended) for t in (expected, found)
    ]
    assert missing[0] > missing[1]


def is_final(record: dict[str, dict[str, dict[str, dict[str, str]]]]) -> bool:
    return record["dynamodb"]["Keys"]["sk"]["S"].startswith("final#0000")


def is_hour_of_account(partition: str, sort_key: str) -> bool:
    return partition.startswith("account#") and sort_key.startswith("hour#")


def test_a_list_finds_what_the_counters_call_submitted() -> None:
    world = world_of()
    world.trust()
    world.send(campaign.records())
    for magic in campaign.EXPECTED:
        world.send([named(magic, "diwali")])
    world.run(DAY_S)
    counted = Counted(world.clock)
    assert counted.count(Stream(world.store.table, world.clock).poll())
    hours = [
        each
        for (partition, name), each in counted.totals().items()
        if partition == "account#acme" and name.startswith("hour#")
    ]
    taken = {batch_id: taken_of(world.store, batch_id) for batch_id in world.batches()}
    assert sum(map(len, taken.values())) == sum(each.get("submitted", 0) for each in hours)
    singles = {
        each.id: each.messages[0].to[-4:]
        for each in world.batches().values()
        if len(each.messages) == 1
    }
    # Refused; and in doubt until its receipt came.
    assert {magic for id, magic in singles.items() if not taken[id]} == {"9005", "9007"}
