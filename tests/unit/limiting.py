"""An account that sends through several processes, held to its limits."""

import random
from typing import Any

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.model.accounts import Account, Limits
from harkara.state.account_limits import AccountLimits
from tests.support.dynamo import MESSAGES, Dynamo
from tests.support.fakes import FakeLimitStore, Faults

# 1 January 2026, 00:00 IST.
MIDNIGHT = 1_767_205_800
NOON = MIDNIGHT + 12 * 3600
DAY_S = 24 * 3600
TODAY = (MIDNIGHT + 19_800) // DAY_S


class Sending:
    """An account that sends through several processes, with a manual clock."""

    def __init__(
        self, processes: int = 1, random_fraction: float | None = 0.0, **limits: Any
    ) -> None:
        self.now_s = float(NOON)
        self.faults = Faults()
        self.dynamo = Dynamo()
        self.store = FakeLimitStore(self.faults, self.dynamo)
        self.account = Account(id="acme", name="Acme", carrier="sim", limits=Limits(**limits))
        dice = random.Random(1)  # noqa: S311 - the same each time
        self.processes = [
            AccountLimits(
                self.store,
                lambda: self.now_s,
                dice.random if random_fraction is None else lambda: random_fraction,
            )
            for _ in range(processes)
        ]

    def take(self, segment_count: int = 1, process: int = 0) -> RequestRefused | None:
        """Take from the limits; return the refusal, or None."""
        try:
            self.processes[process].take(self.account, segment_count)
        except RequestRefused as refused:
            return refused
        return None

    def shards(self) -> list[str]:
        """Return the partitions of the stored items, oldest first."""
        return [pk for pk, _ in self.dynamo.tables[MESSAGES].items]

    def expires_at_s(self, shard: int = 0) -> int:
        """Return the time until which a shard's item is kept at least."""
        return int(self.dynamo.tables[MESSAGES].items[f"rate#acme#{shard}", "timeline"]["ttl"]["N"])

    def codes(self, count: int, segment_count: int = 1) -> list[Code | None]:
        """Take `count` times at one moment; return the codes, None for admitted requests."""
        refusals = [self.take(segment_count) for _ in range(count)]
        return [refused.code if refused else None for refused in refusals]
