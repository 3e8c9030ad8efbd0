"""A small campaign with every magic number of the carrier, and what must become of each."""

from harkara.requests import Record

# Last four digits: the final state.
EXPECTED = {
    "0000": "delivered",
    "9001": "failed",
    "9002": "failed",
    "9003": "failed",
    "9004": "unknown",
    "9005": "failed",
    "9006": "delivered",
    "9007": "delivered",
    "9008": "delivered",
    "9009": "delivered",
    "9010": "failed",
}


def record(magic: str, *, to: str = "", client_ref: str = "") -> Record:
    """Return a record to a number that ends so."""
    return Record(
        to=to or f"91987654{magic}",
        sender_id="ACMEBK",
        text=f"Hello {magic}",
        client_ref=client_ref or f"ref-{magic}",
    )


def records() -> list[Record]:
    """Return one record a magic number, and one that is refused."""
    return [*map(record, EXPECTED), record("0001", to="12")]
