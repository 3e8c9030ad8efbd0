"""Metrics: numbers inside lines of the log, in CloudWatch's embedded metric format.

A line says what happened to messages of one chunk, or of several in one batch of tasks, and carries
its own metrics: it is written, paid for and found once. Dimensions are the service, and the carrier
or queue where there is one; each metric is also there for the service alone, since an alarm cannot
search. What tells messages apart (chunks, tasks) stands beside the metrics in the line and is no
dimension.
"""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from aws_lambda_powertools.metrics.provider.cloudwatch_emf.cloudwatch import (
    AmazonCloudWatchEMFProvider,
)

from harkara.base.log_events import Note
from harkara.runtime.logging import logger

COUNTS = {
    "send": ("accepted", "refused"),
    "submit": (
        "submitted",
        "refused_by_carrier",
        "not_taken",
        "in_doubt",
        "resubmitted",
        "breaker_opened",
    ),
    "receipt": (
        "receipts",
        "by_carrier_id",
        "intermediate",
        "foreign",
        "unknown_states",
        "replaced_times",
        "unread",
        "refused",
    ),
    "inbound": (
        "stop",
        "start",
        "help",
        "other",
        "unowned",
        "no_number",
        "replies",
        "unread",
        "refused",
    ),
    "link": ("clicks", "clicks_lost", "bots", "links_ended", "links_unknown"),
    "dlr": (
        "delivered",
        "failed_dlt",
        "failed_subscriber",
        "failed_carrier",
        "failed_record",
        "expired",
        "unknown",
        "cancelled",
        "recovered",
        "first_clicks",
        "callbacks",
        "callbacks_in_doubt",
        "callbacks_to_retry",
        "callbacks_broken",
        "callbacks_unwanted",
        "callbacks_at_50_percent",
        "callbacks_at_70_percent",
        "callbacks_at_90_percent",
        "callbacks_parked",
    ),
    "sweep": ("enqueued", "put_off"),
}
"""What each service counts: messages, receipts, callbacks, tasks, or visits of short links.

Of the receipts, `by_carrier_id` are those that name the carrier's own id for a message, of which
some may be of no message of ours; `replaced_times` named a time that cannot be. `unread` and
`refused` are whole requests where a carrier posts.
"""

DELAYS = {
    "submit": ("submit_latency", "queue_age"),
    "dlr": ("receipt_delay", "callback_delay", "queue_age"),
    "sweep": ("sweep_delay",),
}
"""What each service measures, in milliseconds.

    submit_latency   from acceptance, or the send time, until a carrier took a block's messages
    receipt_delay    from then on until the receipt is final here; it contains submit_latency
    callback_delay   from the final state's own time until the platform took the callback
    sweep_delay      by which the oldest of the tasks that were due was late, up to a minute always
    queue_age        of a task at its first delivery; the delay that it was put with counts
"""

SHARES = {"submit": ("breaker_state",)}
"""What each service shows as a share of a whole, in percent.

    breaker_state    of a carrier's traffic, what its breaker keeps away: 100 while it is open, less
                     as the traffic returns, 0 once all is back; nothing is shown from then on
"""


# CloudWatch takes a hundred values of a metric in a line.
_LINE_NOTES = 50

_gathered: ContextVar[dict[object, list[Note]] | None] = ContextVar("gathered", default=None)


@contextmanager
def gathering() -> Iterator[None]:
    """Hold back notes of what went as it should; at the end log those alike as one line.

    A process that is killed before loses them, and with them their metrics.
    """
    gathered: dict[object, list[Note]] = {}
    token = _gathered.set(gathered)
    try:
        yield
    finally:
        _gathered.reset(token)
        for notes in gathered.values():
            _log(notes)


def write(note: Note) -> None:
    """Log a note, at the end of its batch if it names what is listed there."""
    gathered = _gathered.get()
    if gathered is None or not note.listed:
        _log([note])
        return
    rest = [(name, value) for name, value in note.about.items() if name not in note.listed]
    alike = (note.what, note.carrier, note.queue, repr(rest))
    notes = gathered.setdefault(alike, [])
    notes.append(note)
    if len(notes) == _LINE_NOTES:
        _log(gathered.pop(alike))


def _log(notes: Sequence[Note]) -> None:
    """Log notes that are alike; their numbers are metrics of service, carrier and queue."""
    note = notes[0]
    about = dict(note.about)
    if len(notes) > 1:
        about |= {name: [each.about[name] for each in notes] for name in note.listed}
    counts = sum((Counter(each.counts) for each in notes), Counter[str]())
    emf = AmazonCloudWatchEMFProvider(
        namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "Harkara"),
        service=logger.service,
    )
    for name, count in counts.items():
        emf.add_metric(name, "Count", count)
    for each in notes:
        for name, delay_s in each.delays_s.items():
            emf.add_metric(name, "Milliseconds", max(0, round(delay_s * 1000)))
    for name, share in note.shares.items():
        emf.add_metric(name, "Percent", round(100 * share))
    known = {"carrier": note.carrier, "queue": note.queue}
    known = {name: value for name, value in known.items() if value}
    metrics: Mapping[str, Any] = {}
    if emf.metric_set:
        emf.dimension_set.update(known, service=logger.service)
        if known:
            emf.add_dimensions(service=logger.service)
        metrics = emf.serialize_metric_set()
    logger.info(note.what, **{**known, **about, **metrics})
