"""Single messages submitted concurrently share one outcome, without a visible difference."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest

from harkara.base.ids import split_mid
from harkara.carriers.contract import Taken
from harkara.model.activity import Submitted
from harkara.model.ledger import Lease, LedgerEntry, claim_kind, outcome_kind
from harkara.model.messages import State
from harkara.model.tasks import Receipt
from harkara.receipts.verdicts import Reported, judge
from harkara.submit.attempts import attempts_of
from harkara.submit.outcomes import Sharing, outcome_data
from tests.pipeline import campaign
from tests.pipeline.batches import Batches
from tests.support.fakes import FakeMessageStore, Faults

BATCHES = [f"1{number:026d}" for number in range(3)]
SUBMITTED = Submitted("acme", "sim", "otp", "", 0, 1)
NOW_S = 1_700_000_000.0


def submitted(*magics: str) -> tuple[Batches, list[str]]:
    """Send single messages and submit them in one batch; return their message ids."""
    world = Batches()
    mids = [answer.mid for each in magics for answer in world.send([campaign.record(each)]) or ()]
    world.run(0.5)
    return world, mids


def kinds(world: Batches) -> Counter[str]:
    return Counter(kind.partition("#")[0] for _, kind in world.store.entries)


def test_those_that_were_taken_share_an_outcome_and_others_have_their_own() -> None:
    world, _ = submitted("0000", "0000", "0000", "9005")
    found = kinds(world)
    assert (found["claim"], found["shared"], found["outcome"]) == (4, 1, 1)


def test_one_that_is_alone_has_its_own() -> None:
    world, _ = submitted("0000")
    found = kinds(world)
    assert (found["shared"], found["outcome"]) == (0, 1)


def test_its_tries_say_that_it_was_taken_and_by_which_id() -> None:
    world, mids = submitted("0000", "0000")
    taken = set()
    for mid in mids:
        (batch, index) = world.batches()[split_mid(mid)[0]], 0
        (tried,) = attempts_of(world.store, batch, index)
        assert isinstance(tried.end, Taken)
        assert tried.ended_at_ms == int(world.now * 1000)
        taken.add(tried.end.carrier_message_id)
    assert len(taken) == 2


def test_a_failure_counts_at_once_though_its_claim_is_still_held() -> None:
    world, mids = submitted("0000", "0000")
    receipts = [Receipt(mid, 1, State.FAILED, int(world.now), "x") for mid in mids]
    batches = world.batches()
    reported = [Reported(each, batches[split_mid(each.mid)[0]], 0) for each in receipts]
    verdicts = judge(world.store, reported, int(world.now * 1000))
    assert (verdicts.counting, verdicts.early) == (reported, [])


# Arbitration


def claimed(store: FakeMessageStore, lease: Lease, batch_id: str, partition: str) -> LedgerEntry:
    payload = {"indexes": [0], "carriers": {"sim": [0]}, "shared": partition}
    (claim,) = store.put_if_absent([lease.entry(batch_id, claim_kind(1, 0), **payload)])
    return claim


def share(
    store: FakeMessageStore, sharing: Sharing, ids: Sequence[str]
) -> list[tuple[LedgerEntry, LedgerEntry | None]]:
    """Record acceptances of messages concurrently; return their claims and shared outcomes."""

    async def one(batch_id: str) -> tuple[LedgerEntry, LedgerEntry | None]:
        lease = Lease(f"task of {batch_id}", f"worker of {batch_id}", 0)
        with sharing.shared(lease) as shared:
            claim = claimed(store, lease, batch_id, shared.partition)
            await asyncio.sleep(0)  # the others claim too
            return claim, await shared.put(claim, f"id of {batch_id}", SUBMITTED)

    async def all_of_them() -> list[tuple[LedgerEntry, LedgerEntry | None]]:
        return list(await asyncio.gather(*map(one, ids)))

    return asyncio.run(all_of_them())


@pytest.mark.parametrize("lost", [False, True], ids=["heard", "answer lost"])
def test_each_finds_in_it_what_its_own_outcome_would_say(lost: bool) -> None:
    store = FakeMessageStore(Faults(lose_answer={3} if lost else set()))
    done = share(store, Sharing(store, lambda: NOW_S), BATCHES)
    for batch_id, (claim, outcome) in zip(BATCHES, done, strict=True):
        payload = outcome_data([0], [Taken(f"id of {batch_id}")]) | {"at": int(NOW_S * 1000)}
        whose = (claim.task_id, claim.worker_id, claim.expires_at_ms)
        assert outcome == LedgerEntry(batch_id, outcome_kind(1, 0), *whose, payload)
    assert sum(kind == "shared" for _, kind in store.entries) == 1


def test_who_takes_over_finds_it_or_closes_it_for_good() -> None:
    store = FakeMessageStore(Faults())
    sharing = Sharing(store, lambda: NOW_S)
    (claim, outcome), *_ = share(store, sharing, BATCHES)
    heir = Lease("task_id", "heir", 0)
    assert asyncio.run(Sharing(store, lambda: NOW_S + 600).settled(claim, heir)) == outcome

    async def taken_over() -> list[LedgerEntry | None]:
        first, second = (Lease(each, each, 0) for each in ("first", "second"))
        with sharing.shared(first) as shared, sharing.shared(second):
            claims = [claimed(store, first, f"7{n:026d}", shared.partition) for n in (0, 1)]
            found = await Sharing(store, lambda: NOW_S).settled(claims[0], heir)
            both = asyncio.gather(*(shared.put(each, "late", SUBMITTED) for each in claims))
        return [found, *(await both)]

    assert asyncio.run(taken_over()) == [None, None, None]


def test_what_comes_after_it_was_put_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harkara.submit.outcomes._PATIENCE_S", 0)
    store = FakeMessageStore(Faults())
    sharing = Sharing(store, lambda: NOW_S)

    async def run() -> tuple[list[LedgerEntry | None], LedgerEntry | None]:
        one, two, slow = (Lease(each, each, 0) for each in BATCHES)
        with sharing.shared(one) as shared, sharing.shared(two), sharing.shared(slow):
            claims = [
                claimed(store, each, each.task_id, shared.partition) for each in (one, two, slow)
            ]
            first = await asyncio.gather(
                *(shared.put(each, "id", SUBMITTED) for each in claims[:2])
            )
            assert sharing.shared(one) is not shared
            return list(first), await shared.put(claims[2], "id", SUBMITTED)

    first, late = asyncio.run(run())
    assert all(first)
    assert late is None
