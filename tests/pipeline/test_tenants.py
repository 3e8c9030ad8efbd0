"""Endpoints of one tenant do not delay the messages of other tenants."""

import math
from collections.abc import Sequence
from functools import cache

from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.pipeline.lanes import QUICK, JumpingLoop, Lanes

# Seconds for which a formerly quick endpoint may hold an execution, once, plus the polling interval
# of an idle execution.
BUDGET_S = 2.5
Steps = Sequence[tuple[float, int]]

_STEPS = st.lists(
    st.tuples(
        st.sampled_from([0.05, 0.9, 1.1, 1.9, 2.1, 5.0, 8.0, 9.9, math.inf]),
        st.sampled_from([200, 204, 302, 404, 408, 410, 429, 500, 503, 0]),
    ),
    min_size=1,
    max_size=6,
)
_TIMES = st.lists(st.integers(0, 600).map(lambda tenths: tenths / 10), min_size=1, max_size=60)


class Times:
    """The times when messages of two good tenants became final and were called back.

    The endpoint of one is quick and known, the other's is not known.
    """

    def __init__(self, bad: Sequence[tuple[Steps, bool]], bad_at: Sequence[float]) -> None:
        loop = JumpingLoop()
        try:
            lanes = Lanes(loop)
            bad_mids: list[str] = []
            for number, (steps, trusted) in enumerate(bad):
                url = f"https://bad.example/{number}"
                endpoint = lanes.endpoint("bad", url, steps, trusted=trusted)
                bad_mids += lanes.delivered("bad", endpoint, bad_at)
            good = lanes.endpoint("good", "https://good.example/", QUICK, trusted=True)
            new = lanes.endpoint("new", "https://new.example/", QUICK, trusted=False)
            self.good = lanes.delivered("good", good, [each * 2.5 for each in range(24)])
            self.new = lanes.delivered("new", new, [20.0])
            lanes.settle(150)
            self.final_at, self.acked_at = lanes.final_at, lanes.acked_at
            assert {*self.good, *self.new, *bad_mids} == self.final_at.keys()
            assert {lanes.calls_back[mid] for mid in (*self.good, *self.new)} == {1}
        finally:
            loop.close()

    def lists(self) -> list[list[float]]:
        mids = [*self.good, *self.new]
        return [[times[mid] for mid in mids] for times in (self.final_at, self.acked_at)]


@cache
def alone() -> list[list[float]]:
    return Times([], []).lists()


@settings(max_examples=20)
@given(st.lists(st.tuples(_STEPS, st.booleans()), min_size=1, max_size=3), _TIMES)
# It acknowledges all posts, after eight seconds; so do three.
@example([([(8.0, 200)], True)], [each / 2 for each in range(60)])
@example([([(8.0, 200)], False)] * 3, [each / 2 for each in range(60)])
# It hangs; or it is quick until it is trusted, and then hangs.
@example([([(math.inf, 0)], True)], [each / 2 for each in range(60)])
@example([([(0.05, 200), (math.inf, 0)], True)] * 3, [each / 2 for each in range(60)])
# 120 messages at the same moment.
@example([([(9.9, 500)], True)] * 3, [2.0] * 40)
def test_bad_endpoints_of_one_tenant_cost_the_others_no_time(
    bad: list[tuple[Steps, bool]], bad_at: list[float]
) -> None:
    for times, expected in zip(Times(bad, bad_at).lists(), alone(), strict=True):
        late = [each - when for each, when in zip(times, expected, strict=True)]
        assert max(late) <= BUDGET_S
