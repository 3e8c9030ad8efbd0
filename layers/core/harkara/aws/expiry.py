"""Tell expired items, which DynamoDB deletes only some days later.

Amazon DynamoDB Developer Guide, "Using time to live (TTL) in DynamoDB": items are deleted
"typically within a few days of their expiration", and can be read until then. Items that belong
together may be deleted at different times.
"""

from collections.abc import Mapping
from typing import Any


def has_expired(item: Mapping[str, Any], now_s: float) -> bool:
    """Whether an item must be treated as deleted."""
    return "ttl" in item and int(item["ttl"]["N"]) < now_s
