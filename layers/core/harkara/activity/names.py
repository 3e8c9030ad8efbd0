"""Names of counters in `names#` items, `<dimension>:<name>:<measure>`, which are bounded.

A new name beyond NAMES_LIMIT counts under OTHER, and so does what is new in an item of
ITEM_LIMIT_BYTES, so that no item grows without bound. The names of the dimension CROSSED are
`<category>|<country>|<sender>`; surplus ones keep their category.
"""

from collections import Counter

CROSSED = "crossed"
OTHER = "other"
NAMES_LIMIT = 100
# An item has at most 400 KB; what is counted under OTHER beyond this takes a few more.
ITEM_LIMIT_BYTES = 350_000
_COUNT_BYTES = 12


def split_name(attribute: str) -> tuple[str, str, str]:
    """Return dimension, name and measure of an attribute; a name may hold colons."""
    dimension, _, rest = attribute.partition(":")
    name, _, measure = rest.rpartition(":")
    return dimension, name, measure


def crossed_name(category: str, country: str = OTHER, sender_id: str = OTHER) -> str:
    """Return a name of CROSSED; the last part may be any text."""
    return f"{category}|{country}|{sender_id}"


def within_limits(counter: Counter[str], stored: frozenset[str]) -> Counter[str]:
    """Return the increments of an item with surplus new names replaced by OTHER."""
    size = sum(map(_bytes, stored))
    known: dict[str, set[str]] = {}
    for dimension, name, _ in map(split_name, stored):
        known.setdefault(dimension, set()).add(name)
    found = Counter[str]()
    for attribute, count in counter.items():
        dimension, name, measure = split_name(attribute)
        names = known.setdefault(dimension, set())
        is_new = attribute not in stored
        size += _bytes(attribute) if is_new else 0
        is_surplus = name not in names and len(names) >= NAMES_LIMIT
        if is_surplus or (is_new and size > ITEM_LIMIT_BYTES):
            name = crossed_name(name.partition("|")[0]) if dimension == CROSSED else OTHER
        names.add(name)
        found[f"{dimension}:{name}:{measure}"] += count
    return found


def _bytes(attribute: str) -> int:
    return len(attribute.encode()) + _COUNT_BYTES
