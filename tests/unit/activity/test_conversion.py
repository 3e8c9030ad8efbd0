"""A prefix whose OTPs are verified less than half as often as usual is told of."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.activity.conversion import OTPS_LEAST, ConversionWatch
from harkara.activity.counting import hour_text
from harkara.aws.activity import DynamoActivityStore
from harkara.base.errors import StoreUnavailable
from harkara.model.activity import HOUR_MS, hour_of
from tests.support.dynamo import ACTIVITY, Dynamo
from tests.support.fakes import no_pause
from tests.support.policies import as_function
from tests.support.wired import NOW

DAY_H = 24
Measures = tuple[int, int]


class Watched:
    """An account's counters by hour and prefix, and a process of `activity` that watches them."""

    def __init__(self) -> None:
        self.now_s = (hour_of(int(NOW * 1000)) + HOUR_MS // 2) / 1000
        dynamo = Dynamo(lambda: self.now_s)
        self.items = dynamo.tables[ACTIVITY].items
        self.queries = 0
        self.fails = False
        client: Any = as_function("activity", dynamo)
        store = DynamoActivityStore(client, ACTIVITY, 0, lambda: self.now_s, no_pause)
        counters = store.counters

        def counted(*key: Any) -> Iterator[tuple[str, Mapping[str, int]]]:
            self.queries += 1
            if self.fails:
                raise StoreUnavailable("busy")
            return counters(*key)

        store.counters = counted  # type: ignore[assignment, method-assign]
        self.told: list[Any] = []
        self.watch = ConversionWatch(store, lambda: self.now_s, self.told.append)

    def count(self, hours_ago: int, prefix: str, of: Measures, account: str = "acme") -> None:
        """Count OTPs that were accepted so many hours ago, and verified ones among them."""
        hour = hour_text(int(self.now_s * 1000) - hours_ago * HOUR_MS)
        key = {"pk": {"S": f"account#{account}"}, "sk": {"S": f"names#{hour}"}}
        item = self.items.setdefault((f"account#{account}", f"names#{hour}"), {**key})
        for measure, count in zip(("accepted", "verified"), of, strict=True):
            if count:
                item[f"prefix:{prefix}:{measure}"] = {"N": str(count)}
        item["sender:a:b:accepted"] = {"N": "9"}

    def prefixes(self, *accounts: str) -> list[tuple[str, str]]:
        """Look, and return account and prefix of what was told."""
        self.told.clear()
        self.watch.look(accounts or ("acme",))
        return [(each.about["account_id"], each.about["prefix"]) for each in self.told]


@pytest.fixture
def watched() -> Watched:
    """An account whose OTPs to India were verified in four of five cases, twice a day."""
    watched = Watched()
    for hours_ago in range(4, 7 * DAY_H, 12):
        watched.count(hours_ago, "+9198", (40, 32))
    return watched


@pytest.mark.parametrize("hours_ago", [0, 1])
@pytest.mark.parametrize(
    ("prefix", "of", "is_told"),
    [
        pytest.param("+9198", (50, 19), True, id="under half"),
        pytest.param("+9198", (50, 20), False, id="half"),
        pytest.param("+9198", (49, 0), False, id="too few"),
        pytest.param("+9198", (1_000, 0), True, id="none"),
        pytest.param("+2519", (50, 0), True, id="a prefix that is new"),
        pytest.param("+2519", (50, 20), False, id="a new one that is verified"),
        pytest.param("other", (50, 0), True, id="of those beyond a hundred"),
    ],
)
def test_a_prefix_is_told_of_where_it_falls_under_half(
    prefix: str, of: Measures, is_told: bool, hours_ago: int, watched: Watched
) -> None:
    watched.count(hours_ago, prefix, of)
    assert watched.prefixes() == [("acme", prefix)] * is_told
    for event in watched.told:
        assert event.counts == {"low_conversions": 1}
        assert (event.about["accepted"], event.about["verified"]) == of
        assert event.about["usual_percent"] == 80


def test_a_prefix_is_compared_with_its_own_week_if_it_had_one(watched: Watched) -> None:
    for hours_ago in range(4, 7 * DAY_H, 24):
        watched.count(hours_ago, "+4474", (10, 2))
    watched.count(1, "+4474", (100, 11))
    assert watched.prefixes() == []
    watched.count(1, "+4474", (100, 9))
    watched.now_s += 301
    assert watched.prefixes() == [("acme", "+4474")]


def test_a_prefix_with_too_few_in_its_week_is_compared_with_the_whole_account(
    watched: Watched,
) -> None:
    watched.count(30, "+2519", (OTPS_LEAST - 1, 0))
    watched.count(1, "+2519", (OTPS_LEAST, 0))
    assert watched.prefixes() == [("acme", "+2519")]


def test_an_hour_is_looked_at_once_a_quarter_of_it_is_over(watched: Watched) -> None:
    watched.count(0, "+9198", (100, 1))
    watched.now_s -= 16 * 60
    assert watched.prefixes() == []
    watched.now_s += 6 * 60
    assert watched.prefixes() == [("acme", "+9198")]


def test_an_account_without_feedback_is_not_watched() -> None:
    watched = Watched()
    assert watched.prefixes() == []
    for hours_ago in range(7 * DAY_H):
        watched.count(hours_ago, "+9198", (500, 0))
    watched.now_s += 301
    assert watched.prefixes() == []


def test_what_is_older_than_a_week_and_other_accounts_do_not_count(watched: Watched) -> None:
    watched.count(1, "+9198", (100, 39), "other")
    watched.count(30, "+9198", (100, 80), "other")
    for hours_ago in range(7 * DAY_H + 3, 8 * DAY_H):
        watched.count(hours_ago, "+9198", (10_000, 10), "other")
        watched.count(hours_ago, "+9198", (10_000, 10))
    watched.count(1, "+9198", (100, 80))
    assert watched.prefixes("acme", "other") == [("other", "+9198")]


def test_it_looks_every_five_minutes_and_reads_the_week_every_six_hours(watched: Watched) -> None:
    watched.count(1, "+9198", (100, 1))
    assert watched.prefixes()
    assert watched.queries == 3
    for _ in range(10):
        watched.now_s += 20
        assert watched.prefixes() == []
    assert watched.queries == 3
    watched.now_s += 101
    assert watched.prefixes()
    assert watched.queries == 5
    watched.now_s += 6 * 3600
    assert watched.prefixes() == []
    assert watched.queries == 8


def test_a_look_that_gets_no_answer_is_made_again(watched: Watched) -> None:
    watched.count(1, "+9198", (100, 1))
    watched.fails = True
    assert watched.prefixes() == []
    watched.fails = False
    assert watched.prefixes() == [("acme", "+9198")]


def test_it_remembers_a_thousand_accounts(watched: Watched) -> None:
    watched.count(1, "+9198", (100, 1))
    assert watched.prefixes(*(f"account {number}" for number in range(1_000))) == []
    assert watched.prefixes("acme") == [("acme", "+9198")]
    assert len(watched.watch._known) == 1


tallies = st.integers(0, 300).flatmap(lambda most: st.tuples(st.just(most), st.integers(0, most)))
hours = st.dictionaries(st.integers(0, 8 * DAY_H), tallies, max_size=30)


@given(hours, hours)
def test_it_tells_what_a_count_by_hand_tells(
    india: Mapping[int, Measures], britain: Mapping[int, Measures]
) -> None:
    watched, by_prefix = Watched(), {"+9198": india, "+4474": britain}
    for prefix, counts in by_prefix.items():
        for hours_ago, of in counts.items():
            watched.count(hours_ago, prefix, of)

    def week(of: Mapping[int, Measures]) -> Measures:
        in_week = [each for hours_ago, each in of.items() if 2 <= hours_ago <= 7 * DAY_H + 2]
        return sum(each[0] for each in in_week), sum(each[1] for each in in_week)

    weeks = {prefix: week(counts) for prefix, counts in by_prefix.items()}
    whole = week(india)[0] + week(britain)[0], week(india)[1] + week(britain)[1]
    expected = []
    for hours_ago in (1, 0):
        for prefix in sorted(by_prefix):
            accepted, verified = by_prefix[prefix].get(hours_ago, (0, 0))
            usual = weeks[prefix] if weeks[prefix][0] >= OTPS_LEAST else whole
            if accepted >= OTPS_LEAST and usual[0] and whole[1]:
                low = verified * usual[0] * 2 < usual[1] * accepted
                expected += [("acme", prefix)] * low
    assert watched.prefixes() == expected
