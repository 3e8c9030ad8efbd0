"""Accept a request: check each record, store the message batches, enqueue one reference to all.

The enqueue commits the whole request: batches that are stored and not enqueued are inert and
expire, and the client is told that nothing was accepted. One request makes a batch for each
category and time, stored in a call each; a call before them stores the URLs behind short links. The
reference is to the most urgent batch and names the others, which `submit` then enqueues. A single
batch whose time has not come waits in the Due table instead.
"""

from base64 import b64encode
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from operator import itemgetter
from typing import Protocol

from harkara.accept.batches import BatchDraft, BatchMaker, PackedBatch, cost_of
from harkara.accept.requests import BatchMessages, IdSource, RecordResult, SendRequest
from harkara.accept.validation import CheckedRecords, RecordChecker
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused, StoreUnavailable
from harkara.base.ids import BATCH_ID_LENGTH
from harkara.base.log_events import LogEvent
from harkara.links.shorten import LinkMaker
from harkara.model.accounts import Account, Caller, Limits
from harkara.model.callbacks import UrlRules
from harkara.model.messages import Message, MessageBatch
from harkara.model.submit_tasks import Part, SubmitTask, queue_of
from harkara.model.tasks import QueueName
from harkara.ports import AccountStore, BatchWriter, TaskQueues
from harkara.state.otp_guard import OtpGuard
from harkara.state.spend_caps import SpendCaps

# A batch this small goes along in the queue: ten are below the 64 KB that SQS bills as one.
IN_QUEUE_LIMIT_BYTES = 4_000

_LOST = RecordResult("", Code.TRY_AGAIN)


class RateLimits(Protocol):
    """The limits on an account's requests and segments."""

    def take(self, account: Account, segment_count: int) -> None:
        """Count a request with its segments.

        Raises RequestRefused(RATE_LIMITED or DAILY_LIMIT) with `retry_after_s`, without counting
        the request; StoreUnavailable.
        """


class NothingAccepted(RequestRefused):
    """No record of a request was accepted; `results` gives the reason for each."""

    def __init__(self, code: Code, detail: str, results: Sequence[RecordResult]) -> None:
        super().__init__(code, detail)
        self.results = results


@dataclass(frozen=True, slots=True)
class AcceptService:
    """Accepts requests for the function `send`."""

    batches: BatchWriter
    queues: TaskQueues
    names: IdSource
    links: LinkMaker
    callback_urls: UrlRules
    limits: RateLimits | None = None
    otps: OtpGuard | None = None
    spending: SpendCaps | None = None
    accounts: AccountStore | None = None
    """Reads a caller's account again before records are refused because of a cached one."""

    def accept(
        self, caller: Caller, request: SendRequest, names: IdSource | None = None
    ) -> list[RecordResult]:
        """Accept all valid records; return for each record its mid, or its refusal.

        A refused record of an accepted request is stored in the batch too: its `failed` callback
        comes from there, since a platform need not read the answer. The same `names` for the same
        request make the same batches, so to accept it again is harmless. Raises NothingAccepted,
        and RequestRefused for an error of the request as a whole.
        """
        if caller.account.draining:
            raise RequestRefused(Code.ACCOUNT_PAUSED)
        names = names or self.names
        checker, checked = self._check(caller, request, names)
        account = checker.policy.account
        self._count(account, checked.accepted)
        if self.otps and (account.otp_cooldown_s or account.otp_per_day or account.otp_limits):
            checked = checker.within_limits(self.otps, checked, request.records, names)
        if self.spending and _has_caps(account):
            self.spending.take(account, _cost(account, checked.accepted))
        accepted, refused = checked
        results = _refusals(checker, refused, request)
        if not accepted:
            raise _nothing_accepted(results)
        if links := checker.links:
            self.links.signer()  # raises, if it must, while nothing has been committed yet
        drafts = [
            BatchDraft(
                f"{account.version}.{number}",
                key,
                indexes,
                messages,
                [links.get(index) for index in indexes] if links else (),
            )
            for number, (key, indexes, messages) in enumerate(accepted)
        ]
        drafts[0] = drafts[0]._replace(refusals=[message for _, message in refused])
        policy = checker.policy
        maker = BatchMaker(
            account,
            policy.endpoints,
            policy.now_ms,
            names,
            self.links,
            self.batches,
            request.answers,
        )
        answered = [*results]
        try:
            stored = [made for draft in drafts for made in maker.store(draft)]
            for made in stored:
                _answer(answered, checker, made.draft, made.batch.messages, made.mids)
            self._commit(account, stored, policy.now_ms)
        except StoreUnavailable as error:
            raise _nothing_accepted(results) from error
        return answered

    def dry_run(self, caller: Caller, request: SendRequest) -> list[RecordResult]:
        """Return the results that `accept` would give, without mids. Nothing is stored."""
        checker, (accepted, refused) = self._check(caller, request, self.names)
        results = _refusals(checker, refused, request)
        self._count(checker.policy.account, ())
        for key, indexes, messages in accepted:
            draft = BatchDraft("", key, indexes, messages, ())
            _answer(results, checker, draft, messages, repeat(""))
        return results

    def _count(self, account: Account, accepted: Sequence[BatchMessages]) -> None:
        """Count a request against the account's limits, even if it sends nothing.

        What it costs is counted last, without the OTPs that are refused; a cap that is known to be
        reached keeps it from counting at all.
        """
        if self.spending and _has_caps(account):
            self.spending.check(account, _cost(account, accepted))
        if self.limits and account.limits != Limits():
            segments = sum(row.segment_count for rows in accepted for row in rows.messages)
            self.limits.take(account, segments)

    def _check(
        self, caller: Caller, request: SendRequest, names: IdSource
    ) -> tuple[RecordChecker, CheckedRecords]:
        """Check the records, and again if the account has changed and any is refused or warned."""
        try:
            checker, checked = self._checked(caller, request, names)
        except RequestRefused:
            if (renewed := self._renewed(caller)) is None:
                raise
        else:
            renewed = self._renewed(caller) if checked.refused or checker.warnings else None
            if renewed is None:
                return checker, checked
        return self._checked(renewed, request, names)

    def _checked(
        self, caller: Caller, request: SendRequest, names: IdSource
    ) -> tuple[RecordChecker, CheckedRecords]:
        checker = RecordChecker(caller, request.callback_url, names.now_ms(), self.callback_urls)
        return checker, checker.check(request.records)

    def _renewed(self, caller: Caller) -> Caller | None:
        """Return the caller with the present account, None if that is unchanged."""
        account = caller.account
        if self.accounts is None:
            return None
        now = self.accounts.account(account.id, lambda current: current is not account)
        return None if now is None or now is account else caller._replace(account=now)

    def _commit(self, account: Account, stored: Sequence[PackedBatch], accepted_ms: int) -> None:
        """Enqueue a reference to the most urgent batch, which names the others.

        Raises StoreUnavailable.
        """
        batches = (made.batch for made in stored)
        parts = sorted(map(_urgency_and_part, batches), key=itemgetter(0))
        first, *others = map(itemgetter(1), parts)
        task = SubmitTask(
            batch_id=first.batch_id,
            account_id=account.id,
            others=tuple(others),
            single=len(stored) == len(stored[0].batch.messages) == 1,
        )
        if first.at_ms > accepted_ms and not others:
            # A repeated request keeps its first time of acceptance: the wait is from now.
            wait_s = (first.at_ms - self.names.now_ms()) / 1000
            if wait_s > 0:
                self.queues.schedule(first.queue, task.encode(), wait_s, account.id)
                return
        if task.single and len(stored[0].packed) <= IN_QUEUE_LIMIT_BYTES:
            task = replace(task, packed=b64encode(stored[0].packed).decode())
        if not all(self.queues.send(first.queue, [task.encode()], account.id)):
            raise StoreUnavailable(f"the {first.queue} queue did not take a task")


def accepted_event(
    account: Account, request_id: str, request: SendRequest, results: Sequence[RecordResult]
) -> LogEvent:
    """Return the log event of an accepted request; `request_id` is API Gateway's."""
    warnings = Counter[str](result.warning for result in results if result.warning)
    if request.warning:
        warnings["NEAR_NAME"] = 1
    about = {
        "account_id": account.id,
        "request": request_id,
        "batches": sorted({result.mid[:BATCH_ID_LENGTH] for result in results if result.mid}),
        "codes": Counter(result.code or "accepted" for result in results),
        "warnings": warnings,
    }
    accepted = sum(not result.code for result in results)
    counts = {"accepted": accepted, "refused": len(results) - accepted}
    return LogEvent("request accepted", about, counts, carrier=account.carrier)


def _has_caps(account: Account) -> bool:
    return bool(account.limits.spend_per_day or account.limits.spend_per_month)


def _cost(account: Account, accepted: Sequence[BatchMessages]) -> int:
    """Return what messages cost at the most by the rate card, in millionths."""
    return sum(cost_of(account, rows.key.category, rows.messages) for rows in accepted)


def _urgency_and_part(batch: MessageBatch) -> tuple[tuple[bool, int], Part]:
    # `submit` reports refusals at once and defers the rest, so a batch with refusals never waits.
    at_s = 0.0 if batch.refused() else batch.ready_s(batch.accepted_at_ms / 1000)
    queue, at_ms = queue_of(batch.lane), int(at_s * 1000)
    return (queue is not QueueName.SUBMIT_PRIORITY, at_ms), Part(batch.id, queue, at_ms)


def _refusals(
    checker: RecordChecker, refused: Sequence[tuple[int, Message]], request: SendRequest
) -> list[RecordResult]:
    """Return the results of the refused records at their indexes, `_LOST` at all others."""
    results = [_LOST] * len(request.records)
    for index, message in refused:
        detail = checker.details.get(index) or request.details.get(index, "")
        results[index] = RecordResult("", Code(message.refusal), detail)
    return results


def _answer(
    results: list[RecordResult],
    checker: RecordChecker,
    draft: BatchDraft,
    messages: Sequence[Message],
    mids: Iterable[str],
) -> None:
    for index, message, mid in zip(draft.indexes, messages, mids, strict=False):
        warning = checker.warnings.get(index)
        results[index] = RecordResult(mid, None, "", warning, message, draft.key.category)


def _nothing_accepted(results: Sequence[RecordResult]) -> NothingAccepted:
    """Return the error of a request of which nothing was accepted; TRY_AGAIN goes before all.

    Of several reasons the first is given in full, with the number of records for each.
    """
    refusals = [(result.code, result.detail) for result in results if result.code]
    again = (Code.TRY_AGAIN, "")
    code, detail = again if again in refusals else refusals[0]
    counted = Counter(code for code, _ in refusals)
    if len(refusals) > 1:
        reasons = ", ".join(f"{count} {reason}" for reason, count in counted.most_common())
        detail = f"{detail} (of {len(refusals)} records: {reasons})".lstrip()
    return NothingAccepted(code, detail, results)
