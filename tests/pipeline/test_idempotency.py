"""A request under an Idempotency-Key goes out once, wherever its first process died."""

import random
from collections.abc import Sequence

import pytest

from harkara.accept.idempotency import Answer, Idempotency
from harkara.accept.requests import NO_OPTIONS, IdSource, Options, Record, RecordResult, SendRequest
from harkara.base.ids import set_id_of, split_mid
from harkara.base.json import decode, encode
from harkara.model.accounts import Account
from harkara.model.ledger import LedgerEntry, links_key
from harkara.model.messages import Category
from tests.pipeline import campaign
from tests.pipeline.invariants import check
from tests.support.fakes import Faults, ProcessKilled, caller_of
from tests.support.wired import ACCOUNT
from tests.support.world import World

TIMEOUT_S = 15
HOUR_S = 3600
RECORDS = campaign.records()


class Platform:
    """A platform that sends a request under a key repeatedly."""

    def __init__(self, world: World, records: list[Record], existing: Account = ACCOUNT) -> None:
        self.world = world
        # The account as cached by the process that gets the request.
        self.existing = existing
        self.request = SendRequest(records, "")
        self.idempotency = Idempotency(world.store, world.clock, random.Random(1).randbytes)  # noqa: S311

    def send(self) -> list[RecordResult] | None:
        """Send; return None if the process died."""
        expires_at_ms = int((self.world.now + TIMEOUT_S) * 1000)
        try:
            answer = self.idempotency.once(
                caller_of(self.existing), "campaign", b"request", expires_at_ms, self._produce
            )
        except ProcessKilled:
            self.world.killed += 1
            return None
        return [RecordResult(*row) for row in decode(answer.body)]

    def _produce(self, names: IdSource | None) -> Answer:
        results = self.world.accept_service().accept(caller_of(self.existing), self.request, names)
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


ABROAD = [campaign.record("0000"), campaign.record("0000", to="14155552671")]
AT_HOME = ACCOUNT.model_copy(update={"countries": ("IN",), "version": 2})
OPENED = ACCOUNT.model_copy(update={"version": 3})


def check_numbers(world: World, records: Sequence[Record], results: Sequence[RecordResult]) -> None:
    """Fail unless each answered message id belongs to the message of its record."""
    for record, result in zip(records, results, strict=True):
        if result.mid:
            batch_id, index = split_mid(result.mid)
            assert world.batches()[batch_id].messages[index].to == record.to


def repeated(first: Account, then: Account, existing: Account) -> World:
    """Send under a key twice: the first process dies after the enqueue; the account changes.

    The first process has an account cached that is older than the stored one, the second has
    `existing`.
    """
    world = World()
    world.accounts.accounts["acme"] = first
    platform = Platform(world, ABROAD, AT_HOME.model_copy(update={"version": 1}))
    world.faults.on_call = lambda number, name: (
        world.faults.kill_after.add(number) if name == "send submit" else None
    )
    assert platform.send() is None
    world.faults.on_call = lambda number, name: None
    world.now += TIMEOUT_S + 1
    world.accounts.accounts["acme"] = then
    platform.existing = existing
    results = platform.send()
    assert results
    check_numbers(world, ABROAD, results)
    world.run()
    check(world, results)
    return world


def test_a_repeat_that_the_account_of_now_judges_differently_loses_nothing() -> None:
    world = repeated(AT_HOME, OPENED, AT_HOME.model_copy(update={"version": 1}))
    taken = {world.batches()[c].messages[i].to for c, i in map(split_mid, world.providers.taken())}
    assert taken == {record.to for record in ABROAD}


def test_a_repeat_by_who_knows_the_same_account_from_the_first_sends_nothing_twice() -> None:
    world = repeated(AT_HOME, AT_HOME, AT_HOME)
    assert list(world.providers.taken().values()) == [1]
    assert len(world.finals()) == 2


LINKING = ACCOUNT.model_copy(update={"short_domain": "hk.example/ACMEBK"})
LINKED = [
    campaign.record("0000")._replace(
        text="See https://acme.in/a", options=Options(shorten_urls=True, category=category)
    )
    for category in (Category.OTP, Category.SERVICE_IMPLICIT, Category.TRANSACTIONAL)
]


def linking(taken: str = "") -> tuple[World, Platform]:
    """Return a world in which the link set id of this message batch id is already taken."""
    world = World(account=LINKING)
    if taken:
        world.store.put_if_absent([LedgerEntry(*links_key(set_id_of(taken)), "another", "", 0, {})])
    return world, Platform(world, LINKED, LINKING)


def names() -> list[str]:
    """Return the ids of the message batches in order, in a world without taken links."""
    _, platform = linking()
    results = platform.send()
    assert results
    return [split_mid(result.mid)[0] for result in results]


@pytest.mark.parametrize("index", range(len(LINKED)))
def test_where_one_batch_needs_another_name_the_others_keep_theirs(index: int) -> None:
    expected = names()
    world, platform = linking(expected[index])
    results = platform.send()
    assert results
    batch_ids = [split_mid(result.mid)[0] for result in results]
    assert [a == b for a, b in zip(batch_ids, expected, strict=True)] == [
        each != index for each in range(len(LINKED))
    ]
    assert len(set(batch_ids)) == len(LINKED)


@pytest.mark.parametrize("moment", ["kill_before", "kill_after"])
@pytest.mark.parametrize("number", range(1, 12))
def test_a_request_with_a_renamed_batch_goes_out_once_wherever_it_died(
    number: int, moment: str
) -> None:
    world, platform = linking(names()[0])
    getattr(world.faults, moment).add(number)
    results = platform.send()
    world.now += TIMEOUT_S + 1
    results = platform.send()
    world.run()
    assert world.killed <= 1
    check(world, results)
    assert len(world.finals()) == len(LINKED)
