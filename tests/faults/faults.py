"""The injected faults and their durations."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from local.stack import Stack
from tests.faults.carrier import ILLNESSES, Illness, slug
from tests.faults.storms import (
    BadWeather,
    Duplicates,
    LostAnswers,
    ServerErrors,
    Throttling,
    Unprocessed,
)

MESSAGES = int(os.environ.get("FAULT_MESSAGES", "250"))
"""Number of messages in a campaign: `make faults` sets more."""
AT_LENGTH = MESSAGES >= 1_000
"""Whether a fault lasts until its campaign is through; else the next may begin before."""


@dataclass(frozen=True)
class Fault:
    """A faulty carrier, a storm of AWS errors, or killed processes."""

    name: str
    illness: Illness | None = None
    storm: Callable[[Stack], BadWeather] | None = None
    kills: int = 0
    """The most processes to kill, each some time after the one before."""

    @property
    def slug(self) -> str:
        """The name of its account, its carrier and its campaign."""
        return slug(self.name)


ILL = [Fault(illness.name, illness) for illness in ILLNESSES]
KILLS = Fault("random kills", kills=1_000 if AT_LENGTH else 3)
DUPLICATES = Fault("duplicate deliveries", storm=Duplicates)
STORMS = [
    Fault("AWS throttles", storm=lambda _: Throttling()),
    Fault("AWS answers 500", storm=lambda _: ServerErrors()),
    Fault("answers to writes lost", storm=lambda _: LostAnswers()),
    Fault("unprocessed entries", storm=lambda _: Unprocessed()),
    DUPLICATES,
]
FAULTS = [*ILL, *STORMS, KILLS]
