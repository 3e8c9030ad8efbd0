"""Keep the OTPs of a request within the account's limits by number and by prefix."""

from collections.abc import Container

from harkara.accept.requests import BatchMessages, IdSource, SendRequest
from harkara.accept.validation import CheckedRecords, RecordChecker
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.model.messages import Category
from harkara.state.otp_guard import OtpGuard


def within_limits(
    guard: OtpGuard,
    checker: RecordChecker,
    checked: CheckedRecords,
    request: SendRequest,
    names: IdSource,
) -> CheckedRecords:
    """Count the OTPs, and move those beyond the limits to the refused records.

    A repeated request has the first one's outcome, and counts nothing. Raises StoreUnavailable.
    """
    account = checker.policy.account
    numbers = {
        index: message.to
        for key, indexes, messages in checked.accepted
        if key.category is Category.OTP
        for index, message in zip(indexes, messages, strict=True)
    }
    if not numbers:
        return checked

    def take() -> dict[str, int]:
        refusals = guard.take(account, numbers)
        return {f"{index} {code}": wait_s for index, (code, wait_s) in refusals.items()}

    # The version of the account is part of its batches' names too.
    outcome = names.first_outcome(f"otp#{account.version}", take)
    indexes = set[int]()
    refused = list(checked.refused)
    for name, wait_s in outcome.items():
        number, _, code = name.partition(" ")
        index, error = int(number), RequestRefused(Code(code), f"(again after {wait_s:,} s)")
        indexes.add(index)
        refused.append((index, checker.refusal(index, request.records[index], error)))
    accepted = [_without(batch, indexes) for batch in checked.accepted]
    refused.sort(key=lambda each: each[0])
    return CheckedRecords([batch for batch in accepted if batch.indexes], refused)


def _without(batch: BatchMessages, refused: Container[int]) -> BatchMessages:
    kept = [
        (index, message)
        for index, message in zip(batch.indexes, batch.messages, strict=True)
        if index not in refused
    ]
    return BatchMessages(batch.key, [index for index, _ in kept], [message for _, message in kept])
