"""Bad endpoints cost the good ones nothing. `make bench` has the long form, ten times as many."""

import asyncio

import pytest

from tests import isolation

COUNT, RATE_PER_S = 2_000, 100


@pytest.fixture(scope="module")
def compared() -> isolation.Comparison:
    """Return a run; a second one where the first is too slow, since machines have other work."""
    first = asyncio.run(isolation.run(COUNT, RATE_PER_S))
    if first.flaws() or first.ratio <= isolation.RATIO_BAR:
        return first
    return asyncio.run(isolation.run(COUNT, RATE_PER_S))


def test_the_good_endpoints_are_served_as_quickly_as_without_the_bad_ones(
    compared: isolation.Comparison,
) -> None:
    assert compared.ratio <= isolation.RATIO_BAR


def test_nothing_is_lost_or_doubled_and_what_is_bad_is_tried_on_schedule_and_parked(
    compared: isolation.Comparison,
) -> None:
    assert len(compared.tried.bad) == COUNT // 10
    assert compared.flaws() == []
