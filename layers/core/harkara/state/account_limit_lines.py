"""The limits of an account as lines of capacity, and the capacity that one process holds on them.

A per-second limit is a time line: a request takes a stretch as wide as its share of the rate, from
where earlier requests end. A daily limit is a line of the day's segments. A line only grows, so
many processes extend it at once without a condition on each other's writes, and the cached end of a
line is never later than the stored one.

A busy process reserves more than a request needs, and spends the rest without a call. Reserved
capacity counts as spent, so no limit is exceeded. On a time line it expires: a process that stops
keeps others from a fifth of a second of a shard at most, for that long. On the line of a day it
stays until midnight IST, as nobody can know how much a process that is gone has spent. So a process
reserves no more than it spends in a fifth of a second, nor than a thousandth of a shard's day, and
none of the last tenth.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from harkara.base.codes import Code
from harkara.base.time import DAY_S, IST_OFFSET_S
from harkara.model.accounts import Limits
from harkara.state.rates_prefetch import PREFETCH_US, Demand, Prefetched, width_us
from harkara.state.stores import Extension

BURST_US = 1_000_000
DAY = "day"
# More segments than any day has, so that each day has its own part of one line.
_DAY_UNITS = 10**12
# On the line of a day a segment is as wide as a microsecond on the others.
_DAY_RATE = 1_000_000.0
_DAY_PARTS = 1_000
_SINGLY_FROM = 0.9
# A request's stretch of a line is no longer than this, at however low a rate.
_LONGEST_US = 10 * 365 * DAY_S * 1_000_000


class Refusal(NamedTuple):
    """Why a shard admits nothing, and until when (Unix microseconds)."""

    until_us: int
    code: Code


@dataclass(frozen=True, slots=True)
class Line:
    """One limit of a shard, for one request of `count`.

    The request begins where the line ends, or at `now` if that is later, and never after `latest`.
    A process reserves at most `most` in advance, and nothing in advance after `singly_from`.
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
        """Return the width of `count` units on the line."""
        return min(width_us(count, self.rate), _LONGEST_US)

    def refusal(self, end: int) -> Refusal | None:
        """Return the refusal of the request by a line that ends there, None if it may pass."""
        if max(end, self.now) <= self.latest:
            return None
        if self.midnight_us:
            return Refusal(self.midnight_us, Code.DAILY_LIMIT)
        return Refusal(end - BURST_US, Code.RATE_LIMITED)


def lines_of(
    limits: Limits, now_us: int, segment_count: int, ends: Mapping[str, int]
) -> Sequence[Line]:
    """Return the limits that a request with these segments meets at a shard of these limits.

    `ends` is how far the shard's lines are known to reach. The line of the day may already be
    tomorrow's, begun by a process whose clock is ahead.
    """
    lines = []
    if limits.requests_per_s:
        lines.append(_of_second("requests", 1, limits.requests_per_s, now_us))
    # A request without segments does not wait for the segment limit.
    if limits.segments_per_s and segment_count:
        lines.append(_of_second("segments", segment_count, limits.segments_per_s, now_us))
    if limits.segments_per_day and segment_count:
        today = (now_us // 1_000_000 + IST_OFFSET_S) // DAY_S
        day = max(today, ends.get(DAY, 0) // _DAY_UNITS)
        per_day = min(limits.segments_per_day, _DAY_UNITS - 1)
        begins = day * _DAY_UNITS
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
    """The capacity of an account that this process holds, and its demand.

    `shard` is the one that last had room. Keeping to it keeps its cached ends accurate.
    """

    shard: int
    pieces: dict[str, list[Prefetched]] = field(default_factory=dict)
    demands: dict[str, Demand] = field(default_factory=dict)
    # The account is refused without another look until then (Unix microseconds).
    refused_until_us: int = 0

    def spend(self, line: Line) -> Prefetched | None:
        """Take the capacity for a line's request; None if there is too little."""
        for piece in self.pieces.get(line.name, ()):
            begins = piece.find(line.count, line.now)
            if begins is not None and begins <= line.latest:
                piece.spend(line.count, begins)
                return Prefetched(line.name, piece.rate_per_s, begins, piece.begins_us)
        return None

    def keep(self, piece: Prefetched, now: int) -> None:
        """Keep a piece of capacity, and forget expired pieces of the line."""
        pieces = [each for each in self.pieces.get(piece.shard, ()) if each.ends_us > now]
        if piece.shard == DAY:
            # Any segments of a day will do: merged into one piece, none is too short.
            left = sum(each.ends_us - max(each.begins_us, now) for each in pieces)
            begins, pieces = max(now, piece.begins_us - left), []
            piece = Prefetched(DAY, piece.rate_per_s, begins, piece.ends_us)
        self.pieces[piece.shard] = [*pieces, piece] if piece.begins_us < piece.ends_us else pieces

    def count(self, lines: Sequence[Line], now_us: int) -> None:
        """Count admitted requests, to estimate the demand to come."""
        for line in lines:
            self.demands.setdefault(line.name, Demand()).add(line.count, now_us)

    def is_low(self, line: Line, now_us: int) -> bool:
        """Whether less is left of a line than half of an advance reservation."""
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
        """Return how to extend a line that ends at about `expected`: for a request, or for more."""
        own = line.width(line.count)
        amount = self._expected(line, now_us)
        taken = min(line.width(amount), line.most)
        taken -= taken % own if own else 0  # a part of a request would expire unspent
        ahead = max(expected, line.now) - line.now
        in_advance = in_advance and amount > line.count and own < taken
        if line.name == DAY:
            in_advance = in_advance and line.now + ahead + taken <= line.singly_from
            taken = idle = taken if in_advance else own
            return Extension(line.now, taken, idle, line.latest + own - taken, busy)
        if not in_advance:
            return Extension(line.now, own, own, line.latest, busy)
        # At an idle shard nobody waits, and capacity for a few requests would expire at once.
        taken = max(taken, PREFETCH_US - ahead)
        return Extension(line.now, taken, PREFETCH_US, line.latest, busy)
