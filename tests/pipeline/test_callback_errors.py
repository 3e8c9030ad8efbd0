"""An unforeseen error in the post of one callback is a failed attempt of that callback only."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.base.errors import OutOfTime, StoreUnavailable
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.messages import Endpoint
from harkara.model.tasks import Attempt, Receipt, ReceiptsTask
from tests.pipeline import campaign
from tests.pipeline.callbacks import dead_letters, logged, sent
from tests.support.fakes import ProcessKilled, calling_back, trust
from tests.support.wired import ACCOUNT, URL
from tests.support.world import World

BAD_URL = "https://bad.clevertap.com/sms/account"
SECRET = "919876543210"
BAD = Endpoint(BAD_URL, "clevertap", "bad")
BOTH = ACCOUNT.model_copy(
    update={
        "callbacks": {
            **calling_back(URL)["callbacks"],
            "bad": CallbackEndpoint(id="bad", url=BAD_URL),
        }
    }
)


def raising(world: World, error: BaseException, times: int = 1) -> None:
    """Raise this error in the next `times` posts to the bad endpoint."""
    left = iter(range(times))
    post = world.platform.post

    async def raise_or_post(callback: Any, destination: Any, *rest: Any) -> Any:
        if destination.settings.url == BAD_URL and next(left, None) is not None:
            raise error
        return await post(callback, destination, *rest)

    world.platform.post = raise_or_post  # type: ignore[method-assign, assignment]


def world_of_both() -> tuple[World, list[str]]:
    """Return a world, and the ids of messages to two endpoints; their receipts come in one body."""
    world = World(account=BOTH)
    world.trust()
    trust(world.counted, "acme", BAD, world.now)
    good = world.send([campaign.record("0000", client_ref="good")])
    bad = world.send([campaign.record("0000", client_ref="bad")], callback_url=BAD_URL)
    assert good
    assert bad
    return world, [good[0].mid, bad[0].mid]


@given(
    st.sampled_from([OverflowError, IndexError, RecursionError, UnicodeError, MemoryError]),
    st.integers(1, 9),
)
def test_it_is_tried_again_on_schedule_and_the_others_are_posted_once(
    kind: type[Exception], times: int
) -> None:
    world, mids = world_of_both()
    raising(world, kind(SECRET), times)
    world.run()
    assert logged(world)["callbacks_broken"] == times
    assert not world.counts[kind.__name__]
    assert world.called_back()[mids[0]] == 1
    assert world.called_back()[mids[1]] == (times < 9)
    assert len(dead_letters(world)) == (times == 9)
    assert SECRET not in repr([(each.what, each.about) for each in world.log_events])
    reasons = [
        Attempt(*entry.data["last"]).reason
        for (_, key), entry in world.store.entries.items()
        if key.startswith("post#") and "last" in entry.data
    ]
    assert f"an error of ours: {kind.__name__}" in reasons


def break_destinations(world: World, error: Exception) -> None:
    find = world.destinations.find
    left = iter([0])

    def broken(account_id: str, endpoint: Endpoint, *, anew: bool = False) -> Any:
        if endpoint.url == BAD_URL and next(left, None) is not None:
            raise error
        return find(account_id, endpoint, anew=anew)

    world.destinations.find = broken  # type: ignore[method-assign]


@pytest.mark.parametrize("breaks", [raising, break_destinations])
@pytest.mark.parametrize(
    ("error", "comes_back"),
    [
        pytest.param(KeyError(), False, id="an error of ours"),
        pytest.param(StoreUnavailable("busy"), True, id="a store that is busy"),
        pytest.param(OutOfTime("late"), True, id="no time"),
    ],
)
def test_groups_of_one_queue_message_end_each_by_itself(
    breaks: Callable[[World, Exception], None], error: Exception, comes_back: bool
) -> None:
    world, mids = world_of_both()
    world.provider.receipt_s = 10_000
    world.run(60)
    breaks(world, error)
    now_s = int(world.now)
    receipts = tuple(
        Receipt(mid, 1, "delivered", now_s)  # type: ignore[arg-type]
        for mid in reversed(mids)
    )
    (bodies,) = [ReceiptsTask(receipts, "sim").encode()]
    world.queues.add("receipt", bodies, world.now)  # type: ignore[arg-type]
    if isinstance(error, StoreUnavailable | OutOfTime) and breaks is raising:
        comes_back = False  # the real poster does not raise our own errors either
    world.run(30)
    assert world.called_back()[mids[0]] == 1
    assert world.counts[type(error).__name__] == comes_back
    world.run()
    assert world.called_back() == dict.fromkeys(mids, 1)
    assert logged(world)["callbacks_broken"] == (not comes_back)


def test_death_is_of_all_groups_and_comes_back_as_one() -> None:
    world = World()
    world.trust()
    (mid,) = sent(world)
    world.faults.on_call = lambda number, name: (
        world.faults.kill_before.add(number) if name == "post" and not world.killed else None
    )
    world.run()
    assert world.killed == 1
    assert world.called_back() == {mid: 1}
    assert not logged(world)["callbacks_broken"]
    assert not world.counts[ProcessKilled.__name__]


def test_what_was_parked_before_a_death_is_not_posted_by_the_redelivery() -> None:
    world = World()
    world.trust()
    sent(world)
    world.platform.script = [410]
    world.faults.on_call = lambda number, name: (
        world.faults.kill_after.add(number) if name == "put_if_absent ack" else None
    )
    world.run()
    assert world.killed == 1
    assert len(world.platform.posts) == 1
    assert len(dead_letters(world)) == 1
    assert world.counts["acknowledged_before"] == 1
