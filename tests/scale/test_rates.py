"""What a carrier's rate costs in one-message traffic, over 90 processes and in virtual time.

Writes are counted, refused ones too; no time is measured.
"""

import pytest

from harkara.messages import Category
from harkara.services.prefetch import PREFETCH_S
from tests.scale.fleet import Fleet, Traffic

BULK, OTP, ALERT = Category.PROMOTIONAL, Category.OTP, Category.TRANSACTIONAL
HUNDRED = [f"account-{number}" for number in range(100)]
WRITES_A_MESSAGE = 0.2


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
    # Strictly the law of the rate: a message, which is a block here, for each shard.
    assert fleet.burst() <= fleet.shard_count(OTP) + 1
    waits_s = fleet.waits_s()
    assert waits_s[len(waits_s) // 2] <= PREFETCH_S
    assert waits_s[-1] <= 5 * PREFETCH_S
