"""Cancel against submit: every order of their steps, and the death of either in between."""

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from threading import Condition, Thread

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.base.codes import Code
from harkara.model.tasks import QueueName
from tests.pipeline import campaign
from tests.pipeline.invariants import check, check_without_a_kill
from tests.support.fakes import Faults
from tests.support.world import World

ACTOR: ContextVar[str] = ContextVar("actor", default="")


class Turns(Faults):
    """Lets two actors, each a thread, make their calls in the order of a script of names."""

    def __init__(self) -> None:
        super().__init__()
        self.script: list[str] = []
        self.made: list[str] = []
        self._turn = Condition()

    def before(self, name: str) -> int:
        actor = ACTOR.get()
        with self._turn:
            if actor and name != "get_batch":  # never changes: any order is fine
                self._turn.wait_for(lambda: not self.script or self.script[0] == actor)
                self.made.append(actor)
                self.script[:1] = []
                self._turn.notify_all()
            return super().before(name)

    @contextmanager
    def acting(self, actor: str) -> Iterator[None]:
        """Act under a name. After the end of an actor the other one has all further turns."""
        ACTOR.set(actor)
        try:
            yield
        finally:
            with self._turn:
                self.script = [each for each in self.script if each != actor]
                self._turn.notify_all()


class Race:
    """A message that is submitted, in its first or second attempt, and cancelled concurrently."""

    def __init__(self, attempt: int) -> None:
        self.turns = Turns()
        self.world = World(self.turns)
        answers = self.world.send([campaign.record("9006")])
        assert answers
        self.answers = answers
        self.mid = answers[0].mid
        self.refusal: Code | None = None
        # The carrier throttles a message twice: it accepts this one at the contested attempt.
        self.world.provider.throttled[self.mid] = 3 - attempt
        self.world.submit = self.world.submit_service()
        (self.task,) = self.world.queues.waiting
        if attempt == 2:
            asyncio.run(self.world.deliver(self.task))
            (self.task,) = (
                message
                for message in self.world.queues.waiting
                if message.queue is QueueName.SUBMIT
            )

    def run(self, script: Sequence[str], kill_after: int | None = None) -> None:
        """Make the calls in the script's order; kill the process of one actor after a call."""
        if kill_after is not None:
            self.turns.kill_after = {len(self.turns.calls) + kill_after}
        self.turns.script = list(script)
        threads = [Thread(target=self._submit), Thread(target=self._cancel)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
            assert not thread.is_alive(), "the two wait for each other"

    def _submit(self) -> None:
        with self.turns.acting("submit"):
            asyncio.run(self.world.deliver(self.task))

    def _cancel(self) -> None:
        with self.turns.acting("cancel"):
            self.refusal = self.world.cancel(self.mid)


def steps(actor: str) -> int:
    """Return the largest number of calls that an actor makes: those of its complete run."""
    race = Race(1)
    race.run([actor] * 20)
    return race.turns.made.count(actor)


SUBMIT, CANCEL = steps("submit"), steps("cancel")
ORDERS = [
    ["cancel" if index in indexes else "submit" for index in range(SUBMIT + CANCEL)]
    for indexes in itertools.combinations(range(SUBMIT + CANCEL), CANCEL)
]


@pytest.mark.parametrize("attempt", [1, 2])
def test_in_every_order_a_message_is_cancelled_or_taken_and_ends_once(attempt: int) -> None:
    met = set()
    for order in ORDERS:
        race = Race(attempt)
        race.run(order)
        race.world.run()
        check_without_a_kill(race.world, race.answers)
        taken = bool(race.world.provider.taken)
        assert (race.world.finals()[race.mid] == "delivered") is taken
        assert race.refusal in (None, Code.TOO_LATE_TO_CANCEL)
        if order[:CANCEL] == ["cancel"] * CANCEL:
            assert race.refusal is None, "nothing was claimed, and the cancel was refused"
        met.add((race.refusal is None, taken))
    # Cancelled; too late; and in between: the cancel is refused as too late, yet the message is
    # cancelled.
    assert met == {(True, False), (False, True), (False, False)}


@given(
    attempt=st.sampled_from((1, 2)),
    order=st.sampled_from(ORDERS),
    kill_after=st.integers(0, SUBMIT + CANCEL + 2),
)
def test_nor_does_it_matter_who_dies_in_between(
    attempt: int, order: list[str], kill_after: int
) -> None:
    race = Race(attempt)
    race.run(order, kill_after)
    race.world.run()
    check(race.world, race.answers)


def test_a_cancel_is_answered_alike_again_and_calls_back_at_once() -> None:
    world = World()
    answers = world.send([campaign.record("0000")._replace(options=campaign.FAR)])
    assert answers
    mid = answers[0].mid
    began = world.now
    assert [world.cancel(mid), world.cancel(mid)] == [None, None]
    called_back: list[int] = []
    world.at(60, lambda: called_back.append(world.called_back()[mid]))
    world.run()
    assert called_back == [1]
    assert world.now > began + 29 * 86_400
    check_without_a_kill(world, answers)
    assert world.cancel(mid) is None


@pytest.mark.parametrize(
    "mid", ["", "no mid", "1" + "0" * 28], ids=["empty", "not a mid", "unknown"]
)
def test_what_is_no_message_cannot_be_cancelled(mid: str) -> None:
    assert World().cancel(mid) is Code.NOT_FOUND


def test_a_message_of_another_account_or_one_that_was_refused_is_not_found() -> None:
    world = World()
    answers = world.send([campaign.record("0000"), campaign.record("0001", to="12")])
    assert answers
    (batch,) = world.batches().values()
    assert world.cancel(batch.mid(1)) is Code.NOT_FOUND
    assert world.cancel(batch.mid(2)) is Code.NOT_FOUND
    world.account = world.account.model_copy(update={"id": "other"})
    assert world.cancel(answers[0].mid) is Code.NOT_FOUND
    assert not any(kind.startswith("cancel#") for _, kind in world.store.entries)


def test_what_went_out_is_too_late_to_cancel_and_stays_delivered() -> None:
    world = World()
    answers = world.send([campaign.record("0000"), campaign.record("9005")])
    assert answers
    world.run()
    refusals = {world.cancel(answer.mid) for answer in answers}
    assert refusals == {Code.TOO_LATE_TO_CANCEL}
    world.run()
    assert sorted(world.finals().values()) == ["delivered", "failed"]
    check_without_a_kill(world, answers)


def test_a_cancel_that_could_not_be_enqueued_says_try_again_and_holds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = World()
    answers = world.send([campaign.record("0000")._replace(options=campaign.SOON)])
    assert answers
    with monkeypatch.context() as patched:
        patched.setattr(world.queues, "send", lambda *_: [False])
        world.cancel(answers[0].mid)
    assert not world.cancelled
    world.run()
    assert list(world.finals().values()) == ["cancelled"]
    check_without_a_kill(world, answers)


def test_live_and_cancelled_messages_share_a_block() -> None:
    world = World()
    answers = world.send(
        [
            campaign.record("0000", client_ref=str(n))._replace(options=campaign.SOON)
            for n in range(250)
        ]
    )
    assert answers
    for answer in answers[::2]:
        assert world.cancel(answer.mid) is None
    world.run()
    check_without_a_kill(world, answers)
    finals = world.finals()
    assert [finals[answer.mid] for answer in answers] == ["cancelled", "delivered"] * 125
    assert world.counts["taken"] == 125


def test_a_message_whose_block_was_handed_on_can_be_cancelled() -> None:
    world = World()
    answers = world.send([campaign.record("0000", client_ref=str(n)) for n in range(250)])
    assert answers
    world.remaining_s = lambda: 10.0 if world.provider.taken else 60.0  # after the first block
    world.submit = world.submit_service()
    asyncio.run(world.deliver(world.queues.waiting[0]))
    assert world.counts["handed_on"] == 1
    world.remaining_s = lambda: 60.0
    assert world.cancel(answers[99].mid) is Code.TOO_LATE_TO_CANCEL
    assert world.cancel(answers[100].mid) is None
    world.run()
    check_without_a_kill(world, answers)
    assert len(world.provider.taken) == 249
