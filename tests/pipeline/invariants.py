"""Invariants of any run, with any deaths on the way (design: invariants 1, 2, 4, 5)."""

from collections.abc import Sequence

from harkara.accept.requests import RecordResult
from harkara.base.ids import split_mid
from harkara.model.messages import next_open_s
from tests.support.world import World


def check(world: World, *answers: Sequence[RecordResult] | None) -> None:
    """Fail unless every accepted message is final, submitted once and called back once."""
    finals, called_back = world.finals(), world.called_back()
    accepted = {result.mid for answer in answers for result in answer or () if result.mid}
    committed = {
        batch.mid(index)
        for batch in world.batches().values()
        if any(batch.id in mid for mid in accepted) or any(batch.id in mid for mid in finals)
        for index in range(len(batch.messages))
    }
    assert accepted <= committed
    assert committed <= finals.keys(), "an accepted message has no final state"
    assert committed <= called_back.keys(), "a final state was never called back"
    submitted_twice = {mid for mid, count in world.providers.taken().items() if count > 1}
    assert not submitted_twice, "a carrier took a message twice"
    assert not world.cancelled & world.providers.taken().keys(), "a cancelled message was submitted"
    assert {finals[mid] for mid in world.cancelled} <= {"cancelled"}
    check_times(world)
    doubled = {mid for mid, count in called_back.items() if count > 1}
    assert doubled <= world.callbacks_in_doubt(), "a callback was doubled, uncounted"
    assert not world.queues.waiting
    assert not world.queues.waiting_rows


def check_without_a_kill(world: World, *answers: Sequence[RecordResult] | None) -> None:
    """Check as `check` does, and that no callback is doubled or in doubt."""
    check(world, *answers)
    assert set(world.called_back().values()) == {1}
    assert not world.callbacks_in_doubt()


def check_times(world: World) -> None:
    """Fail unless the carrier accepted each message inside its time window, before its expiry."""
    batches = world.batches()
    for mid, at_s in world.providers.taken_at().items():
        batch = batches[split_mid(mid)[0]]
        assert at_s * 1000 >= batch.due_at_ms, "a message was submitted too early"
        assert not batch.daytime_only or at_s == next_open_s(at_s), "one was submitted at night"
        assert at_s <= batch.due_at_ms / 1000 + batch.validity_s, "one was submitted too late"
