"""Look up suppressions before a message is submitted."""

from collections.abc import Sequence

from harkara.base.codes import Code
from harkara.model.messages import MessageBatch
from harkara.model.routing import Rules
from harkara.ports import SuppressionList


def find_suppressed(
    lists: SuppressionList, rules: Rules, batch: MessageBatch, indexes: Sequence[int]
) -> dict[int, Code]:
    """Return the messages of a batch whose number is on the account's lists, with the code.

    Nothing is read if the account's lists do not apply. Raises StoreUnavailable.
    """
    if not rules.suppresses or not indexes:
        return {}
    numbers = [batch.messages[index].to for index in indexes]
    blocked = {
        entry.number: entry.source.code
        for entry in lists.entries(batch.account_id, numbers)
        if entry.blocks(batch.category, rules.promotion)
    }
    return {
        index: blocked[number]
        for index, number in zip(indexes, numbers, strict=True)
        if number in blocked
    }
