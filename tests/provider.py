"""The carrier at the other end of the wire, in the world of the pipeline tests."""

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic_core import to_json

from harkara.errors import ExchangeOutcomeUnknown
from harkara.ports import HttpAnswer

if TYPE_CHECKING:
    from tests.world import World


@dataclass
class FakeDatasendProvider:
    """Decides by the recipient's last four digits; `taken_at` has the times of what it took."""

    world: "World"
    taken: Counter[str] = field(default_factory=Counter)
    taken_at: dict[str, float] = field(default_factory=dict)
    throttled: Counter[str] = field(default_factory=Counter)
    chain_hashes: dict[str, str | None] = field(default_factory=dict)
    within_s: list[float] = field(default_factory=list)

    async def exchange(self, record: dict[str, str]) -> HttpAnswer:
        reference, to = record["smsgid"], record["to"]
        mid, magic = reference.partition(".")[0], to[-4:]
        if magic == "9006" and self.throttled[mid] < 2:
            self.throttled[mid] += 1
            return HttpAnswer(429, {"retry-after": "1"}, b"")
        if magic == "9005":
            return _answer({"to": to, "Error": "SENDER_BLOCKED"})
        self.taken[mid] += 1
        self.taken_at[mid] = self.world.now
        self.chain_hashes[mid] = record.get("chainhash")
        await self.world.meanwhile()
        receipts = {
            "9001": [("UNDELIV", "27")],
            "9002": [("UNDELIV", "650")],
            "9003": [("REJECTD", "633")],
            "9004": [],
            "9008": [("DELIVRD", "000"), ("DELIVRD", "000")],
            "9010": [("UNDELIV", "1"), ("DELIVRD", "000")],
        }.get(magic, [("DELIVRD", "000")])
        for delay, (status, code) in enumerate(receipts):
            at = self.world.now if magic == "9009" else self.world.now + 0.5 + delay
            self.world.receipts.append((at, reference, status, code))
        if magic == "9009":
            await self.world.take_receipts()
        if magic == "9007":
            raise ExchangeOutcomeUnknown("no answer")
        return _answer({"to": to, "mid": f"carrier-{mid}", "smsgid": reference})


def _answer(entry: dict[str, str]) -> HttpAnswer:
    return HttpAnswer(200, {}, to_json([entry]))
