"""The figures of a simulation: outcomes of messages, durations, usage and costs."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.bench.life import MEMORY_GB, PRICES
from tests.scale.costs import REGION
from tests.scale.outside import Heard
from tests.scale.simulation import Row, Simulation

STEPS = ("accept", "submit", "callback")
SHOWN_WALLS = 5


@dataclass(frozen=True)
class Wall:
    """The usage of a limit in its fullest ten seconds, and the number of its refusals."""

    limit: str
    share: float
    refused: int
    first_refused_s: float | None


@dataclass(frozen=True)
class Shown:
    """A row's figures, scaled up from the slice to the whole."""

    row: Row
    accepted: int
    refused: int
    final: int
    states: dict[str, int]
    largest_s: Mapping[str, Sequence[float]]
    """Percentiles of the tenant with most messages, by step: `accept`, `submit`, `callback`."""
    others_s: Mapping[str, Sequence[float]]
    writes: float
    calls: float
    executions: float
    usd: float
    usd_a_million: float
    walls: Sequence[Wall]
    dead: int
    come_back: int
    oldest_s: float
    stream_ages_s: Sequence[float] = ()
    """How old the oldest record of each batch of the stream was when it was counted, sorted."""
    stream_units_per_s: float = 0.0
    """What was written to the shard a second while messages were sent."""

    @property
    def is_whole(self) -> bool:
        """Whether each accepted message is final, and was called back once."""
        return self.accepted == self.final and not self.dead


def show(simulation: Simulation) -> Shown:
    """Return a finished simulation's figures. Raises AssertionError if a message is lost."""
    row, cloud, received = simulation.row, simulation.cloud, simulation.outside.received
    factor = row.slices * row.visible_of
    accepted, reported = set[str](), dict[str, int]()
    for each in received.values():
        accepted |= each.accepted
        reported |= each.reported
    assert accepted == reported.keys(), "an accepted message did not end, or another one did"
    assert max(reported.values(), default=1) == 1, "a message was called back twice"
    assert max(simulation.outside.taken.values(), default=1) == 1, "a message was sent twice"
    prices = json.loads(PRICES.read_text())
    price = prices["regions"][REGION]
    used = {**cloud.used, "log_gb": simulation.log.size / 1e9}
    restored_gb = sum(MEMORY_GB[name] * n for name, n in simulation.functions.restored.items())
    restores_usd = restored_gb * json.loads(PRICES.read_text())["month"]["restore_gb"]
    usd = sum(used.get(unit, 0) * price[unit] for unit in price) + restores_usd
    states = {
        state: round(sum(each.states[state] for each in received.values()) * factor)
        for state in {state for each in received.values() for state in each.states}
    }
    meter = cloud.meter
    largest = max(received, key=lambda name: len(received[name].accepted))
    walls = sorted(
        (
            Wall(limit, share, meter.refused[limit], meter.first_refused_s.get(limit))
            for limit, (share, _) in meter.fullest.items()
        ),
        key=lambda wall: (-bool(wall.refused), -wall.share),
    )
    return Shown(
        row=row,
        accepted=round(len(accepted) * factor),
        refused=round(sum(each.refused for each in received.values()) * factor),
        final=round(len(reported) * factor),
        states=states,
        largest_s=_times([received[largest]]),
        others_s=_times([each for name, each in received.items() if name != largest]),
        writes=cloud.used["write_units"] * factor,
        calls=sum(cloud.calls.values()) * factor,
        executions=sum(simulation.functions.executions.values()) * factor,
        usd=usd * factor,
        usd_a_million=usd / max(1, len(accepted)) * 1e6,
        walls=walls,
        dead=sum(len(queue.dead) for queue in cloud.queues.values()),
        come_back=cloud.calls["tasks come back"],
        oldest_s=max(queue.oldest_s for queue in cloud.queues.values()),
        stream_ages_s=sorted(simulation.shard.ages_s) if simulation.shard else (),
        stream_units_per_s=_units_per_s(simulation),
    )


def _units_per_s(simulation: Simulation) -> float:
    span_s = max(each.messages / each.rate_per_s for each in simulation.row.streams)
    return simulation.shard.units / span_s if simulation.shard else 0.0


def _times(received: Collection[Heard]) -> Mapping[str, Sequence[float]]:
    """Return percentiles by step, over some tenants' messages."""
    return {
        step: percentiles([each for one in received for each in getattr(one, f"{step}_s")])
        for step in STEPS
    }


def percentiles(times_s: Sequence[float]) -> Sequence[float]:
    """Return the 50th, 95th and 99th percentile; empty without values."""
    ordered = sorted(times_s)
    if not ordered:
        return ()
    return [ordered[int(len(ordered) * part)] for part in (0.5, 0.95, 0.99)]


def table(rows: Sequence[Shown]) -> Iterator[str]:
    """Yield the lines of a table, a column for each row, and each row's fullest limits."""
    yield f"simulated, {REGION}; seconds are the 50th, 95th and 99th percentile"
    for number, each in enumerate(rows, 1):
        yield f"  ({number}) {each.row.name}"
    yield ""
    yield _line("", [f"({number})" for number in range(1, len(rows) + 1)])
    yield _line("accepted", [f"{each.accepted:,}" for each in rows])
    yield _line("final", [f"{each.final:,}" for each in rows])
    for step in STEPS:
        yield _line(f"{step}, s", [_seconds(each.largest_s[step]) for each in rows])
        others = [_seconds(each.others_s[step]) for each in rows]
        if any(others):
            yield _line("  other tenants", others)
    if any(each.stream_ages_s for each in rows):
        yield _line("units a shard, a second", [_per_s(each) for each in rows])
        ages = [_seconds(percentiles(each.stream_ages_s)) for each in rows]
        yield _line("stream, s", ages)
    yield _line("writes a message", [f"{each.writes / each.accepted:.2f}" for each in rows])
    yield _line("calls a message", [f"{each.calls / each.accepted:.2f}" for each in rows])
    executions = [f"{each.executions / each.accepted:.3f}" for each in rows]
    yield _line("executions a message", executions)
    yield _line("USD", [f"{each.usd:,.2f}" for each in rows])
    yield _line("USD a million", [f"{each.usd_a_million:.2f}" for each in rows])
    for number, each in enumerate(rows, 1):
        yield f"\n({number}) the fullest limits, each in its fullest ten seconds"
        for wall in each.walls[:SHOWN_WALLS]:
            hit = f"; refused {wall.refused * each.row.slices:,.0f} times" if wall.refused else ""
            yield f"  {wall.share:>5.0%}  {wall.limit}{hit}"


def _per_s(row: Shown) -> str:
    return f"{row.stream_units_per_s:,.0f}" if row.stream_units_per_s else ""


def _line(name: str, cells: Sequence[str]) -> str:
    return f"{name:<21}" + "".join(f"{cell:>19}" for cell in cells)


def _seconds(times_s: Sequence[float]) -> str:
    return " ".join(f"{each:.{0 if each >= 100 else 1 if each >= 10 else 2}f}" for each in times_s)
