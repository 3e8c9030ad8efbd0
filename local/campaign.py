"""The sample campaign: 1,000 messages as CleverTap sends them, magic numbers included."""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from local.seed import PASSWORDS

ACCOUNT = "demo"
HEADER = "HARKAR"
TEXT = "Dear {name}, your order {order} is on its way and arrives on {day}. HARKARA"
NAMES = ("Asha", "Ravi", "Meera", "Imran", "Lakshmi", "Joseph", "Gurpreet")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
SIZE = 1_000
OTHERS = "other"


@dataclass(frozen=True)
class Kind:
    """The carrier's behaviour for numbers that end the same, and the expected results."""

    count: int
    behaviour: str
    state: str
    # The entry in the callback: delivered, or CleverTap's failure code.
    callback: str
    in_doubt: bool = False


# Each message to 9007 delays its block until the carrier hangs up, so there are few.
KINDS = {
    "9001": Kind(10, "absent subscriber", "failed", "905"),
    "9002": Kind(10, "DND (650)", "failed", "901"),
    "9003": Kind(10, "template mismatch (633)", "failed", "908"),
    "9004": Kind(10, "never sends a receipt", "unknown", "900"),
    "9005": Kind(10, "refuses at submit", "failed", "904"),
    "9006": Kind(10, "takes at the third try", "delivered", "delivered"),
    "9007": Kind(2, "takes, never answers", "delivered", "delivered", in_doubt=True),
    "9008": Kind(10, "sends the receipt twice", "delivered", "delivered"),
    "9009": Kind(10, "receipt before its answer", "delivered", "delivered"),
    "9010": Kind(10, "failed, later delivered", "failed", "910"),
}
NUMBER_OF_OTHERS = SIZE - sum(kind.count for kind in KINDS.values())
ALL = {**KINDS, OTHERS: Kind(NUMBER_OF_OTHERS, "delivers", "delivered", "delivered")}
# For a carrier that delivers all messages, no number is special.
ALL_DELIVERED = {
    name: Kind(kind.count, "delivers", "delivered", "delivered") for name, kind in ALL.items()
}


def kind_of(number: str) -> str:
    """Return the magic last four digits of a number, or `other`."""
    return number[-4:] if number[-4:] in KINDS else OTHERS


def campaign_id(now_s: float) -> str:
    """Return the id under which the console shows a campaign that is sent now."""
    return f"sample-{int(now_s)}"


def request(now_s: float) -> dict[str, Any]:
    """Return the campaign as one request, with smsgids of its own."""
    magic = [f"9198{copy:04d}{last}" for last, kind in KINDS.items() for copy in range(kind.count)]
    ordinary = [f"9197{index:08d}" for index in range(NUMBER_OF_OTHERS)]
    # Spread the magic numbers evenly over the campaign.
    step = SIZE // len(magic)
    numbers = list(ordinary)
    for index, number in enumerate(magic):
        numbers.insert(index * step, number)
    day = time.strftime("%Y%m%d", time.gmtime(now_s))
    return {
        "user": ACCOUNT,
        "pass": PASSWORDS[ACCOUNT],
        "smstosend": [
            {
                "to": f"+{number}",
                "from": HEADER,
                "smstext": TEXT.format(
                    name=NAMES[index % len(NAMES)], order=4000 + index, day=DAYS[index % len(DAYS)]
                ),
                "smsgid": f"{number[2:]}.1200000000.{int(now_s)}.{day}.{index}.wzrk_default.-1.",
                "campaignid": campaign_id(now_s),
            }
            for index, number in enumerate(numbers)
        ],
    }


@dataclass(frozen=True)
class Seen:
    """Observed results of a campaign, by message: our mid or the customer's smsgid."""

    numbers: dict[str, str]
    mids: dict[str, str]
    states: dict[str, str]
    in_doubt: frozenset[str]
    # Callback entries by smsgid: "delivered" or the failure code, one for each entry.
    callbacks: dict[str, list[str]]
    taken: dict[str, int]


@dataclass(frozen=True)
class Row:
    """One line of the report."""

    name: str
    kind: Kind
    messages: int
    states: Counter[str]
    callbacks: Counter[str]
    repeated_callbacks: int
    repeated_submits: int
    in_doubt: int

    @property
    def as_expected(self) -> bool:
        return (
            self.messages == self.kind.count
            and self.states == {self.kind.state: self.messages}
            and self.callbacks == {self.kind.callback: self.messages}
            and not self.repeated_callbacks
            and not self.repeated_submits
            and self.in_doubt == (self.messages if self.kind.in_doubt else 0)
        )


def report(seen: Seen, kinds: Mapping[str, Kind] = ALL) -> list[Row]:
    """Return the results for each kind of number, with the expected ones."""
    rows = []
    for name, kind in kinds.items():
        ids = [smsgid for smsgid, number in seen.numbers.items() if kind_of(number) == name]
        mids = [seen.mids[smsgid] for smsgid in ids if smsgid in seen.mids]
        posted = [seen.callbacks.get(smsgid, []) for smsgid in ids]
        rows.append(
            Row(
                name=name,
                kind=kind,
                messages=len(mids),
                states=Counter(seen.states.get(mid, "none") for mid in mids),
                callbacks=Counter(entry for entries in posted for entry in entries),
                repeated_callbacks=sum(len(entries) > 1 for entries in posted),
                repeated_submits=sum(seen.taken.get(mid, 0) > 1 for mid in mids),
                in_doubt=sum(mid in seen.in_doubt for mid in mids),
            )
        )
    return rows


def entries_by_meta(posts: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Return the entries of callbacks by their `meta`: "delivered" or the failure code."""
    found: dict[str, list[str]] = {}
    for post in posts:
        for event in post["events"]:
            for entry in event["data"]:
                found.setdefault(entry["meta"], []).append(entry.get("code", event["event"]))
    return found
