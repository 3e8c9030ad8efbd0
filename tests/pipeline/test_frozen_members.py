"""A callback keeps the members that its first delivery stored."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harkara.base.codes import Code
from harkara.model.messages import State
from harkara.model.tasks import QueueName, Receipt, ReceiptsTask
from harkara.receipts import final_states
from harkara.receipts.verdicts import Verdicts, judge
from tests.pipeline import campaign
from tests.support.world import World

COUNT = 3


@given(
    counting=st.lists(st.sets(st.integers(0, COUNT - 1)), min_size=1, max_size=3),
    kills=st.sets(st.integers(0, 15), max_size=2),
    trusted=st.booleans(),
)
# The process dies between post and ack; at the redelivery one receipt counts no more, or one more
# does.
@example(counting=[{0, 1, 2}, {0, 2}], kills={6}, trusted=True)
@example(counting=[{0}, {0, 1, 2}], kills={6}, trusted=True)
def test_a_final_is_called_back_whichever_receipts_count_at_a_redelivery(
    counting: Sequence[set[int]], kills: set[int], trusted: bool
) -> None:
    world = World()
    if trusted:
        world.trust()
    answers = world.send([campaign.record("9004", client_ref=str(n)) for n in range(COUNT)])
    assert answers
    world.run(60)
    mids = [each.mid for each in answers]
    code, now_s = Code.UNDELIVERED, int(world.now)
    receipts = tuple(Receipt(mid, 1, State.FAILED, now_s, code) for mid in mids)
    world.queues.add(QueueName.RECEIPT, ReceiptsTask(receipts, "sim").encode(), world.now)
    deliveries = iter(counting)

    def judged(*args: Any) -> Verdicts:
        counts = {mids[n] for n in next(deliveries, set())}
        verdicts = judge(*args)
        return verdicts._replace(counting=[r for r in verdicts.counting if r.receipt.mid in counts])

    first = len(world.faults.calls)
    world.faults.kill_after = {first + each for each in kills}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(final_states, "judge", judged)
        world.run(3600)
    finals, called_back = world.finals(), world.called_back()
    assert called_back.keys() == finals.keys()
    doubled = {mid for mid, count in called_back.items() if count > 1}
    assert doubled <= world.callbacks_in_doubt()
    by_name: dict[str, set[str]] = {}
    for task in world.platform.taken:
        members = {member.mid for member in task.members}
        assert by_name.setdefault(task.webhook_id, members) == members, "not frozen"
