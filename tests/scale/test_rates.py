"""The cost of a carrier's rate limit and of an account's limits in one-message traffic.

With 90 processes in virtual time. Writes are counted, refused ones too; no time is measured.
"""

import pytest

from harkara.model.messages import Category
from harkara.state.account_limits import SHARD_LIMIT
from harkara.state.rates_prefetch import PREFETCH_S
from tests.scale.fleet import Admissions, Fleet, Traffic

BULK, OTP, ALERT = Category.PROMOTIONAL, Category.OTP, Category.TRANSACTIONAL
HUNDRED = [f"account-{number}" for number in range(100)]
WRITES_A_MESSAGE = 0.2
PARTITION_WRITES = 1_000


@pytest.mark.parametrize(
    ("rate", "traffic"),
    [
        pytest.param(8_000, [Traffic(5_000, BULK)], id="one account"),
        pytest.param(100_000, [Traffic(5_000, BULK)], id="a rate that is hardly used"),
        pytest.param(8_000, [Traffic(5_000, OTP, HUNDRED, until_s=3)], id="100 accounts, OTP"),
        pytest.param(8_000, [Traffic(5_000, ALERT, HUNDRED, batch=10)], id="ten at a time"),
    ],
)
def test_5000_messages_a_second_take_at_most_a_write_for_five(
    rate: float, traffic: list[Traffic]
) -> None:
    fleet = Fleet(rate).run(*traffic)
    assert fleet.writes_a_message <= WRITES_A_MESSAGE
    assert fleet.table.reads == 0
    # The strict limit of the rate: one message, which is a block here, for each shard.
    assert fleet.burst() <= fleet.shard_count(OTP) + 1
    waits_s = fleet.waits_s()
    assert waits_s[len(waits_s) // 2] <= PREFETCH_S
    assert waits_s[-1] <= 5 * PREFETCH_S


@pytest.mark.parametrize(
    ("rate", "processes", "traffic"),
    [
        pytest.param(75, 10, Traffic(48, BULK, until_s=6), id="four fifths of its lane's rate"),
        pytest.param(75, 10, Traffic(60, ALERT, until_s=6), id="of both lanes"),
        pytest.param(120, 10, Traffic(60, BULK, until_s=6), id="half of the rate"),
        pytest.param(120, 4, Traffic(60, BULK, until_s=6), id="four processes"),
    ],
)
def test_few_messages_at_a_low_rate_hardly_wait_for_what_others_have_in_advance(
    rate: float, processes: int, traffic: Traffic
) -> None:
    waits_s = Fleet(rate, processes=processes).run(traffic).waits_s()
    assert waits_s[len(waits_s) // 2] <= PREFETCH_S / 2
    assert waits_s[int(0.95 * len(waits_s))] <= PREFETCH_S


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param({"requests_per_s": 8_000}, id="requests"),
        pytest.param({"requests_per_s": 100_000}, id="a limit that is hardly used"),
        pytest.param({"segments_per_s": 20_000}, id="segments"),
        pytest.param({"segments_per_day": 10**6}, id="a day"),
        pytest.param(
            {"requests_per_s": 8_000, "segments_per_s": 20_000, "segments_per_day": 10**6}, id="all"
        ),
    ],
)
def test_5000_requests_a_second_at_the_api_take_at_most_a_write_for_five(
    limits: dict[str, float],
) -> None:
    admissions = Admissions(limits).run(5_000, 2.0)
    assert admissions.refused == 0
    assert admissions.writes <= WRITES_A_MESSAGE * len(admissions.admitted)
    assert admissions.burst() <= admissions.rate + SHARD_LIMIT


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param({"requests_per_s": 2_500}, id="twice what it may"),
        pytest.param({"requests_per_s": 100}, id="fifty times"),
        pytest.param({"requests_per_s": 8_000, "segments_per_day": 4_000}, id="a day that ends"),
    ],
)
def test_so_do_requests_beyond_an_accounts_limits_which_are_kept_and_used_up(
    limits: dict[str, float],
) -> None:
    admissions = Admissions(limits).run(5_000, 2.0)
    admitted = len(admissions.admitted)
    assert admissions.writes <= WRITES_A_MESSAGE * (admitted + admissions.refused)
    assert admissions.burst() <= admissions.rate + SHARD_LIMIT
    # The day's limit, or two seconds and a burst: a part is still in hand, or passed at first.
    assert admitted <= limits.get("segments_per_day", admitted)
    assert admitted >= 0.8 * min(limits.get("segments_per_day", 10_000), 3 * admissions.rate)


@pytest.mark.parametrize(
    "cap", [pytest.param(1.0, id="far away"), pytest.param(0.009, id="reached")]
)
def test_5000_requests_a_second_meet_a_spend_cap_in_an_item_that_is_not_hot(cap: float) -> None:
    admissions = Admissions({"spend_per_day": cap}).run(5_000, 2.0)
    admitted, hot = len(admissions.admitted), admissions.table.writes
    assert max(hot.values()) <= 0.9 * PARTITION_WRITES
    assert admitted == min(round(cap * 10**6), admitted + admissions.refused)
    # Once all processes are busy each takes for a second in advance.
    assert cap < 1 or hot[1] <= 100
