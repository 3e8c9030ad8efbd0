"""A block attempt and its claim, for what is derived from them."""

from dataclasses import replace
from typing import Any

from harkara.model.ledger import LedgerEntry, claim_kind
from harkara.model.messages import Category, Message, MessageBatch
from harkara.model.submit_tasks import Repeat
from harkara.submit.outcomes import carriers_of
from harkara.submit.planner import BlockPart

ACCEPTED_MS = 1_767_258_000_500
ENDED_MS = ACCEPTED_MS + 2_000
MESSAGE = Message("919876543210", "ACMEBK", "Hello", "ref", None)
BATCH = MessageBatch(
    id="1" + "0" * 26,
    account_id="acme",
    carrier="sim",
    category=Category.OTP,
    accepted_at_ms=ACCEPTED_MS,
    block_size=10,
    endpoints=(),
    messages=[MESSAGE] * 6,
    validity_s=600,
)
PART = BlockPart(BATCH, 3, 2, (0, 1, 2, 3))
CLAIM = LedgerEntry(
    BATCH.id, claim_kind(2, 3), "task", "worker_id", 0, {"carriers": {"a": [0, 1], "b": [2]}}
)
# Two messages in doubt since an earlier attempt: one at a carrier of the claim, one at another.
REPEATED = replace(PART, repeats={3: Repeat(3, "c", 1)})
AT = carriers_of(PART, CLAIM)
REPEATED_AT = carriers_of(REPEATED, CLAIM)
NOTHING: dict[str, list[Any]] = {
    end: [] for end in ("taken", "refused", "not_taken", "in_doubt", "cancelled", "ended")
}
