"""Duplicate deliveries by SQS, even concurrent ones; redrives; budgets that run out."""

import asyncio
from dataclasses import replace

from harkara.callbacks.dead_letters import dead_letter_of
from harkara.model.messages import State
from harkara.model.tasks import QueueName, Receipt, ReceiptsTask
from tests.pipeline import campaign
from tests.pipeline.invariants import check, check_without_a_kill
from tests.support.queues import QueueMessage
from tests.support.wired import RETRY_DELAYS_S
from tests.support.world import World


def queued(world: World, queue: QueueName) -> QueueMessage:
    return next(message for message in world.queues.waiting if message.queue is queue)


def test_a_second_delivery_while_the_first_submits_waits_and_submits_nothing() -> None:
    world = World()
    answers = world.send([campaign.record("0000")])
    first = queued(world, QueueName.SUBMIT)

    async def deliver_again() -> None:
        world.meanwhile = nothing
        await world.deliver(replace(first))

    async def nothing() -> None:
        return

    world.meanwhile = deliver_again
    world.run()
    assert world.counts["LeaseHeld"] == 1
    assert not world.in_doubt()
    check_without_a_kill(world, answers)


def test_a_second_queue_message_for_a_batch_leaves_it_to_the_first_even_in_the_middle() -> None:
    world = World()
    answers = world.send([campaign.record("0000")])
    first = queued(world, QueueName.SUBMIT)

    async def deliver_another() -> None:
        world.meanwhile = nothing
        await world.deliver(replace(first, id="another"))

    async def nothing() -> None:
        return

    world.meanwhile = deliver_another
    world.run()
    assert world.counts["claimed_by_another"] == 1
    assert not world.in_doubt()
    check_without_a_kill(world, answers)


def test_a_second_delivery_while_the_first_posts_waits_and_posts_nothing() -> None:
    world = World()
    answers = world.send([campaign.record("0000")])
    world.run()
    receipts = next(
        entry for (_, kind), entry in world.store.entries.items() if kind.startswith("final#")
    )
    del world.store.entries[receipts.task_id, "ack#000"]  # posted, but not recorded
    body = receipts_body(world)
    world.now = receipts.expires_at_ms / 1000 - 1
    late = QueueMessage(receipts.task_id, QueueName.RECEIPT, body, world.now)
    asyncio.run(world.deliver(late))
    assert world.counts["LeaseHeld"] == 1
    check_without_a_kill(world, answers)


def receipts_body(world: World) -> str:
    (final,) = (
        entry for (_, kind), entry in world.store.entries.items() if kind.startswith("final#")
    )
    (task,) = world.platform.taken
    (member,) = task.members
    return ReceiptsTask((Receipt(member.mid, 1, State.DELIVERED, final.data["at"]),)).encode()


def test_a_redriven_dead_letter_keeps_its_task_id_and_posts_once() -> None:
    world = World()
    answers = world.send([campaign.record("0000")])
    world.run()
    (task,) = world.platform.taken
    task_id = task.group_task_id
    body = receipts_body(world)
    world.queues.waiting.append(
        QueueMessage(
            "new-id", QueueName.RECEIPT, body[:-1] + f',"task_id":"{task_id}"}}', world.now
        )
    )
    world.run()
    assert world.counts["acknowledged_before"] == 1
    check_without_a_kill(world, answers)


def test_a_batch_that_nears_its_deadline_hands_the_rest_on_and_doubles_nothing() -> None:
    world = World()
    answers = world.send([campaign.record("0000", client_ref=str(n)) for n in range(250)])
    # From the first block until the others are handed on.
    world.remaining_s = lambda: (
        10.0 if world.provider.taken and not world.counts["handed_on"] else 60.0
    )
    world.run()
    assert world.counts["handed_on"] == 1
    assert world.counts["LeaseHeld"] == 0
    check_without_a_kill(world, answers)


def test_a_callback_for_which_no_time_is_left_is_handed_on_and_posted_once() -> None:
    world = World()
    answers = world.send([campaign.record("0000")])
    task = next(message for message in world.queues.waiting if message.queue is QueueName.SUBMIT)
    asyncio.run(submit_only(world, task))
    spent = iter([60.0, 60.0, 1.0])  # the budget, the receipts, the post
    world.remaining_s = lambda: next(spent, 60.0)
    world.run()
    assert world.counts["callbacks_handed_on"] == 1
    check_without_a_kill(world, answers)


async def submit_only(world: World, message: QueueMessage) -> None:
    world.submit = world.submit_service()
    await world.deliver(message)


def test_a_late_failure_of_a_try_that_was_superseded_is_not_final() -> None:
    world = World()
    answers = world.send([campaign.record("9006")])
    assert answers is not None
    (result,) = answers
    world.run()
    for key in [key for key in world.store.entries if key[1].startswith("final#")]:
        del world.store.entries[key]
    reference = world.signer.sign(result.mid, 1)
    world.receipts.append((world.now, reference, "UNDELIV", "1"))
    world.run()
    assert world.counts["superseded"] == 1
    assert world.finals() == {}


def test_a_message_that_waited_beyond_its_validity_ends_expired_and_is_not_submitted() -> None:
    world = World()
    answers = world.send([campaign.record("0000")])
    world.now += 25 * 3600
    world.run()
    assert set(world.finals().values()) == {"expired"}
    assert not world.provider.taken
    check_without_a_kill(world, answers)


def test_a_callback_that_nobody_takes_is_parked_after_the_whole_schedule() -> None:
    world = World()
    answers = world.send([campaign.record("0000")])
    began = world.now
    world.trust()
    world.platform.script = [500] * 9
    world.run()
    assert answers
    assert not world.platform.taken
    assert [attempt for _, attempt, _ in world.platform.posts] == list(range(9))
    assert world.now - began > 27 * 3600
    (dead_letters,) = (
        dead_letter_of(entry)
        for (pk, _), entry in world.store.entries.items()
        if pk == "dead-letter#acme#main"
    )
    assert dead_letters.task.members[0].client_ref == "ref-0000"
    assert (dead_letters.last.status, dead_letters.last.reason) == (500, "HTTP 500")


def test_the_check_recovers_a_final_whose_task_was_lost_with_its_dead_letter() -> None:
    world = World()
    answers = world.send([campaign.record("0000")])
    lose_first_receipts_message(world)
    world.run()
    assert world.counts["recovered"] == 1
    check(world, answers)
    assert set(world.called_back().values()) == {1}


def lose_first_receipts_message(world: World) -> None:
    """Kill `dlr` after it stored the final states, and lose its queue message for good."""
    deliver = world.deliver

    async def once(message: QueueMessage) -> None:
        if message.queue is not QueueName.RECEIPT or '"receipts"' not in message.body[:20]:
            await deliver(message)
            return
        world.deliver = deliver  # type: ignore[method-assign]
        world.faults.kill_after = {len(world.faults.calls) + 1}  # get_batch, then put_if_absent
        await deliver(message)
        world.queues.waiting.remove(message)

    world.deliver = once  # type: ignore[method-assign]


def test_neither_carrier_nor_platform_may_take_longer_than_the_invocation() -> None:
    world = World()
    answers = world.send([campaign.record("0000")])
    world.remaining_s = lambda: 6.0
    world.run()
    assert world.platform.within_s == [3.0]
    assert world.provider.within_s == [1.0]  # half: the other is for the reservation
    check_without_a_kill(world, answers)


def test_an_attempt_that_was_handed_on_is_not_one_of_the_schedule() -> None:
    world = World()
    answers = world.send([campaign.record("0000")])
    task = next(message for message in world.queues.waiting if message.queue is QueueName.SUBMIT)
    asyncio.run(submit_only(world, task))
    spent = iter([60.0, 60.0, 1.0])  # the budget, the receipts, the post
    world.remaining_s = lambda: next(spent, 60.0)
    world.platform.script = [500] * len(RETRY_DELAYS_S)
    world.run()
    assert world.counts["callbacks_handed_on"] == 1
    assert [status for *_, status in world.platform.posts] == [500] * len(RETRY_DELAYS_S) + [200]
    check_without_a_kill(world, answers)
