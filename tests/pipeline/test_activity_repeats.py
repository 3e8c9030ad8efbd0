"""What happens to a message again is counted once, in its hour and its campaign."""

from collections import Counter
from collections.abc import Callable
from functools import partial

import pytest

from harkara.model.messages import Category
from tests.pipeline import campaign
from tests.pipeline.callbacks import FAILED
from tests.pipeline.counting import Counted
from tests.pipeline.test_activity import (
    EVENTS,
    PHONE,
    follow,
    linked,
    named,
    say,
    say_whether_verified,
    world_of,
)
from tests.support.streams import Stream
from tests.support.world import World


def visited(*visits: bool) -> World:
    """Follow the only link of a campaign's message, as a person or as a machine."""
    world = world_of()
    world.send([linked()])
    for number, is_person in enumerate(visits):
        world.at(600 + 100 * number, partial(follow, world, is_person=is_person))
    return world


def answered() -> World:
    """Answer a message, whose carrier repeats the reply once the phone has got another message."""
    world = world_of()
    at_s = world.now + 600
    world.send([linked()])
    world.at(600, partial(say, world, PHONE, at_s))
    world.at(700, lambda: world.send([campaign.record("0000", to=PHONE)]))
    world.at(900, partial(say, world, PHONE, at_s))
    return world


def corrected() -> World:
    world = world_of()
    world.send([named("9010", "diwali")])
    return world


def otp(*answers: bool) -> World:
    """Give feedback about an OTP, once for each answer."""
    world = world_of()
    world.send([named("0000", "diwali", Category.OTP)])
    world.at(300, partial(say_whether_verified, world, *answers))
    return world


def parked() -> World:
    """Refuse the only callback of a campaign's message at all of its attempts."""
    world = World()
    world.trust()
    world.platform.script = [FAILED] * 9
    world.send([named("0000", "diwali")])
    return world


@pytest.mark.parametrize(
    ("happen", "measures"),
    [
        pytest.param(partial(visited, True, True), {"clicks"}, id="clicks"),
        pytest.param(partial(visited, False, False), {"bots"}, id="bots"),
        pytest.param(partial(visited, False, True, False), {"bots", "clicks"}, id="both"),
        pytest.param(answered, {"replies"}, id="replies"),
        pytest.param(corrected, {"corrected"}, id="corrected"),
        pytest.param(parked, {"parked"}, id="parked"),
        pytest.param(partial(otp, True, False, True), {"verified"}, id="verified"),
        pytest.param(partial(otp, False, False, True), {"unverified"}, id="unverified"),
    ],
)
def test_what_happens_again_counts_once_in_its_hour_and_campaign(
    happen: Callable[[], World], measures: set[str]
) -> None:
    world = happen()
    world.run()
    records, counted = Stream(world.store.table, world.clock).poll(), Counted(world.clock)
    for _ in range(2):
        assert counted.count(records)
    found = {kind: Counter[str]() for kind in ("hour", "diwali", "names", "carrier")}
    for (partition, sort_key), counts in counted.totals().items():
        kind = partition if partition.startswith("carrier#") else sort_key
        found[kind.partition("#")[0]].update(counts)
    for prefix, kind in (("", "hour"), ("", "diwali"), ("campaign:diwali:", "names")):
        events = {name: found[kind][prefix + name] for name in EVENTS}
        assert +Counter(events) == Counter(measures)
    assert found["hour"]["corrected:failed"] == found["hour"]["corrected"]
    assert found["carrier"]["corrected"] == found["hour"]["corrected"]
