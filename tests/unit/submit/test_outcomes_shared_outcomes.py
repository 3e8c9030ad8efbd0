"""The waits before a shared outcome is stored, without a clock."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest

from harkara.model.activity import Submitted
from harkara.model.ledger import Lease, LedgerEntry, claim_kind, shared_partition
from harkara.submit.outcomes import Shared, Sharing
from tests.support.fakes import FakeMessageStore, Faults

SUBMITTED = Submitted("acme", "sim", "otp", "", 0, 1)
ONE, TWO, THREE = (Lease(name, f"worker of {name}", 0) for name in ("one", "two", "three"))
TURNS = 50


class Patience:
    """Lets pending tasks progress, and never waits for time; `lost` allows one time-out."""

    lost = False

    async def wait_for(self, waiting: Coroutine[Any, Any, Any], _: float) -> None:
        task = asyncio.ensure_future(waiting)
        await turns()
        if not task.done():
            task.cancel()
            assert self.lost, "it waits for somebody who has ended"
            raise TimeoutError


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> Patience:
    there = Patience()
    monkeypatch.setattr("harkara.submit.outcomes.asyncio.wait_for", there.wait_for)
    return there


async def turns() -> None:
    for _ in range(TURNS):
        await asyncio.sleep(0)


async def half() -> None:
    for _ in range(TURNS // 2):
        await asyncio.sleep(0)


def put(shared: Shared, lease: Lease) -> asyncio.Task[LedgerEntry | None]:
    claim = lease.entry(lease.task_id, claim_kind(1, 0), shared=shared.partition)
    return asyncio.ensure_future(shared.put(claim, f"id of {lease.task_id}", SUBMITTED))


@pytest.mark.usefixtures("patience")
def test_who_was_taken_waits_for_all_that_are_under_way_and_no_longer() -> None:
    sharing = Sharing(FakeMessageStore(Faults()), lambda: 0.0)

    async def run() -> None:
        with sharing.shared(ONE) as shared, sharing.shared(TWO) as same, sharing.shared(THREE):
            assert same is shared
            assert shared.partition == shared_partition(ONE.worker_id)
            first = put(shared, ONE)
            second = put(shared, TWO)
            await half()
            assert not first.done()
            assert shared.is_open
            assert sharing.shared(TWO) is shared
            third = put(shared, THREE)
            outcomes = await asyncio.gather(first, second, third)
            assert [outcome and outcome.partition for outcome in outcomes] == [
                "one",
                "two",
                "three",
            ]
            assert not shared.is_open

    asyncio.run(run())


@pytest.mark.usefixtures("patience")
def test_whose_try_ends_otherwise_is_waited_for_no_more() -> None:
    sharing = Sharing(FakeMessageStore(Faults()), lambda: 0.0)

    async def run() -> None:
        with sharing.shared(ONE) as shared, sharing.shared(TWO):
            with sharing.shared(THREE):
                taken = [put(shared, ONE), put(shared, TWO)]
                await half()
                assert not any(each.done() for each in taken)
            assert all(await asyncio.gather(*taken))

    asyncio.run(run())


def test_after_one_that_lost_its_patience_alone_the_others_share_still(patience: Patience) -> None:
    sharing = Sharing(FakeMessageStore(Faults()), lambda: 0.0)

    async def run() -> None:
        with sharing.shared(TWO) as shared, sharing.shared(THREE):
            with sharing.shared(ONE):
                patience.lost = True
                assert await put(shared, ONE) is None
                patience.lost = False
            second = put(shared, TWO)
            await half()
            assert not second.done()
            assert shared.is_open
            assert all(await asyncio.gather(second, put(shared, THREE)))

    asyncio.run(run())
