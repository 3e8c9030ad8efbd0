"""Keep the opt-outs of which a carrier tells when it refuses a message."""

from collections.abc import Mapping, Sequence

from harkara.base.codes import Code
from harkara.model.ledger import LedgerEntry, index_of
from harkara.model.messages import MessageBatch
from harkara.model.suppressions import Source, opt_out
from harkara.ports import SuppressionList


def keep_opt_outs(
    lists: SuppressionList, batches: Mapping[str, MessageBatch], finals: Sequence[LedgerEntry]
) -> None:
    """Put the numbers of messages that ended so onto their accounts' lists.

    An end without a carrier's code is ours: the number is on the list already. The time is that of
    the end, so that a repeat undoes no later START. Raises StoreUnavailable.
    """
    for final in finals:
        if final.data["code"] == Code.OPTED_OUT and final.data["carrier_code"]:
            batch = batches[final.partition]
            number = batch.messages[index_of(final.kind)].to
            lists.put(batch.account_id, opt_out(number, final.data["at"], Source.CARRIER))
