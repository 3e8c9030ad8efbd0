"""Percentiles that are estimated from counts by powers of two."""

import math
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.activity.delays import delay_of


@given(delays=st.lists(st.integers(0, 2**17), min_size=1))
def test_a_percentile_is_off_by_less_than_a_factor_of_two_or_by_a_second(delays: list[int]) -> None:
    counts = Counter(str(1 << delay.bit_length()) for delay in delays)
    estimated = delay_of(counts)
    assert estimated is not None
    for found, share in ((estimated["p50"], 0.5), (estimated["p95"], 0.95)):
        exact = sorted(delays)[math.ceil(share * len(delays)) - 1]
        assert exact / 2 <= found <= max(2 * exact, exact + 1)
    assert estimated["p50"] <= estimated["p95"]


@pytest.mark.parametrize(
    ("counts", "p50", "p95"),
    [
        # Prometheus, "histogram_quantile()": evenly within the bucket that the rank falls into.
        ({"1": 10}, 0.5, 0.9),
        ({"4": 100}, 3.0, 3.9),
        ({"2": 50, "16": 50}, 2.0, 15.2),
        ({"2": 90, "8": 5, "64": 5}, 1.6, 8.0),
    ],
)
def test_percentiles_are_those_of_prometheus(
    counts: dict[str, int], p50: float, p95: float
) -> None:
    assert delay_of(counts) == {"p50": p50, "p95": p95, "counts": counts}


def test_nothing_has_no_percentiles() -> None:
    assert delay_of({}) is None
