"""Each event is counted exactly once, whatever Lambda repeats and wherever a process dies."""

from collections.abc import Callable, Sequence
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harkara.accept.requests import Options, Record
from harkara.activity.counting import split_name
from harkara.activity.index import MESSAGES, unpack_row
from harkara.model.accounts import Rate
from harkara.model.messages import Category
from tests.pipeline import campaign
from tests.pipeline.callbacks import FAILED
from tests.pipeline.counting import Counted, by_hand, content_of, hours_and_campaigns
from tests.support.fakes import Faults
from tests.support.streams import SHARD, Stream
from tests.support.wired import ACCOUNT
from tests.support.world import World


def named(magic: str, campaign_id: str, category: Category | None = None) -> Record:
    """Return a record of a campaign."""
    return campaign.record(magic)._replace(
        options=Options(campaign_id=campaign_id, category=category)
    )


@pytest.fixture(scope="module")
def world() -> World:
    """A table with a campaign, single messages, cancelled ones, refused records and an OTP."""
    rates = (
        Rate(prefix="91", price=Decimal("0.1225")),
        Rate(prefix="9198765400", price=Decimal(1)),
    )
    world = World(account=ACCOUNT.model_copy(update={"rates": rates}))
    world.trust()
    world.send(campaign.records())
    for magic in ("0000", "9001", "9008"):
        world.send([named(magic, "diwali")])
    world.send([named("0000", f"campaign {number}") for number in range(120)])
    world.send([named("0000", "codes", Category.OTP)])
    campaign.send_later(world)
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
    assert hours_and_campaigns(counted.totals()) == by_hand(world.store.table.items)
    assert counted.reports.sent == []


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
            assert not counted.count(stream.records)
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
    assert hours_and_campaigns(counted.totals()) == by_hand(world.store.table.items)


def test_shards_are_counted_apart(world: World, stream: Stream) -> None:
    """A message's batch and its final state may be in shards that follow one another."""
    counted = Counted(world.clock)
    half = len(stream.records) // 2
    for _ in range(2):
        assert counted.count(stream.records[half:], "a later shard")
        assert counted.count(stream.records[:half], "an earlier shard")
    assert hours_and_campaigns(counted.totals()) == by_hand(world.store.table.items)


def test_names_add_up_to_the_totals_and_are_bounded(world: World, stream: Stream) -> None:
    counted = Counted(world.clock)
    deliver(counted, stream, [(3, 50)] * 5)
    totals = counted.totals()
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
        for dimension in ("category", "sender", "template", "country", "campaign"):
            assert len(names[dimension]) <= 101
            assert sums[dimension, "accepted"] == hour["accepted"]
            assert sums[dimension, "delivered"] == hour["delivered"]
        assert sums["carrier", "submitted"] == hour["submitted"]
        assert "other" in names["campaign"]


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
    expected, found = by_hand(world.store.table.items), hours_and_campaigns(counted.totals())
    ended = ("delivered", "failed", "unknown", "expired", "cancelled")
    missing = [
        sum(each.get(name, 0) for each in t.values() for name in ended) for t in (expected, found)
    ]
    assert missing[0] > missing[1]


def clicked() -> World:
    """Follow the only link of a campaign's message twice."""
    world = World(account=ACCOUNT.model_copy(update={"short_domain": "hk.example/ACMEBK"}))
    options = Options(campaign_id="diwali", shorten_urls=True)
    world.send([named("0000", "diwali")._replace(text="See https://acme.in", options=options)])

    def follow() -> None:
        (batch,) = world.batches().values()
        code = batch.messages[0].text.rpartition("/")[2]
        world.link_service().visit("hk.example", "/ACMEBK", code, is_person=True)

    for after_s in (600, 700):
        world.at(after_s, follow)
    return world


def parked() -> World:
    """Refuse the only callback of a campaign's message at all of its attempts."""
    world = World()
    world.trust()
    world.platform.script = [FAILED] * 9
    world.send([named("0000", "diwali")])
    return world


@pytest.mark.parametrize(
    ("happen", "hour", "names", "campaigns"),
    [
        pytest.param(clicked, {"clicks"}, {"campaign:diwali:clicks"}, {"clicks"}, id="clicks"),
        pytest.param(parked, {"parked"}, set(), set(), id="parked"),
    ],
)
def test_first_clicks_and_parked_callbacks_count_once(
    happen: Callable[[], World], hour: set[str], names: set[str], campaigns: set[str]
) -> None:
    world = happen()
    world.run()
    records, counted = Stream(world.store.table, world.clock).poll(), Counted(world.clock)
    for _ in range(2):
        assert counted.count(records)
    found: dict[str, dict[str, int]] = {"hour": {}, "names": {}, "diwali": {}}
    for (_, sort_key), counts in counted.totals().items():
        found[sort_key.partition("#")[0]].update(counts)
    for kind, expected in (("hour", hour), ("names", names), ("diwali", campaigns)):
        counts = {name: n for name, n in found[kind].items() if name in {*hour, *names}}
        assert counts == dict.fromkeys(expected, 1)


def is_final(record: dict[str, dict[str, dict[str, dict[str, str]]]]) -> bool:
    return record["dynamodb"]["Keys"]["sk"]["S"].startswith("final#0000")
