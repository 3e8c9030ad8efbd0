"""The limit of promotional RCS messages to a number in a month of India."""

from collections.abc import Mapping
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.base.errors import StoreUnavailable
from harkara.base.ids import ReferenceSigner
from harkara.state.rcs_months import RcsMonths
from harkara.state.stores import Extension
from tests.support.fakes import FakeLimitStore, Faults

SIGNER = ReferenceSigner(b"key")
NUMBER = "919876543210"


def months(store: FakeLimitStore, now_s: float) -> RcsMonths:
    return RcsMonths(store, lambda: now_s, lambda *about: SIGNER.pseudonyms("rcs", *about)[-1])


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("2026-11-30T18:29:59", "2026-11-30T18:30:00", False),
        ("2026-11-30T18:30:00", "2026-12-31T18:29:59", True),
        ("2026-12-31T18:29:59", "2026-12-31T18:30:00", False),
        ("2026-12-10T00:00:00", "2027-12-10T00:00:00", False),
    ],
)
def test_a_month_begins_at_midnight_in_india(first: str, second: str, same: bool) -> None:
    store = FakeLimitStore(Faults())
    assert months(store, at(first)).take("acme", {1: (NUMBER, 1)}) == set()
    assert months(store, at(second)).take("acme", {1: (NUMBER, 1)}) == ({1} if same else set())


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("12")), max_size=30),
    st.integers(1, 4),
)
def test_each_number_of_each_account_gets_the_limit(
    sent: list[tuple[str, str]], limit: int
) -> None:
    store, taken = FakeLimitStore(Faults()), dict[tuple[str, str], int]()
    for account, number in sent:
        beyond = months(store, at("2026-12-01T00:00:00")).take(account, {7: (number, limit)})
        before = taken.get((account, number), 0)
        assert beyond == ({7} if before == limit else set())
        taken[account, number] = min(before + 1, limit)


def test_messages_of_one_block_to_one_number_count_together() -> None:
    store = FakeLimitStore(Faults())
    block = {index: (NUMBER, 4) for index in range(10)}
    assert len(months(store, 0).take("acme", block)) == 6


class Recording:
    def __init__(self) -> None:
        self.names: list[str] = []

    def extend_all(
        self, name: str, lines: Mapping[str, Extension], expires_at_s: int
    ) -> tuple[Mapping[str, int], Mapping[str, int]]:
        self.names.append(name)
        raise StoreUnavailable("busy")


def test_the_number_is_in_no_name() -> None:
    store = Recording()
    counting = RcsMonths(store, lambda: 0.0, lambda *about: SIGNER.pseudonyms("rcs", *about)[-1])
    with pytest.raises(StoreUnavailable):
        counting.take("acme", {1: (NUMBER, 4)})
    assert store.names[0].startswith("rcs-month#acme#")
    assert NUMBER[2:] not in store.names[0]
