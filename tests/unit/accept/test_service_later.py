"""Accepting scheduled messages, dry runs, and messages under an account's limits."""

from dataclasses import replace

import pytest

from harkara.accept.requests import Options, Record, SendRequest
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused, StoreUnavailable
from harkara.model.accounts import Account, Limits
from harkara.model.messages import Category
from harkara.model.tasks import QueueName
from tests.support.fakes import caller_of
from tests.unit.accepting import ACCOUNT, BULK, NOW, OTP, WRONG, Accept

# Scheduled messages

PROMOTIONAL = BULK._replace(options=Options(category=Category.PROMOTIONAL))
HOUR_MS = 3600 * 1000
LIMITS = Limits(requests_per_s=1)


def scheduled(record: Record, wait_ms: int) -> Record:
    send_at_ms = int(NOW * 1000) + wait_ms
    return record._replace(options=record.options._replace(send_at_ms=send_at_ms))


@pytest.mark.parametrize(
    ("record", "delay_s"),
    [
        pytest.param(scheduled(BULK, 60_000), 60, id="in a minute"),
        pytest.param(scheduled(BULK, 20 * 24 * HOUR_MS), 20 * 24 * 3600, id="in twenty days"),
        # NOW is 14:30 IST; the window opens at 10:00.
        pytest.param(scheduled(PROMOTIONAL, 8 * HOUR_MS), 19.5 * 3600, id="promotion at night"),
    ],
)
def test_what_is_to_go_out_later_is_scheduled(record: Record, delay_s: float) -> None:
    accept = Accept()
    (result,) = accept.accept(record)
    (batch,) = accept.batches.all()
    assert result.mid == batch.mid(0)
    ((queue, delay),) = accept.queues.scheduled
    assert queue is QueueName.SUBMIT
    assert delay == pytest.approx(delay_s, abs=1)
    assert accept.batches.due_at_ms == batch.due_at_ms == record.options.send_at_ms


def test_a_refusal_beside_what_waits_is_told_at_once() -> None:
    accept = Accept()
    accept.accept(scheduled(BULK, 60_000), WRONG)
    assert accept.queues.scheduled == []
    assert len(accept.queues.sent) == 1


def test_by_day_promotion_goes_out_at_once() -> None:
    accept = Accept()
    accept.accept(PROMOTIONAL)
    (batch,) = accept.batches.all()
    assert batch.daytime_only
    assert accept.queues.scheduled == []


def test_what_cannot_be_scheduled_is_not_accepted() -> None:
    accept = Accept(queues=[StoreUnavailable("ThrottlingException")])
    assert accept.refusal(scheduled(BULK, 60_000)) is Code.TRY_AGAIN


def test_messages_of_different_times_are_different_batches() -> None:
    accept = Accept()
    results = accept.accept(BULK, scheduled(BULK, 60_000), PROMOTIONAL, BULK)
    assert [len(batch.messages) for batch in accept.batches.all()] == [2, 1, 1]
    assert len({result.mid[:-2] for result in results}) == 3


# Dry runs and their results


def test_a_dry_run_stores_nothing_and_says_what_would_become_of_each_record() -> None:
    accept = Accept()
    request = SendRequest([BULK, WRONG, OTP])
    results = accept.service.dry_run(caller_of(ACCOUNT), request)
    assert [result.mid for result in results] == ["", "", ""]
    assert [result.code for result in results] == [None, Code.EMPTY_TEXT, None]
    assert [result.category for result in results] == [
        Category.SERVICE_IMPLICIT,
        None,
        Category.OTP,
    ]
    assert [result.message.to for result in results if result.message] == ["919876543210"] * 2
    assert (accept.batches.calls, accept.queues.sent) == (0, [])


# Limits


class Counting:
    """Counts segments, or refuses."""

    def __init__(self, refusal: RequestRefused | None = None) -> None:
        self.refusal = refusal
        self.taken: list[tuple[str, int]] = []

    def take(self, account: Account, segment_count: int) -> None:
        if self.refusal:
            raise self.refusal
        self.taken.append((account.id, segment_count))


def test_the_segments_of_what_can_be_accepted_are_counted_once() -> None:
    accept, limits = Accept(limits=LIMITS), Counting()
    service = replace(accept.service, limits=limits)
    service.accept(
        caller_of(accept.account), SendRequest([BULK, WRONG, OTP._replace(text="a" * 161)])
    )
    assert limits.taken == [("acme", 3)]


@pytest.mark.parametrize("limits", [Limits(), Limits(requests_per_s=1)], ids=["none", "one"])
def test_an_account_without_limits_is_counted_nowhere(limits: Limits) -> None:
    accept, counting = Accept(limits=limits), Counting()
    accept.service = replace(accept.service, limits=counting)
    accept.accept(BULK)
    assert counting.taken == ([] if limits == Limits() else [("acme", 1)])


def test_what_is_beyond_the_limit_is_not_stored() -> None:
    accept = Accept(limits=LIMITS)
    refusal = RequestRefused(Code.RATE_LIMITED, retry_after_s=7)
    service = replace(accept.service, limits=Counting(refusal))
    with pytest.raises(RequestRefused) as refused:
        service.accept(caller_of(accept.account), SendRequest([BULK]))
    assert refused.value is refusal
    assert accept.batches.calls == 0
