"""A request under an Idempotency-Key goes out once, wherever its first process died."""

import random

import pytest

from harkara.jsons import decode, encode
from harkara.ports import ChunkNames
from harkara.requests import NO_OPTIONS, Record, RecordResult, SendRequest
from harkara.services.idempotency import Answer, Idempotency
from tests.fakes import Faults, ProcessKilled, caller_of
from tests.pipeline import campaign
from tests.pipeline.invariants import check
from tests.wired import ACCOUNT
from tests.world import World

TIMEOUT_S = 15
HOUR_S = 3600
RECORDS = campaign.records()


class Platform:
    """Sends a request under a key, again and again."""

    def __init__(self, world: World, records: list[Record]) -> None:
        self.world = world
        self.request = SendRequest(records, "")
        self.idempotency = Idempotency(world.store, world.clock, random.Random(1).randbytes)  # noqa: S311

    def send(self) -> list[RecordResult] | None:
        """Send; None where the process died."""
        until_ms = int((self.world.now + TIMEOUT_S) * 1000)
        try:
            answer = self.idempotency.once(
                caller_of(ACCOUNT), "campaign", b"request", until_ms, self._produce
            )
        except ProcessKilled:
            self.world.killed += 1
            return None
        return [RecordResult(*row) for row in decode(answer.body)]

    def _produce(self, names: ChunkNames | None) -> Answer:
        results = self.world.accept_service().accept(caller_of(ACCOUNT), self.request, names)
        return Answer(200, encode([(result.mid, result.code) for result in results]))


def calls() -> list[str]:
    world = World()
    Platform(world, RECORDS).send()
    return world.faults.calls


CALLS = list(enumerate(calls()))


@pytest.mark.parametrize("pause", ["at once", "when all of it went out"])
@pytest.mark.parametrize("moment", ["kill_before", "kill_after"])
@pytest.mark.parametrize(("number", "name"), CALLS, ids=str)
def test_a_campaign_repeated_after_a_death_goes_out_once(
    number: int, name: str, moment: str, pause: str
) -> None:
    world = World()
    getattr(world.faults, moment).add(number)
    platform = Platform(world, RECORDS)
    assert platform.send() is None
    assert world.faults.calls[number] == name
    if pause == "when all of it went out":
        world.run(HOUR_S)
    world.now += TIMEOUT_S + 1
    results = platform.send()
    assert platform.send() == results
    world.run()
    check(world, results)
    assert len(world.finals()) == len(RECORDS)


def test_what_is_scheduled_goes_out_on_time_although_it_was_repeated() -> None:
    world = World(Faults(kill_after={1}))
    send_at_s = world.now + HOUR_S
    options = NO_OPTIONS._replace(send_at_ms=int(send_at_s * 1000))
    platform = Platform(world, [campaign.record("0000")._replace(options=options)])
    assert platform.send() is None
    world.now += HOUR_S / 2
    assert platform.send() is not None
    (row,) = world.queues.waiting_rows
    assert row.due_ms == send_at_s * 1000
    world.run()
    assert list(world.finals().values()) == ["delivered"]
