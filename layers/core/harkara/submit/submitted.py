"""Tell callbacks that ask for it that a carrier has taken a message."""

from harkara.model.events import EventTask, Submitted
from harkara.model.ledger import LedgerEntry
from harkara.model.messages import Endpoint, MessageBatch
from harkara.submit.planner import BlockPart


def submitted_task_id(batch: MessageBatch, index: int) -> str:
    """Return the id of the task that tells of a message, "" if its callback asks for none.

    The id is made of the mid, so that the message is told of once.
    """
    if not any(each.submitted for each in batch.endpoints):
        return ""
    endpoint = _endpoint(batch, index)
    return f"submitted-{batch.mid(index)}" if endpoint and endpoint.submitted else ""


def submitted_tasks(part: BlockPart, outcome: LedgerEntry) -> list[str]:
    """Return the queue messages for the messages that an outcome says were taken."""
    batch, bodies = part.batch, []
    for index, _ in outcome.data["taken"]:
        task_id, endpoint = submitted_task_id(batch, index), _endpoint(batch, index)
        if not task_id or endpoint is None:
            continue
        message, at_s = batch.messages[index], outcome.data["at"] // 1000
        facts = (message.client_ref, at_s, message.to, message.segment_count)
        event = Submitted(batch.mid(index), *facts)
        task = EventTask(batch.account_id, endpoint, event, batch.due_at_ms)
        bodies.append(task.encode(task_id))
    return bodies


def _endpoint(batch: MessageBatch, index: int) -> Endpoint | None:
    number = batch.messages[index].endpoint
    return None if number is None else batch.endpoints[number]
