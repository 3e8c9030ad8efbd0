"""Dead letters of a registered callback: shown by time, page by page, and replayed."""

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.base.time import Deadline
from harkara.manage import callbacks
from harkara.model.tasks import CallbackTask, decode_dlr
from tests.support.registry import NOW_S, URL, World


@pytest.fixture
def world() -> World:
    return World()


def at(number: int) -> str:
    """Return the time when a number was parked, in IST."""
    return datetime.fromtimestamp(NOW_S + number, timezone(timedelta(hours=5.5))).isoformat()


def test_a_parked_callback_is_shown_with_its_reason_and_no_number(world: World) -> None:
    world.create()
    world.park(1)
    (row,) = world.service.dead_letter_page(world.account, "main", {}, 100)["parked"]
    assert row == {
        "id": f"{NOW_S + 1}000.q1.0",
        "at": "2026-01-01T09:00:01.000Z",
        "url": URL,
        "format": "clevertap",
        "failures": 9,
        "status": 500,
        "reason": "HTTP 500",
        "duration_ms": 12,
        "answer": "oops",
        "messages": [{"mid": "M", "client_ref": "ref" * 100}],
    }


def test_parked_callbacks_are_listed_by_time(world: World) -> None:
    world.create()
    world.park(1, 2, 3)
    assert world.page() == (["q1", "q2", "q3"], None)
    assert world.page(fields={"from": at(2)}) == (["q2", "q3"], None)
    assert world.page(fields={"from": at(1), "to": at(3)}) == (["q1", "q2"], None)
    assert world.page(fields={"from": "9999-12-31T23:59:59Z"}) == ([], None)
    assert world.page(fields={"to": "2300-01-01T00:00:00Z"}) == (["q1", "q2", "q3"], None)


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_pages_lead_from_one_to_the_next(
    limit: int, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.create()
    world.park(*range(5), members=100)
    # Room for two of them; a page has at least one, however large.
    monkeypatch.setattr(callbacks, "PAGE_LIMIT_BYTES", 80_000)
    seen, after = world.page(limit=limit)
    while after:
        assert len(seen) <= 5
        more, after = world.page(fields={"after": after}, limit=limit)
        assert 0 < len(more) <= min(limit, 2)
        seen += more
    assert seen == [f"q{number}" for number in range(5)]
    monkeypatch.setattr(callbacks, "PAGE_LIMIT_BYTES", 1)
    assert world.page() == (["q0"], f"{NOW_S}000.q0.0")


def test_callbacks_to_urls_of_their_own_are_parked_under_a_hyphen(world: World) -> None:
    world.park(1, callback_id="")
    assert world.page("-") == (["q1"], None)
    assert world.replay("-", all=True) == {"replayed": 1, "complete": True}


@pytest.mark.parametrize(
    ("fields", "replayed"),
    [
        ({"all": True}, ["q1", "q2", "q3"]),
        ({"from": at(2)}, ["q2", "q3"]),
        ({"to": at(2)}, ["q1"]),
        ({"from": at(2), "to": at(3), "all": None, "ids": None}, ["q2"]),
        ({"ids": [f"{NOW_S + 3}000.q3.0", f"{NOW_S + 1}000.gone.0"], "all": False}, ["q3"]),
    ],
)
def test_what_is_selected_is_enqueued_again(
    fields: dict[str, Any], replayed: list[str], world: World
) -> None:
    world.create()
    world.park(1, 2, 3)
    world.park(4, callback_id="other")
    assert world.replay(**fields) == {"replayed": len(replayed), "complete": True}
    tasks = [decode_dlr(message.body) for message in world.queues.waiting]
    assert [task.group_task_id for task in tasks if isinstance(task, CallbackTask)] == replayed
    left, _ = world.page()
    assert sorted([*left, *replayed]) == ["q1", "q2", "q3"]


def test_what_time_does_not_allow_is_left(world: World) -> None:
    world.create()
    world.park(1)
    left_s = iter((60.0, 1.0))
    deadline = Deadline(lambda: next(left_s))
    done = world.service.replay(world.account, "main", {"all": True}, deadline)
    assert done == {"replayed": 0, "complete": False}
    assert world.page() == (["q1"], None)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        pytest.param({}, "ids", id="nothing"),
        pytest.param({"all": False}, "ids", id="not all"),
        pytest.param({"all": True, "from": at(1)}, "ids", id="all, and of a time"),
        pytest.param({"ids": ["1767258000000.a.0"], "to": at(1)}, "ids", id="ids, and of a time"),
        pytest.param({"ids": []}, "ids", id="no ids"),
        pytest.param({"ids": "1767258000000.a.0"}, "ids", id="an id alone"),
        pytest.param({"ids": ["a.0"]}, "ids", id="an id without a time"),
        pytest.param({"ids": ["1767258000000."]}, "ids", id="a time without an id"),
        pytest.param({"ids": ["1767258000000." + "a" * 201]}, "ids", id="an id of any length"),
        pytest.param({"ids": ["1767258000000.a.0"] * 1_001}, "ids", id="1,001 ids"),
        pytest.param({"all": 1}, "all", id="all, as a number"),
        pytest.param({"from": "2026-01-01"}, "from", id="a day"),
        pytest.param({"to": "2026-01-01T00:00:00"}, "to", id="a time of no zone"),
        pytest.param({"to": 1767258000}, "to", id="a time as a number"),
        pytest.param({"after": "1767258000000.a.0"}, "unknown field", id="a page"),
    ],
)
def test_another_selection_is_refused(fields: dict[str, Any], field: str, world: World) -> None:
    world.create()
    world.park(1)
    with pytest.raises(RequestRefused) as error:
        world.replay(**fields)
    assert error.value.code is Code.INVALID_REQUEST
    assert f"({field}: " in error.value.message
    assert world.queues.waiting == []


@pytest.mark.parametrize(
    ("fields", "field"), [({"after": "x"}, "after"), ({"from": ""}, "from"), ({"to": "1"}, "to")]
)
def test_another_page_is_refused(fields: dict[str, Any], field: str, world: World) -> None:
    world.create()
    with pytest.raises(RequestRefused, match="INVALID_REQUEST") as error:
        world.page(fields=fields)
    assert f"({field}: " in error.value.message


@pytest.mark.parametrize("name", ["gone", "--", "x" * 5_000])
def test_what_is_no_callback_has_nothing_parked(name: str, world: World) -> None:
    world.park(1, callback_id="gone")
    with pytest.raises(RequestRefused, match="NOT_FOUND"):
        world.page(name)
    with pytest.raises(RequestRefused, match="NOT_FOUND"):
        world.replay(name, all=True)
    assert world.queues.waiting == []
