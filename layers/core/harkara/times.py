"""Times as JSON has them."""

from datetime import UTC, datetime


def utc_text(at_ms: int) -> str:
    """Return Unix milliseconds in ISO 8601, UTC: `2026-01-31T18:30:00.000Z`."""
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
