"""The schedule of failed callbacks: times of the retries, their end, and the metrics of delay."""

from typing import Any

import pytest

from harkara.base.retries import JITTER, SCHEDULE_LIMIT_S, limit_s
from harkara.callbacks.formats import clevertap
from harkara.model.callbacks import CallbackEndpoint, CallbackSecrets, Destination, PostResult
from tests.pipeline.callbacks import FAILED, dead_letters, logged, posted_at, sent
from tests.support.wired import RETRY_DELAYS_S, URL
from tests.support.world import World


def test_attempts_come_after_the_schedules_pauses_and_up_to_a_fifth_more() -> None:
    world = World()
    world.trust()
    sent(world)
    times = posted_at(world)
    world.platform.script = [FAILED] * 9
    world.run()
    pauses = [after - before for before, after in zip(times, times[1:], strict=False)]
    for pause, planned in zip(pauses, RETRY_DELAYS_S, strict=True):
        # The sweep comes every minute, and a queue counts whole seconds.
        assert planned <= pause <= planned * (1 + JITTER) + 61
    assert logged(world)["callbacks_parked"] == 1


@pytest.mark.parametrize(
    ("result", "pause_s"),
    [
        pytest.param(PostResult(429, "HTTP 429", 300), 300, id="429"),
        pytest.param(PostResult(503, "HTTP 503", 7000), 7000, id="503"),
        pytest.param(PostResult(429, "HTTP 429"), 10, id="429 without a time"),
    ],
)
def test_no_attempt_comes_before_what_the_platform_asked_for(
    result: PostResult, pause_s: int
) -> None:
    world = World()
    world.trust()
    (mid,) = sent(world)
    times = posted_at(world)
    world.platform.script = [result]
    world.run()
    first, second = times
    assert pause_s <= second - first <= pause_s + 90
    assert world.called_back() == {mid: 1}


@pytest.mark.parametrize(
    ("status", "posts", "parks"),
    [
        pytest.param(400, 3, True, id="400"),
        pytest.param(401, 3, True, id="401"),
        pytest.param(403, 3, True, id="403"),
        pytest.param(404, 9, True, id="404"),
        pytest.param(405, 9, True, id="405"),
        pytest.param(422, 3, True, id="422"),
        pytest.param(410, 1, True, id="410"),
        pytest.param(408, 9, True, id="408"),
        pytest.param(425, 9, True, id="425"),
        pytest.param(302, 9, True, id="a redirect"),
        pytest.param(0, 9, True, id="no answer"),
    ],
)
def test_how_often_is_tried_what_a_platform_answers_so(
    status: int, posts: int, parks: bool
) -> None:
    world = World()
    world.trust()
    sent(world)
    world.platform.script = [status] * 9
    world.run()
    assert len(world.platform.posts) == posts
    (row,) = dead_letters(world)
    assert row.last.status == status
    assert world.counts["callbacks_parked"] == 1


@pytest.mark.parametrize("status", [404, 405])
def test_a_url_that_is_deployed_after_hours_gets_its_callback(status: int) -> None:
    world = World()
    world.trust()
    (mid,) = sent(world)
    times = posted_at(world)
    world.platform.script = [status] * 6
    world.run()
    assert world.called_back() == {mid: 1}
    assert times[-1] - times[0] > sum(RETRY_DELAYS_S[:6])  # seven and a half hours
    assert dead_letters(world) == []


def test_refusals_count_apart_from_other_failures() -> None:
    world = World()
    world.trust()
    sent(world)
    world.platform.script = [400, 500, 400, 500, 400]
    world.run()
    assert len(world.platform.posts) == 5
    assert dead_letters(world)[0].last.status == 400


def test_a_callback_ends_though_the_platform_asks_for_a_day_each_time() -> None:
    world = World()
    world.trust()
    began = world.now
    sent(world)
    times = posted_at(world)
    world.platform.script = [PostResult(429, "HTTP 429", 86_400)] * 9
    world.run()
    assert times[-1] - began < limit_s(RETRY_DELAYS_S)
    assert len(dead_letters(world)) == 1


def test_how_late_a_callback_is_is_told_at_50_70_and_90_percent_before_it_is_parked() -> None:
    world = World()
    world.trust()
    sent(world)
    world.platform.script = [FAILED] * 9
    began, reported = world.now, list[tuple[float, str]]()
    take = world.log_events.append

    class Told(list[Any]):
        """Records the time of each log event."""

        def append(self, event: Any) -> None:
            take(event)
            reported.extend((world.now, name) for name in event.counts if "percent" in name)

    world.log_events = Told()
    world.run()
    total_s = sum(RETRY_DELAYS_S)
    assert [name for _, name in reported] == [
        f"callbacks_at_{percent}_percent" for percent in (50, 70, 90)
    ]
    for (at, _), percent in zip(reported, (50, 70, 90), strict=True):
        late_s = at - began - total_s * percent / 100
        assert 0 <= late_s < 120, "it is told in time, although nothing is tried then"


@pytest.mark.parametrize("trusted", [True, False])
def test_a_callback_may_have_a_schedule_of_its_own(trusted: bool) -> None:
    world = World()
    own = (600, 1_200, 2_400)
    settings = CallbackEndpoint(id="main", url=URL, retry_delays_s=own)
    world.destinations.by_id["main"] = Destination(settings, CallbackSecrets())
    if trusted:
        world.trust()
    sent(world)
    times = posted_at(world)
    world.platform.script = [FAILED] * 9
    world.run()
    pauses = [after - before for before, after in zip(times, times[1:], strict=False)]
    for pause, planned in zip(pauses, own, strict=True):
        assert planned <= pause <= planned * (1 + JITTER) + 61
    assert logged(world)["callbacks_parked"] == 1


def test_no_schedule_is_longer_than_the_check_waits() -> None:
    assert sum(clevertap.RETRY_DELAYS_S) <= SCHEDULE_LIMIT_S <= sum(RETRY_DELAYS_S)
