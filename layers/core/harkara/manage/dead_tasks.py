"""Say what a dead letter is about: its kind, account and messages, and nothing else of its body.

A body may be a dead letter just because it cannot be read. So whatever stands in it, only ids in
their own form are shown; texts, numbers, URLs and secrets never are.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from harkara.activity.exports import decode_task
from harkara.base.errors import ForeignReference
from harkara.base.ids import mid_of, split_mid
from harkara.base.json import decode
from harkara.model.accounts import may_be_username
from harkara.model.events import ClickTask, EventTask
from harkara.model.submit_tasks import decode_submit
from harkara.model.tasks import (
    CallbackTask,
    CarrierReceiptsTask,
    CheckTask,
    ReceiptsTask,
    RecoverTask,
    decode_dlr,
)

UNREADABLE = "unreadable"
"""The kind of a body that is none of ours, or lacks what its kind has."""
STREAM = "stream"
"""The kind of a report about records of the stream, by AWS Lambda or by `activity`."""


class Task(NamedTuple):
    """What a body is about: some messages, or the batches in whole where it names no message."""

    kind: str
    account_id: str = ""
    mids: Sequence[str] = ()
    batch_ids: Sequence[str] = ()


def task_of(body: str) -> Task:
    """Return what a body is about."""
    try:
        fields = decode(body)
        if "shardId" in fields or "DDBStreamBatchInfo" in fields:
            return Task(STREAM)
        kind = str(fields["kind"])
        match kind:
            case "submit":
                found = _submit(body)
            case "export":
                found = Task(kind, decode_task(body).account_id)
            case _:
                found = _dlr(kind, body)
        return found._replace(
            account_id=found.account_id if may_be_username(found.account_id) else "",
            mids=[*_ours(found.mids)],
            batch_ids=[each for each in found.batch_ids if [*_ours([mid_of(each, 0)])]],
        )
    except (ValueError, LookupError, TypeError, AttributeError):
        return Task(UNREADABLE)


def _submit(body: str) -> Task:
    task = decode_submit(body)
    mids = [mid_of(task.batch_id, index) for index in task.indexes]
    batch_ids = [task.batch_id, *(part.batch_id for part in task.others)]
    return Task("submit", task.account_id, mids, () if mids else batch_ids)


def _dlr(kind: str, body: str) -> Task:
    match decode_dlr(body):
        case ReceiptsTask(receipts=receipts):
            return Task(kind, mids=[each.mid for each in receipts])
        case CarrierReceiptsTask():
            return Task(kind)
        case CheckTask() as check:
            return Task(kind, check.singles_of, batch_ids=[check.batch_id, *check.others])
        case RecoverTask() as recover:
            return Task(kind, mids=[mid_of(recover.batch_id, each) for each in recover.indexes])
        case CallbackTask() as callback:
            return Task(kind, callback.account_id, [each.mid for each in callback.members])
        case EventTask() as event:
            return Task(kind, event.account_id, [event.event.mid])
        case ClickTask() as click:
            return Task(kind, mids=[click.mid])


def _ours(mids: Iterable[str]) -> Iterable[str]:
    for mid in mids:
        try:
            split_mid(mid)
        except ForeignReference:
            continue
        yield mid
