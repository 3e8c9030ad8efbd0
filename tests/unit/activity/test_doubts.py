"""Doubts about receipts: each has a carrier that just earns it, and one that just does not."""

from typing import Any

import pytest

from harkara.activity.doubts import CarrierReceipts, Doubt


def group(delays: dict[str, int], delivered: int = 0) -> Any:
    delay = {"p50": 1.0, "p95": 1.0, "counts": delays} if delays else None
    return {"key": "sim", "delivered": delivered, "otp_delay": delay}


@pytest.mark.parametrize(
    ("delays", "doubts"),
    [
        ({"1": 50, "4": 30, "8": 20}, [Doubt.QUICK]),
        ({"1": 49, "4": 31, "8": 20}, []),
        ({"1": 49, "4": 30, "8": 20}, []),
        ({"1": 99}, []),
        ({"1": 100}, [Doubt.QUICK]),
        ({"8": 98, "4": 2}, [Doubt.EQUAL]),
        ({"8": 97, "4": 3}, []),
        ({"8": 98, "4": 1}, []),
        ({"4": 40, "8": 40, "16": 20}, []),
        ({}, []),
    ],
)
def test_delays_of_otps_tell(delays: dict[str, int], doubts: list[Doubt]) -> None:
    receipts = CarrierReceipts()
    receipts.add(group(delays), are_dead=False)
    assert receipts.doubts() == doubts


def test_accounts_add_up() -> None:
    receipts = CarrierReceipts()
    for _ in range(2):
        receipts.add(group({"1": 50}), are_dead=False)
    assert receipts.doubts() == [Doubt.QUICK]


@pytest.mark.parametrize(("delivered", "doubts"), [(0, []), (1, [Doubt.DEAD])])
def test_a_delivery_to_a_dead_number_tells(delivered: int, doubts: list[Doubt]) -> None:
    receipts = CarrierReceipts()
    receipts.add(group({"1": 200}, delivered), are_dead=True)
    assert receipts.doubts() == doubts


def test_deliveries_to_living_numbers_tell_nothing() -> None:
    receipts = CarrierReceipts()
    receipts.add(group({}, 10_000), are_dead=False)
    assert receipts.doubts() == []
