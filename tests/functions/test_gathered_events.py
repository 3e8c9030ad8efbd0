"""Log events of one batch: those of regular outcomes share lines, and no number gets lost."""

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.base.log_events import LogEvent
from harkara.runtime import metrics
from tests.bench.logs import caught_log

BATCHES = [f"101M8V5072{number:016d}" for number in range(4)]
VALUES_LIMIT = 100  # of a metric in a line, by CloudWatch's embedded metric format

events = st.lists(
    st.builds(
        LogEvent,
        what=st.sampled_from(["block submitted", "messages final"]),
        about=st.fixed_dictionaries(
            {"batch": st.sampled_from(BATCHES), "attempt": st.integers(1, 2)}
        ),
        counts=st.dictionaries(st.sampled_from(["submitted", "in_doubt"]), st.integers(0, 9)),
        delays_s=st.dictionaries(st.just("submit_latency"), st.integers(0, 5)),
        carrier=st.sampled_from(["", "sim"]),
        shares=st.just({}),
        queue=st.sampled_from(["", "submit"]),
        listed=st.sampled_from([(), ("batch",)]),
    ),
    max_size=20,
)


def logged(written: list[LogEvent], *, gathered: bool) -> list[dict[str, Any]]:
    """Return the lines of log events, gathered as one batch or each by itself."""
    with caught_log() as log:
        if gathered:
            with metrics.gathering():
                for event in written:
                    metrics.write(event)
        else:
            for event in written:
                metrics.write(event)
        return [json.loads(line) for line in log.getvalue().splitlines()]


def values(lines: list[dict[str, Any]]) -> dict[tuple[str, str, str], Counter[float]]:
    """Return how often each value of a metric occurs, or the sum of counts, by dimensions."""
    found: dict[tuple[str, str, str], Counter[float]] = {}
    for line in lines:
        for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"] if "_aws" in line else ():
            key = metric["Name"], line.get("carrier", ""), line.get("queue", "")
            written = line[metric["Name"]]
            assert len(written) < VALUES_LIMIT
            counted = {0.0: sum(written)} if metric["Unit"] == "Count" else Counter(written)
            found.setdefault(key, Counter()).update(counted)
    return found


def batches(lines: list[dict[str, Any]]) -> Counter[tuple[str, int, str]]:
    """Return how often the lines name each message batch, with message and attempt."""
    return Counter(
        (line["message"], line["attempt"], batch)
        for line in lines
        for batch in ([line["batch"]] if isinstance(line["batch"], str) else line["batch"])
    )


@given(events)
def test_lines_of_a_batch_say_all_that_lines_of_each_note_would(written: list[LogEvent]) -> None:
    apart, together = logged(written, gathered=False), logged(written, gathered=True)
    assert len(apart) == len(written)
    assert values(together) == values(apart)
    assert batches(together) == batches(apart)


@given(events)
def test_what_somebody_has_to_look_into_has_a_line_of_its_own(written: list[LogEvent]) -> None:
    own = [event.about["batch"] for event in written if not event.listed]
    lines = logged(written, gathered=True)
    assert [line["batch"] for line in lines[: len(own)]] == own
    uniform = {(each.what, each.carrier, each.queue, each.about["attempt"]) for each in written}
    assert len(lines) <= len(own) + len(uniform)


def test_a_line_has_no_more_values_of_a_metric_than_are_read() -> None:
    about = [{"batch": str(number), "attempt": 1} for number in range(250)]
    numbers = {"submitted": 1}, {"submit_latency": 1}
    written = [LogEvent("block submitted", each, *numbers, listed=("batch",)) for each in about]
    lines = logged(written, gathered=True)
    assert values(lines) == values(logged(written, gathered=False))
    assert len(lines) < 10


def test_a_batch_that_fails_logs_what_it_did_all_the_same() -> None:
    event = LogEvent("block submitted", {"batch": BATCHES[0]}, {"submitted": 1}, listed=("batch",))

    def fail() -> None:
        with metrics.gathering():
            metrics.write(event)
            raise RuntimeError

    with caught_log() as log:
        with pytest.raises(RuntimeError):
            fail()
        (line,) = map(json.loads, log.getvalue().splitlines())
    assert (line["batch"], line["submitted"]) == (BATCHES[0], [1.0])
    with caught_log() as log:
        metrics.write(event)  # outside a batch it is written at once
        assert log.getvalue()
