"""When an item's time to live is over, which DynamoDB takes some days to notice.

Amazon DynamoDB Developer Guide, "Using time to live (TTL) in DynamoDB": items are deleted
"typically within a few days of their expiration", and are read until then. Some of those that
belong together go before others.
"""

from collections.abc import Mapping
from typing import Any


def has_expired(item: Mapping[str, Any], now_s: float) -> bool:
    """Whether an item is to be taken for deleted."""
    return "ttl" in item and int(item["ttl"]["N"]) < now_s
