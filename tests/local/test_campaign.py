"""The sample campaign and its report."""

from collections import Counter

import pytest

from local import campaign
from local.campaign import ALL, OTHERS, SIZE, Seen, kind_of, report


def all_as_expected() -> Seen:
    records = campaign.request(1_700_000_000)["smstosend"]
    numbers = {record["smsgid"]: record["to"] for record in records}
    kinds = {smsgid: ALL[kind_of(number)] for smsgid, number in numbers.items()}
    return Seen(
        numbers=numbers,
        mids={smsgid: f"mid-{smsgid}" for smsgid in numbers},
        states={f"mid-{smsgid}": kind.state for smsgid, kind in kinds.items()},
        in_doubt=frozenset(f"mid-{smsgid}" for smsgid, kind in kinds.items() if kind.in_doubt),
        callbacks={smsgid: [kind.callback] for smsgid, kind in kinds.items()},
        taken={f"mid-{smsgid}": 1 for smsgid in numbers},
    )


def test_the_campaign_has_a_thousand_messages_and_every_magic_number() -> None:
    records = campaign.request(1_700_000_000)["smstosend"]
    assert len({record["smsgid"] for record in records}) == len(records) == SIZE
    assert len({record["to"] for record in records}) == SIZE
    kinds = Counter(kind_of(record["to"]) for record in records)
    assert kinds == {name: kind.count for name, kind in ALL.items()}
    assert set(ALL) == {*(str(magic) for magic in range(9001, 9011)), OTHERS}


def test_all_is_well_when_all_came_as_expected() -> None:
    assert all(row.as_expected for row in report(all_as_expected()))


def test_a_carrier_that_delivers_all_makes_no_difference_between_numbers() -> None:
    seen = all_as_expected()
    expected = report(seen, campaign.ALL_DELIVERED)
    other = [row.name for row in expected if row.as_expected]
    assert other == ["9006", "9008", "9009", OTHERS]
    assert sum(row.kind.count for row in expected) == SIZE


@pytest.mark.parametrize("what", ["states", "callbacks", "taken", "repeated", "mids", "in_doubt"])
def test_the_report_shows_what_differs(what: str) -> None:
    seen = all_as_expected()
    smsgid = next(id_ for id_, number in seen.numbers.items() if kind_of(number) == "9007")
    mid = seen.mids[smsgid]
    if what == "states":
        seen.states[mid] = "unknown"
    elif what == "callbacks":
        seen.callbacks[smsgid] = []
    elif what == "taken":
        seen.taken[mid] = 2
    elif what == "repeated":
        seen.callbacks[smsgid] *= 2
    elif what == "mids":
        del seen.mids[smsgid]
    else:
        seen = Seen(seen.numbers, seen.mids, seen.states, frozenset(), seen.callbacks, seen.taken)
    assert [row.name for row in report(seen) if not row.as_expected] == ["9007"]


def test_callback_entries_are_read_by_meta() -> None:
    delivered = {"event": "delivered", "data": [{"meta": "a"}, {"meta": "b"}]}
    failed = {"event": "failed", "data": [{"meta": "a", "code": "901"}]}
    posts = [{"events": [delivered]}, {"events": [failed]}]
    assert campaign.entries_by_meta(posts) == {"a": ["delivered", "901"], "b": ["delivered"]}
