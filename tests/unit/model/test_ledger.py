"""Ledger entries: the state of a claim against existing entries, and the keys."""

from collections.abc import Callable

import pytest

from harkara.model.ledger import (
    CARRIER_ID_KIND,
    Lease,
    Relation,
    ack_kind,
    cancel_kind,
    carrier_partition,
    claim_kind,
    click_kind,
    duplicate_kind,
    final_kind,
    index_of,
    links_key,
    outcome_kind,
    post_kind,
    recovered_kind,
    segment_kind,
    speaks_of,
)

NOW_MS = 1_000_000


@pytest.mark.parametrize(
    ("task_id", "worker_id", "expires_at_ms", "relation"),
    [
        pytest.param("me", "here", NOW_MS + 1, Relation.OURS, id="this delivery"),
        pytest.param("me", "here", NOW_MS - 1, Relation.OURS, id="this delivery, at its end"),
        pytest.param("me", "gone", NOW_MS - 1, Relation.EXPIRED, id="a delivery that is over"),
        pytest.param("me", "gone", NOW_MS, Relation.BUSY, id="a delivery's last moment"),
        pytest.param("me", "there", NOW_MS + 1, Relation.BUSY, id="a delivery that lives"),
        pytest.param("you", "there", NOW_MS + 1, Relation.FOREIGN, id="another message"),
        pytest.param("you", "gone", NOW_MS - 1, Relation.FOREIGN, id="another message, over"),
        pytest.param("you", "here", NOW_MS + 1, Relation.FOREIGN, id="another message, one batch"),
    ],
)
def test_an_entry_in_place_is_someones(
    task_id: str, worker_id: str, expires_at_ms: int, relation: Relation
) -> None:
    existing = Lease(task_id, worker_id, expires_at_ms).entry("batch", "claim#001#0000")
    assert Lease("me", "here", NOW_MS + 60_000).relation(existing, NOW_MS) is relation


def test_an_entry_carries_who_put_it_and_what_it_says() -> None:
    entry = Lease("task_id", "worker_id", 7).entry("batch", "final#0001", state="delivered")
    assert entry.key == ("batch", "final#0001")
    assert (entry.task_id, entry.worker_id, entry.expires_at_ms) == ("task_id", "worker_id", 7)
    assert entry.data == {"state": "delivered"}


@pytest.mark.parametrize(
    ("kinds", "first"),
    [
        pytest.param(
            [claim_kind(t, b) for t in (1, 10, 150) for b in (2, 10)], "claim#001#0002", id="c"
        ),
        pytest.param([outcome_kind(t, 0) for t in (1, 99, 100)], "outcome#001#0000", id="outcome"),
        pytest.param([final_kind(n) for n in (0, 9, 1023)], "final#0000", id="final"),
        pytest.param([cancel_kind(n) for n in (3, 30)], "cancel#0003", id="cancel"),
        pytest.param([duplicate_kind(n) for n in (9, 10**12)], "in#0000000000009", id="duplicate"),
        pytest.param([recovered_kind(n) for n in (7, 70)], "recovered#0007", id="recovered"),
        pytest.param([post_kind(g, 1) for g in (0, 100)], "post#000#01", id="post"),
        pytest.param([ack_kind(g) for g in (0, 100)], "ack#000", id="ack"),
    ],
)
def test_keys_sort_as_their_numbers_do(kinds: list[str], first: str) -> None:
    assert kinds == sorted(kinds)
    assert kinds[0] == first


@pytest.mark.parametrize(
    ("key", "written"),
    [
        pytest.param(lambda: ack_kind(7), "ack#007", id="an end"),
        pytest.param(lambda: ack_kind(7, 1), "ack#007#01", id="the end of a replay"),
        pytest.param(lambda: click_kind(7, 3), "click#0007#3", id="a click"),
        pytest.param(lambda: segment_kind(7, 2, "s"), "segment#0007#002#s", id="a segment"),
        pytest.param(lambda: links_key(255), ("links#00000000ff", "links"), id="links"),
        pytest.param(
            lambda: carrier_partition(CARRIER_ID_KIND, "sim", "A\ud800"),
            "carrier-id#sim#530b140ce6dde58e96643e2adb6e4a55",
            id="a carrier's id, of half a character too",
        ),
    ],
)
def test_a_key_is_written_so_for_good(key: Callable[[], object], written: object) -> None:
    """The next release must find the entries of this one."""
    assert key() == written


@pytest.mark.parametrize(
    ("batch_id", "index", "speaks"), [("c", 1, True), ("c", 3, False), ("other", 1, False)]
)
def test_a_callbacks_entry_names_its_members(batch_id: str, index: int, speaks: bool) -> None:
    entry = Lease("task_id", "worker_id", 7).entry("task_id", "ack#000", members={"c": [1, 2]})
    assert speaks_of(entry, batch_id, index) is speaks


@pytest.mark.parametrize("index", [0, 7, 1023])
def test_a_key_tells_its_index(index: int) -> None:
    for kind in (final_kind, recovered_kind, cancel_kind):
        assert index_of(kind(index)) == index
