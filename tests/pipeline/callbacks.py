"""Helpers for failing callbacks in the pipeline: sending messages and reading the results."""

from collections import Counter
from typing import Any

from pydantic import TypeAdapter

from harkara.callbacks.dead_letters import DeadLetter, dead_letter_of
from harkara.model.callbacks import PostResult
from harkara.model.events import TimelineStep
from harkara.model.messages import Endpoint
from harkara.state.endpoint_health import name_of
from tests.pipeline import campaign
from tests.support.wired import URL
from tests.support.world import World

HEALTH_NAME = name_of("acme", Endpoint(URL, "clevertap", "main"))
# Id of a message that is not stored.
MID = "101KDWCJ2M0000G40R40M30E20900"
FAILED = PostResult(500, "HTTP 500", answer="try later", duration_ms=7)
_STEP = TypeAdapter(TimelineStep)


def sent(world: World, *magic: str) -> list[str]:
    """Send a message to each magic number; return the message ids."""
    answers = world.send([campaign.record(each) for each in magic or ("0000",)])
    assert answers
    return [answer.mid for answer in answers]


def posted_at(world: World) -> list[float]:
    """Return a list that gets the time of each post while the world runs."""
    times: list[float] = []

    def note(number: int, name: str) -> None:
        if name == "post":
            times.append(world.now)

    world.faults.on_call = note
    return times


def dead_letters(world: World) -> list[DeadLetter]:
    entries = sorted(world.store.entries.items())
    return [dead_letter_of(entry) for (pk, _), entry in entries if pk.startswith("dead-letter#")]


def ask(world: World, mid: str) -> dict[str, Any]:
    """Return a message's history, with a timeline whose fields are all described."""
    visible = dict[str, Any](world.manage_services().history.message(world.account, mid))
    for step in visible["timeline"]:
        _STEP.validate_python(step, extra="forbid")
    return visible


def steps(world: World, mid: str) -> list[dict[str, Any]]:
    timeline = ask(world, mid)["timeline"]
    return [step for step in timeline if step["step"].startswith("callback")]


def logged(world: World) -> Counter[str]:
    total: Counter[str] = Counter()
    for event in world.log_events:
        total.update(event.counts)
    return total
