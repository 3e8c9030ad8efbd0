"""The hash of the chain that a message takes: entity, telemarketers, the one that submits it."""

import hashlib
from collections.abc import Sequence


def chain_hash(pe_id: str, telemarketer_ids: Sequence[str]) -> str:
    """Return the PE-TM chain hash as lower-case hex: SHA-256 over the ids, with commas alone."""
    return hashlib.sha256(",".join([pe_id, *telemarketer_ids]).encode()).hexdigest()
