"""Small campaigns with the carrier's magic numbers, and the expected final states."""

from collections.abc import Sequence
from functools import partial

from harkara.accept.requests import Options, Record, RecordResult
from harkara.model.messages import Category
from harkara.ports import DueTask
from tests.support.wired import NOW
from tests.support.world import World

# Last four digits: the final state.
EXPECTED = {
    "0000": "delivered",
    "9001": "failed",
    "9002": "failed",
    "9003": "failed",
    "9004": "unknown",
    "9005": "failed",
    "9006": "delivered",
    "9007": "delivered",
    "9008": "delivered",
    "9009": "delivered",
    "9010": "failed",
}
# 10:00 in India; `NIGHT` is 23:00 the day after.
OPENING = NOW + 22_600
NIGHT = OPENING + 37 * 3600

AT_ONCE = Options()
SOON = Options(send_at_ms=int(NOW + 600) * 1000)
FAR = Options(send_at_ms=int(NOW + 29 * 86_400) * 1000)
PROMOTION = Options(category=Category.PROMOTIONAL)
NIGHTLY = Options(category=Category.PROMOTIONAL, send_at_ms=int(NIGHT) * 1000)
BRIEF = Options(category=Category.PROMOTIONAL, validity_s=3600)

# Scheduled and promotional messages: last four digits, options, time of the cancel (seconds from
# the start, 0 never), final state.
LATER = (
    ("0000", AT_ONCE, 0, "delivered"),
    ("0000", SOON, 0, "delivered"),
    ("0000", SOON, 1, "cancelled"),
    ("9006", SOON, 0, "delivered"),
    ("0000", FAR, 0, "delivered"),
    ("9001", FAR, 0, "failed"),
    ("0000", FAR, 2, "cancelled"),
    ("0000", PROMOTION, 0, "delivered"),
    ("9005", PROMOTION, 0, "failed"),
    ("0000", PROMOTION, 3600, "cancelled"),
    ("9006", PROMOTION, 22_603, "cancelled"),  # between the second attempt and the third
    ("0000", PROMOTION, 22_700, "delivered"),  # too late
    ("0000", NIGHTLY, 0, "delivered"),
    ("0000", BRIEF, 0, "expired"),
)


def record(magic: str, *, to: str = "", client_ref: str = "") -> Record:
    """Return a record to a number with these last digits."""
    return Record(
        to=to or f"91987654{magic}",
        sender_id="ACMEBK",
        text=f"Hello {magic}",
        client_ref=client_ref or f"ref-{magic}",
    )


def records() -> list[Record]:
    """Return one record a magic number, and one that is refused."""
    return [*map(record, EXPECTED), record("0001", to="12")]


def send_later(world: World) -> Sequence[RecordResult] | None:
    """Send the messages of LATER, and schedule their cancels."""
    rows = [
        record(magic, client_ref=str(number))._replace(options=options)
        for number, (magic, options, *_) in enumerate(LATER)
    ]
    answers = world.send([*rows, record("0001", to="12")])
    for result, (_, _, cancel_s, _) in zip(answers or (), LATER, strict=False):
        if cancel_s and result.mid:
            world.at(cancel_s, partial(world.cancel, result.mid))
    return answers


def hurry(world: World, times: int = 1) -> None:
    """Move all delayed tasks into their queues at once, `times` copies each."""
    tasks = world.queues.waiting_rows
    for message in list(world.queues.waiting):
        if message.visible_at > world.now:
            world.queues.waiting.remove(message)
            tasks.append(DueTask("", 0, message.queue, message.body))
    world.queues.rows.clear()
    for task in tasks:
        for _ in range(times):
            world.queues.add(task.queue, task.body, world.now)
