"""The queries of docs/analytics.md, run by DuckDB on files of `files`, against counts by hand."""

import gzip
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import quantiles
from typing import Any

import duckdb
import pytest

from harkara.accept.requests import Options
from harkara.activity.event_files import PREFIX, lines_of
from harkara.base.time import IST_OFFSET_S
from harkara.model.ledger import final_kind
from harkara.model.messages import Category, Message, MessageBatch, State
from harkara.model.rates import Rate
from tests.functions.invoking import Context, Logs, load
from tests.pipeline import campaign
from tests.support.documents import PAGES, blocks
from tests.support.fakes import Faults
from tests.support.streams import FIRST_SEQUENCE, Record, Stream, record_of
from tests.support.wired import ACCOUNT, NOW
from tests.support.world import World

PAGE = PAGES["docs/analytics.md"]
DAY, LAST_DAY = "2023-11-15", "2023-11-19"  # of India, where it is 03:43 when the world begins
SQL = [block.content for block in blocks(PAGE) if block.marks == "sql"]
DDL, VIEW, BY_SENDER, FAILURES, OTPS, CAMPAIGNS, HOURS, MACRO, FILES = SQL
CAMPAIGN_IDS = ("diwali", "holi")


def named(magic: str, campaign_id: str, category: Category | None = None, **more: Any) -> Any:
    """Return a record of a campaign."""
    options = Options(campaign_id=campaign_id, category=category, **more)
    return campaign.record(magic)._replace(options=options)


@pytest.fixture(scope="module")
def world() -> World:
    """Messages of every kind: delivered, failed, never heard of, refused, OTPs, clicked on."""
    changes = {
        "rates": (Rate(prefix="91", price=Decimal("0.1225")),),
        "short_domain": "hk.example/ACMEBK",
    }
    world = World(account=ACCOUNT.model_copy(update=changes))
    world.trust()
    for at in range(12):
        magics = ("0000", "9001", "9002", "9004", "9005", "0000", "9008")
        records = [named(magic, CAMPAIGN_IDS[at % 2]) for magic in magics]
        bad = named("0000", "diwali")._replace(to="12")
        world.send([*records, bad, named("0000", "", Category.OTP), named("0000", "")])
        world.now += 1_000
    linked = named("0000", "holi", shorten_urls=True)
    world.send([linked._replace(text="See https://acme.in"), named("9001", "holi")])

    def follow() -> None:
        (code,) = (
            message.text.rpartition("/")[2]
            for batch in world.batches().values()
            for message in batch.messages
            if "hk.example" in message.text
        )
        world.link_service().visit("hk.example", "/ACMEBK", code, is_person=True)

    for after_s in (600, 700):
        world.at(after_s, follow)
    world.run()
    return world


@pytest.fixture(scope="module")
def records(world: World) -> Sequence[Record]:
    """The stream of the world's table, each item at the time of its event."""
    stream = Stream(world.store.table, lambda: 0.0)
    return [written(record) for record in stream.poll()]


def written(record: Record) -> Record:
    """Return a record whose item was written when what it tells of happened, about."""
    for line in lines_of(record):
        at_s = (line.get("at_ms") or line.get("accepted_ms") or NOW * 1000) / 1000
        stored = {**record["dynamodb"], "ApproximateCreationDateTime": at_s}
        return {**record, "dynamodb": stored}
    return record


def deliver(world: World, records: Sequence[Record]) -> None:
    """Invoke the real function with a batch of the stream."""
    module = load("files")
    services = world.files_services()
    module.services = lambda: services  # type: ignore[attr-defined]
    event = {"Records": [*records]}
    assert module.handler(event, Context()) == {"batchItemFailures": []}


@pytest.fixture(scope="module")
def database(
    world: World, records: Sequence[Record], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables and views of the page, on files of which some were written more than once."""
    for first, last in ((0, 40), (20, 90), (90, len(records)), (40, 120), (0, 40)):
        deliver(world, records[first:last])
    folder = tmp_path_factory.mktemp("analytics")
    for key, content in world.bucket.objects.items():
        assert key.startswith(PREFIX)
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    database = duckdb.connect(config={"autoinstall_known_extensions": False})
    database.execute(MACRO)
    database.execute(FILES.replace("events/", f"{folder}/events/"))
    database.execute(VIEW)
    yield database
    database.close()


def ask(database: duckdb.DuckDBPyConnection, sql: str) -> list[tuple[Any, ...]]:
    """Run a query of the page, on the days of the world."""
    sql = sql.replace("2026-11-30", DAY).replace("2026-12-04", LAST_DAY)
    return database.execute(sql).fetchall()


def messages(world: World) -> Iterator[tuple[MessageBatch, Message, int, Any]]:
    """Yield all messages of the table with their indexes and final states."""
    for batch in world.batches().values():
        for index, message in enumerate(batch.messages):
            final = world.store.entries.get((batch.id, final_kind(index)))
            yield batch, message, index, final.data if final else None


def test_there_are_five_questions_and_the_same_fields_everywhere() -> None:
    assert len(re.findall(r"^### .+\?$", PAGE, re.MULTILINE)) == 5
    columns = dict(re.findall(r"^  (\w+) (string|bigint),?$", DDL, re.MULTILINE))
    types = {"string": "VARCHAR", "bigint": "BIGINT"}
    assert {name: types[kind] for name, kind in columns.items()} == dict(
        re.findall(r"(\w+): '(\w+)'", FILES)
    )
    fields = PAGE.partition("\n## Fields\n")[2].partition("\n## Athena\n")[0]
    described = re.findall(r"^\| (`.+?`) \|", fields, re.MULTILINE)
    assert [name.strip("`") for each in described for name in each.split(", ")] == list(columns)


def test_a_copy_counts_once(world: World, database: duckdb.DuckDBPyConnection) -> None:
    (copies,) = database.execute("SELECT count(*) FROM harkara_event_files").fetchone() or ()
    (events,) = database.execute("SELECT count(*) FROM harkara_events").fetchone() or ()
    assert copies > events
    (accepted,) = (
        database.execute("SELECT count(*) FROM harkara_events WHERE event = 'accepted'").fetchone()
        or ()
    )
    assert accepted == sum(not message.refusal for _, message, _, _ in messages(world))


def test_senders(world: World, database: duckdb.DuckDBPyConnection) -> None:
    expected: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    for _, message, _, final in messages(world):
        if not message.refusal:
            expected[message.sender_id][0] += 1
            expected[message.sender_id][1] += bool(final and final["state"] == State.DELIVERED)
            expected[message.sender_id][2] += final is None
    rows = ask(database, BY_SENDER)
    assert {sender: counts for sender, *counts in rows} == expected
    assert sum(row[1] for row in rows) == 12 * 9 + 2


def test_failures(world: World, database: duckdb.DuckDBPyConnection) -> None:
    expected = Counter(
        (message.dlt_template_id, final["code"])
        for _, message, _, final in messages(world)
        if final and final["state"] != State.DELIVERED and not message.refusal
    )
    rows = ask(database, FAILURES)
    assert {(template_id, code): count for template_id, code, count in rows} == expected
    assert len(expected) >= 4


def test_delays_of_otps(world: World, database: duckdb.DuckDBPyConnection) -> None:
    delays = [
        final["at"] - batch.due_at_ms / 1000
        for batch, _, _, final in messages(world)
        if final and final["state"] == State.DELIVERED and batch.category is Category.OTP
    ]
    percentiles = quantiles(delays, n=20, method="inclusive")
    ((carrier, count, p50, p95),) = ask(database, OTPS)
    assert (carrier, count) == ("sim", len(delays))
    assert (float(p50), float(p95)) == pytest.approx((percentiles[9], percentiles[18]))


def test_campaigns(world: World, database: duckdb.DuckDBPyConnection) -> None:
    accepted, price = Counter[str](), Counter[str]()
    for batch, message, index, _ in messages(world):
        if message.campaign_id and not message.refusal:
            accepted[message.campaign_id] += 1
            price[message.campaign_id] += batch.prices[index]
    rows = ask(database, CAMPAIGNS)
    assert [(name, count, opened) for name, count, _, opened in rows] == [
        (name, accepted[name], int(name == "holi")) for name in CAMPAIGN_IDS
    ]
    assert [float(each) for _, _, each, _ in rows] == pytest.approx(
        [price[name] / 1_000_000 for name in CAMPAIGN_IDS]
    )
    assert price["diwali"] == 12 // 2 * 7 * 122_500


def hour_of(at_s: float) -> tuple[str, str]:
    moment = datetime.fromtimestamp(at_s, UTC) + timedelta(seconds=IST_OFFSET_S)
    return f"{moment:%Y-%m-%d}", f"{moment:%H}"


def test_hours(world: World, database: duckdb.DuckDBPyConnection) -> None:
    accepted, refused, delivered = (Counter[tuple[str, str]]() for _ in range(3))
    for batch, message, _, final in messages(world):
        hour = hour_of(batch.accepted_at_ms / 1000)
        (refused if message.refusal else accepted)[hour] += 1
        if final and final["state"] == State.DELIVERED:
            delivered[hour_of(final["at"])] += 1
    rows = ask(database, HOURS)
    found = {(dt, hour): (a, r, d) for dt, hour, a, r, _, d in rows if a or r or d}
    assert found == {
        hour: (accepted[hour], refused[hour], delivered[hour])
        for hour in {*accepted, *refused, *delivered}
    }
    assert len(accepted) > 2
    # Those that a carrier took, however often it reported them.
    assert sum(row[4] for row in rows) == sum(accepted.values()) - 12  # 9005 is refused


def all_lines(world: World) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for content in world.bucket.objects.values()
        for line in gzip.decompress(content).splitlines()
    ]


def test_no_line_has_a_number_a_text_or_a_reference(
    world: World, database: duckdb.DuckDBPyConnection
) -> None:
    content = b"".join(map(gzip.decompress, world.bucket.objects.values())).decode()
    for _, message, _, _ in messages(world):
        private = (message.client_ref, *((message.to[2:], message.text) if message.text else ()))
        assert not [each for each in private if each in content]


def test_ids_are_the_events_own(records: Sequence[Record]) -> None:
    ids = [line["id"] for record in records for line in lines_of(record)]
    assert len(set(ids)) == len(ids)
    assert ids == [line["id"] for record in records for line in lines_of(record)]


def test_a_batch_that_s3_refuses_is_delivered_again(world: World) -> None:
    world.bucket.refusals = 1
    stream = Stream(world.store.table, world.clock)
    records = stream.poll()[:10]
    with pytest.raises(Exception, match="SlowDown"):
        deliver(world, records)
    before = {*world.bucket.objects}
    deliver(world, records)
    deliver(world, records)
    assert len({*world.bucket.objects} - before) <= 1, "a repeat replaces its file"


def test_a_record_that_cannot_be_read_stops_nothing(logs: Logs) -> None:
    world = World(Faults())
    world.send([campaign.record("0000")])
    records = [*Stream(world.store.table, world.clock).poll()]
    broken = {"pk": {"S": "1"}, "sk": {"S": "final#0000"}}
    deliver(world, [record_of(broken, FIRST_SEQUENCE * 2, world.now), *records])
    assert [line["event"] for line in all_lines(world)] == ["accepted"]
    (noted,) = world.log_events
    assert noted.counts == {"events": 1, "unread": 1, "files": 1}
