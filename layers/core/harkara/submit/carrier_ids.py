"""Build the index of carriers' own message ids, which leads a receipt to its message."""

from collections.abc import Mapping

from harkara.model.ledger import POINTER_KIND, LedgerEntry, carrier_partition


def pointers(
    carrier: str, messages: Mapping[str, tuple[str, int]], now_ms: int
) -> list[LedgerEntry]:
    """Return the index entries of messages, as (mid, attempt) by the carrier's normalised id."""
    return [
        LedgerEntry(
            partition_of(carrier, carrier_id),
            POINTER_KIND,
            mid,
            "",
            0,
            {"try": attempt, "at": now_ms},
        )
        for carrier_id, (mid, attempt) in messages.items()
    ]


def partition_of(carrier: str, carrier_id: str) -> str:
    return carrier_partition(POINTER_KIND, carrier, carrier_id)
