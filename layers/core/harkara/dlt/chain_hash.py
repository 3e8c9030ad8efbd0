"""The PE-TM chain hash: entity, telemarketers, and last the telemarketer that submits."""

import hashlib
from collections.abc import Sequence


def chain_hash(pe_id: str, telemarketer_ids: Sequence[str]) -> str:
    """Return the chain hash: SHA-256 of the ids joined by commas, in lower-case hex."""
    return hashlib.sha256(",".join([pe_id, *telemarketer_ids]).encode()).hexdigest()
