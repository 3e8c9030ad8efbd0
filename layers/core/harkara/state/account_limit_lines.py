"""The limits of an account as lines of places, and the places that one process has on them.

A limit of a second is a line of time: a request takes as much of it as its share of the rate, where
those before it end. A limit of a day is a line of the day's segments. A line only grows, so many
processes extend it at once without a condition on what others wrote, and what a process saw of it
is never later than the truth.

A process with much traffic takes more than a request needs, and spends the rest without a call.
Such places count like those that are spent, so no limit is exceeded. On a line of time they pass: a
process that stops keeps others from a fifth of a second of a shard at most, for that long. On the
line of a day they stay until midnight IST, as nobody can know what a process spent that is gone.
So it takes no more than it spends in a fifth of a second, nor than a thousandth of a shard's day,
and none of the last tenth.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from harkara.base.codes import Code
from harkara.base.time import DAY_S, IST_OFFSET_S
from harkara.model.accounts import Limits
from harkara.ports import Extension
from harkara.state.rates_prefetch import PREFETCH_US, Demand, Prefetched, width_us

BURST_US = 1_000_000
DAY = "day"
# More than any day has: each has its own part of one line.
_DAY_PLACES = 10**12
# On the line of a day a segment is as wide as a microsecond on the others.
_DAY_RATE = 1_000_000.0
_DAY_PARTS = 1_000
_SINGLY_FROM = 0.9
# A debt is remembered no longer, at however low a rate.
_LONGEST_US = 10 * 365 * DAY_S * 1_000_000


class Refusal(NamedTuple):
    """Why a shard admits nothing, and until when (Unix microseconds)."""

    until_us: int
    code: Code


@dataclass(frozen=True, slots=True)
class Line:
    """A limit of a shard, for one request of `count`.

    The request begins where the line ends, or at `now` if that is later, and never after `latest`.
    A process takes `most` in advance at most, and nothing in advance after `singly_from`.
    """

    name: str
    count: int
    rate: float
    now: int
    latest: int
    most: int
    singly_from: int
    midnight_us: int = 0

    def width(self, count: int) -> int:
        """Return how much of the line so many take."""
        return min(width_us(count, self.rate), _LONGEST_US)

    def refusal(self, end: int) -> Refusal | None:
        """Return why the request may not pass, where the line ends there or later."""
        if max(end, self.now) <= self.latest:
            return None
        if self.midnight_us:
            return Refusal(self.midnight_us, Code.DAILY_LIMIT)
        return Refusal(end - BURST_US, Code.RATE_LIMITED)


def lines_of(
    limits: Limits, now_us: int, segment_count: int, ends: Mapping[str, int]
) -> Sequence[Line]:
    """Return the limits that a request of so many segments meets at a shard of these limits.

    `ends` is how far its lines are known to reach: one may be of a day that begins only here.
    """
    lines = []
    if limits.requests_per_s:
        lines.append(_of_second("requests", 1, limits.requests_per_s, now_us))
    # What sends nothing waits for no segments to pass.
    if limits.segments_per_s and segment_count:
        lines.append(_of_second("segments", segment_count, limits.segments_per_s, now_us))
    if limits.segments_per_day and segment_count:
        today = (now_us // 1_000_000 + IST_OFFSET_S) // DAY_S
        day = max(today, ends.get(DAY, 0) // _DAY_PLACES)
        per_day = min(limits.segments_per_day, _DAY_PLACES - 1)
        begins = day * _DAY_PLACES
        lines.append(
            Line(
                DAY,
                segment_count,
                _DAY_RATE,
                now=begins,
                latest=begins + per_day - segment_count,
                most=per_day // _DAY_PARTS,
                singly_from=begins + int(per_day * _SINGLY_FROM),
                midnight_us=((day + 1) * DAY_S - IST_OFFSET_S) * 1_000_000,
            )
        )
    return lines


def _of_second(name: str, count: int, per_s: float, now_us: int) -> Line:
    latest_us = now_us + BURST_US
    return Line(name, count, per_s, now_us, latest_us, PREFETCH_US, latest_us + 1)


@dataclass(slots=True)
class Hand:
    """The places of an account that this process has, and what it needs.

    `shard` is where it found some last: who keeps to one knows how far that reaches.
    """

    shard: int
    pieces: dict[str, list[Prefetched]] = field(default_factory=dict)
    demands: dict[str, Demand] = field(default_factory=dict)
    # The account is refused without another look until then (Unix microseconds).
    refused_until_us: int = 0

    def spend(self, line: Line) -> Prefetched | None:
        """Take the places for a line's request; None where there are too few."""
        for piece in self.pieces.get(line.name, ()):
            begins = piece.find(line.count, line.now)
            if begins is not None and begins <= line.latest:
                piece.spend(line.count, begins)
                return Prefetched(line.name, piece.rate_per_s, begins, piece.begins_us)
        return None

    def keep(self, piece: Prefetched, now: int) -> None:
        """Keep places, and forget those of the line that have passed."""
        pieces = [each for each in self.pieces.get(piece.shard, ()) if each.ends_us > now]
        if piece.shard == DAY:
            # Of a day any places will do: in one piece none is too short for a request.
            left = sum(each.ends_us - max(each.begins_us, now) for each in pieces)
            begins, pieces = max(now, piece.begins_us - left), []
            piece = Prefetched(DAY, piece.rate_per_s, begins, piece.ends_us)
        self.pieces[piece.shard] = [*pieces, piece] if piece.begins_us < piece.ends_us else pieces

    def count(self, lines: Sequence[Line], now_us: int) -> None:
        """Count what was admitted, to know what comes."""
        for line in lines:
            self.demands.setdefault(line.name, Demand()).add(line.count, now_us)

    def is_low(self, line: Line, now_us: int) -> bool:
        """Whether less is left of a line than the half of what is taken in advance."""
        left = sum(
            max(0, piece.ends_us - max(piece.begins_us, line.now))
            for piece in self.pieces.get(line.name, ())
        )
        return 2 * left < min(line.width(self._expected(line, now_us)), line.most)

    def _expected(self, line: Line, now_us: int) -> int:
        return self.demands.get(line.name, Demand()).to_reserve(line.count, now_us)

    def extension(
        self, line: Line, expected: int, now_us: int, *, in_advance: bool, busy: bool
    ) -> Extension:
        """Return how to extend a line that ends about there: for a request, and what comes soon."""
        own = line.width(line.count)
        amount = self._expected(line, now_us)
        taken = min(line.width(amount), line.most)
        taken -= taken % own if own else 0  # a part of a request would pass unspent
        ahead = max(expected, line.now) - line.now
        in_advance = in_advance and amount > line.count and own < taken
        if line.name == DAY:
            in_advance = in_advance and line.now + ahead + taken <= line.singly_from
            taken = idle = taken if in_advance else own
            return Extension(line.now, taken, idle, line.latest + own - taken, busy)
        if not in_advance:
            return Extension(line.now, own, own, line.latest, busy)
        # Nobody waits at an idle shard, where the places of a few would have passed at once.
        taken = max(taken, PREFETCH_US - ahead)
        return Extension(line.now, taken, PREFETCH_US, line.latest, busy)
