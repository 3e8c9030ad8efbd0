"""A carrier's rate shared between accounts, from the request to the carrier."""

from collections.abc import Sequence

from hypothesis import example, given, settings
from hypothesis import strategies as st

from harkara.accept.requests import RecordResult
from harkara.model.messages import Category
from harkara.state.rates_shards import HELD_S
from tests.pipeline.invariants import check_without_a_kill
from tests.pipeline.routes import carrier, records, send
from tests.support.wired import ACCOUNT, NOW
from tests.support.world import World

# The lane's own half of the carrier's rate.
RATE = 50.0
_OTHER = ACCOUNT.model_copy(update={"id": "other"})
urgent = st.sampled_from([Category.OTP, Category.TRANSACTIONAL])


@example([(0.0, 10, Category.TRANSACTIONAL)] * 40, 1.0, Category.OTP)
@settings(max_examples=15)
@given(
    st.lists(st.tuples(st.floats(0, 5), st.integers(1, 10), urgent), min_size=1, max_size=40),
    st.floats(0, 20),
    urgent,
)
def test_whatever_another_account_sends_a_message_waits_for_a_block_of_each_kind_at_most(
    sent: list[tuple[float, int, Category]], at_s: float, category: Category
) -> None:
    world = World(carriers=[carrier("sim", rate_segments_per_s=100, priority_share=0.5)])
    answers: list[Sequence[RecordResult] | None] = []
    for after_s, count, kind in sent:

        def flood(count: int = count, kind: Category = kind) -> None:
            rows = [row._replace(text="x" * 1_500) for row in records(count, category=kind)]
            answers.append(world.send(rows))

        world.at(after_s, flood)

    def one() -> None:
        world.account = _OTHER
        answers.append(send(world, 1, category=category))
        world.account = ACCOUNT

    world.at(at_s, one)
    world.run()
    check_without_a_kill(world, *answers)
    (mid,) = (batch.mid(0) for batch in world.batches().values() if batch.account_id == "other")
    wait_s = world.provider.taken_at[mid] - NOW - at_s
    # A block has ten messages of ten segments. Queues delay by whole seconds.
    assert wait_s <= HELD_S + 2 * 100 / RATE + 1
