"""Short simulations: all accepted messages end, and a lowered limit is reported as the fullest."""

from collections.abc import Mapping
from typing import Any

import pytest

from harkara.model.messages import Category
from tests.scale.cloud import MODEL
from tests.scale.meter import ACCOUNT, API, LIMITS, PARTITION, TABLE
from tests.scale.outside import Stream
from tests.scale.report import show, table
from tests.scale.simulation import Row, Settings, Simulation
from tests.template.reading import template

ROWS = (
    Row("in bulk", [Stream("demo", 400, 200, 200)], 1, gather=True),
    Row("one message each", [Stream("demo", 30, 20)], 1),
    Row("a tenth", [Stream("demo", 300, 200)], 10),
    Row(
        "promotional",
        [Stream("demo", 100, 50, 50)],
        1,
        due_after_s=5_400,
        gather=True,
        category=Category.PROMOTIONAL,
    ),
    Row("the carrier down", [Stream("demo", 400, 2, 20)], 1, gather=True, down=(10, 190)),
    Row("two tenants", [Stream("large", 100, 100, 50), Stream("small", 5, 1)], 1),
    Row("with the stream", [Stream("demo", 60, 20)], 1, has_stream=True),
    Row("a new account", [Stream("demo", 40, 4)], 1, Settings(concurrency=10), is_new=True),
)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_all_that_is_accepted_is_final_and_told_once(row: Row) -> None:
    visible = show(Simulation(row).run())
    assert visible.accepted == sum(stream.messages for stream in row.streams)
    assert visible.is_whole
    assert visible.states == {"delivered": visible.accepted}
    printed = "\n".join(table([visible]))
    assert all(part in printed for part in (row.name, f"{visible.final:,}", visible.walls[0].limit))


@pytest.mark.parametrize(
    ("limit", "values", "found"),
    [
        (API, {"value": 8, "burst": 4}, API),
        (TABLE["write"], {"value": 12}, f"{TABLE['write']}: Messages"),
        (TABLE["read"], {"value": 12}, f"{TABLE['read']}: Messages"),
        (PARTITION["write"], {"value": 60}, f"{PARTITION['write']}: one request's"),
    ],
)
def test_a_limit_that_is_small_is_the_first_wall(
    limit: str, values: Mapping[str, Any], found: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(LIMITS, limit, {**LIMITS[limit], **values})
    bulk = limit == PARTITION["write"]
    # Only `sweep` reads the table Due, even if that is small: here messages must read more.
    singles = Stream("demo", 160, 80) if limit == TABLE["read"] else Stream("demo", 40, 20)
    stream = Stream("demo", 200, 200, 200) if bulk else singles
    wide = show(Simulation(Row("wide", [stream], 1, gather=bulk)).run())
    assert wide.walls[0].limit == found
    assert wide.walls[0].refused
    assert wide.is_whole


def test_more_executions_are_no_slower() -> None:
    stream = Stream("demo", 40, 40)
    few, many = (
        show(Simulation(Row("row", [stream], 1, Settings(submit=n, submit_batch=1))).run())
        for n in (1, 8)
    )
    assert few.oldest_s > many.oldest_s
    assert few.largest_s["submit"][0] > many.largest_s["submit"][0]


def test_too_few_executions_of_the_account_are_found() -> None:
    row = Row("row", [Stream("demo", 50, 30)], 1, Settings(concurrency=2))
    visible = show(Simulation(row).run())
    assert visible.is_whole
    assert visible.walls[0].limit == ACCOUNT
    assert visible.walls[0].refused


def test_the_stream_is_counted_within_seconds_and_later_where_activity_is_slow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = Row("row", [Stream("demo", 60, 60)], 1, has_stream=True)
    quick = Simulation(row).run()
    assert quick.shard
    assert quick.shard.ages_s
    assert max(quick.shard.ages_s) < 10
    assert "stream, s" in "\n".join(table([show(quick)]))
    counted = sum(
        int(item["submitted"]["N"])
        for partition in quick.cloud.tables["Activity"].values()
        for item in partition.items.values()
        if item["pk"]["S"].startswith("account#") and item["sk"]["S"].startswith("hour#")
    )
    assert counted == 60
    monkeypatch.setitem(MODEL, "cpu_ms_a_record", 200)
    slow = Simulation(row).run()
    assert slow.shard
    assert max(slow.shard.ages_s) > 10


def test_a_message_that_is_lost_is_noticed() -> None:
    simulation = Simulation(ROWS[1]).run()
    received = simulation.outside.received["demo"]
    received.reported.pop(next(iter(received.reported)))
    with pytest.raises(AssertionError, match="did not end"):
        show(simulation)


def test_the_settings_of_a_row_are_the_templates() -> None:
    defaults = {name: each.get("Default") for name, each in template()["Parameters"].items()}
    settings = Settings()
    assert (settings.submit, settings.submit_batch, settings.priority) == (
        defaults["SubmitConcurrency"],
        defaults["SubmitBatchSize"],
        defaults["PriorityConcurrency"],
    )
    assert (settings.dlr, settings.callbacks) == (
        defaults["DlrConcurrency"],
        defaults["CallbackConcurrency"],
    )
