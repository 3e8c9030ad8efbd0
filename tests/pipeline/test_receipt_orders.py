"""Receipts of several submit attempts: the one that makes a message final, in any order."""

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.base.errors import HttpAnswer
from harkara.model.messages import State
from harkara.model.tasks import QueueName, Receipt, ReceiptsTask
from harkara.receipts.service import CoalesceService
from tests.pipeline import campaign
from tests.pipeline.invariants import check_without_a_kill
from tests.pipeline.routes import carrier, send, set_routing
from tests.support.world import World

WORDS = {"DELIVRD": State.DELIVERED, "UNDELIV": State.FAILED, "REJECTD": State.FAILED}
WORDS |= {"EXPIRED": State.EXPIRED, "UNKNOWN": State.UNKNOWN}
# The carrier throttles twice and accepts only the third attempt.
TAKEN = 3


class Said(NamedTuple):
    """A carrier's report on one submit attempt."""

    attempt: int
    word: str


class Carrier:
    """Sends receipts of one message, and computes the expected final state by the rule."""

    def __init__(self) -> None:
        self.world = World()
        self.world.trust()
        self.world.provider.receipt_s = 10_000
        answers = self.world.send([campaign.record("9006")])
        assert answers
        self.answers = answers
        self.mid = answers[0].mid
        self.expected = ""
        self.ended_at = 0.0

    def say(self, way: str, group: Sequence[Said]) -> None:
        """Send receipts in one of the ways, limited to attempts that the carrier has received."""
        world = self.world
        signed = {each: world.signer.sign(self.mid, each.attempt) for each in group}
        existing = [each for each in group if world.provider.references[signed[each]]]
        for attempt, word in existing:
            if not self.expected and (word == "DELIVRD" or attempt == TAKEN):
                self.expected, self.ended_at = WORDS[word], world.now
        if way == "array":
            world.receipts += [(world.now, signed[each], each.word, "1") for each in existing]
            return
        receipts = [Receipt(self.mid, a, WORDS[word], int(world.now)) for a, word in existing]
        bodies = [ReceiptsTask((receipt,), "sim").encode() for receipt in receipts]
        if way == "joined" and len(bodies) > 1:
            waiting = {str(number): body for number, body in enumerate(bodies)}
            assert CoalesceService(world.queues).coalesce(waiting) == set(waiting)
            return
        for body in bodies:
            world.queues.add(QueueName.RECEIPT, body, world.now)


payload = st.builds(Said, st.integers(1, TAKEN), st.sampled_from(sorted(WORDS)))
groups = st.tuples(
    st.sampled_from(["array", "joined", "separate"]),
    st.lists(payload, min_size=1, max_size=4),
    st.sampled_from([0.1, 0.9, 1.5, 3.0, 6.0, 9.0, 20.0, 500.0]),
)


@given(st.lists(groups, max_size=5, unique_by=lambda group: group[2]))
def test_the_first_that_counts_ends_a_message_and_nothing_goes_out_after_it(
    sent: list[tuple[str, list[Said], float]],
) -> None:
    sim = Carrier()
    for way, group, after_s in [*sent, ("separate", [Said(TAKEN, "DELIVRD")], 1_000.0)]:
        sim.world.at(after_s, partial(sim.say, way, group))
    # The provider's own receipt comes late and is dropped.
    sim.world.run(5_000)
    sim.world.receipts.clear()
    sim.world.run()
    expected = sim.expected or "delivered"
    assert sim.world.finals() == {sim.mid: expected}
    taken_at = sim.world.provider.taken_at.get(sim.mid)
    assert taken_at is None or not sim.expected or taken_at <= sim.ended_at
    check_without_a_kill(sim.world, sim.answers)


@pytest.mark.parametrize("way", ["array", "joined", "separate"])
def test_a_failure_of_a_try_that_was_not_taken_hides_no_delivery(way: str) -> None:
    sim = Carrier()
    sim.world.at(60, lambda: sim.say(way, [Said(1, "REJECTD"), Said(TAKEN, "DELIVRD")]))
    sim.world.run(61)
    assert sim.world.finals() == {sim.mid: "delivered"}
    assert sim.world.counts["superseded"] == 1


def test_a_failure_between_two_tries_does_not_end_what_goes_out_again() -> None:
    sim = Carrier()
    sim.world.at(0.5, lambda: sim.say("array", [Said(1, "REJECTD")]))
    sim.world.at(60, lambda: sim.say("array", [Said(TAKEN, "DELIVRD")]))
    sim.world.run(61)
    assert sim.world.providers.taken()[sim.mid] == 1
    assert sim.world.finals() == {sim.mid: "delivered"}


def test_what_arrived_although_it_was_not_taken_does_not_go_out_again() -> None:
    sim = Carrier()
    sim.world.at(0.5, lambda: sim.say("array", [Said(1, "DELIVRD")]))
    sim.world.run()
    assert sim.world.finals() == {sim.mid: "delivered"}
    assert not sim.world.providers.taken()
    assert sim.world.counts["ended"] == 1
    check_without_a_kill(sim.world, sim.answers)


def test_a_failure_that_comes_before_the_answer_waits_for_it() -> None:
    """The carrier throttles, and its receipt of the same attempt is quicker than its answer."""
    sim = Carrier()
    world = sim.world
    exchange = world.provider.exchange

    async def slow(record: dict[str, str]) -> HttpAnswer:
        answer = await exchange(record)
        if answer.status == 429:
            attempt = len(world.provider.references)
            receipt = Receipt(sim.mid, attempt, State.FAILED, int(world.now), "UNDELIVERED")
            world.queues.add(QueueName.RECEIPT, ReceiptsTask((receipt,)).encode(), world.now)
            await world.deliver(world.queues.waiting[-1])
        return answer

    world.provider.exchange = slow  # type: ignore[method-assign]
    sim.world.at(60, lambda: sim.say("array", [Said(TAKEN, "DELIVRD")]))
    world.run(61)
    assert world.counts["early"] == 2
    assert world.counts["superseded"] == 2
    assert world.finals() == {sim.mid: "delivered"}


def test_a_failure_that_comes_before_the_answer_ends_what_was_taken() -> None:
    world = World()
    answers = send(world, 1)

    async def meanwhile() -> None:
        receipt = Receipt(answers[0].mid, 1, State.FAILED, int(world.now), "UNDELIVERED")
        world.queues.add(QueueName.RECEIPT, ReceiptsTask((receipt,)).encode(), world.now)
        await world.deliver(world.queues.waiting[-1])

    world.meanwhile = meanwhile
    world.provider.receipt_s = 600
    world.run()
    assert world.counts["early"] == 1
    assert world.finals() == {answers[0].mid: "failed"}
    check_without_a_kill(world, answers)


def test_what_was_in_doubt_and_has_arrived_is_not_repeated() -> None:
    world = World(carriers=[carrier("sim", deduplicates=True)])
    set_routing(world, in_doubt={"service_implicit": "resubmit"})
    world.provider.silent = lambda: True
    answers = send(world, 1)
    world.run()
    assert world.finals() == {answers[0].mid: "delivered"}
    assert list(world.provider.references.values()) == [1]
    check_without_a_kill(world, answers)
