"""Write metrics into log lines, in CloudWatch's embedded metric format.

A line describes an event of one message batch, or of several in one batch of tasks, and carries its
own metrics: it is written, paid for and found once. Dimensions are the service, and the carrier or
queue if there is one; each metric is also written for the service alone, since an alarm cannot
search. Ids of message batches and tasks are fields of the line and no dimensions.
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

from harkara.base.log_events import LogEvent
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
        "token_renewals",
        "token_failures",
        "rcs_revoked",
        "rcs_kept",
        "rcs_doubles",
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
        "answers",
        "answers_refused",
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
        "corrected",
        "read",
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
    "activity": ("events", "unread", "low_conversions"),
    "files": ("events", "files", "unread"),
}
"""The counters of each service: messages, receipts, callbacks, tasks, or visits of short links.

Among the receipts, `by_carrier_id` counts those that name the carrier's own id for a message, some
of which may not be ours; `replaced_times` counts impossible times. `unread` and `refused` count
whole requests from carriers; those of `activity` are records of the stream. `low_conversions`
counts prefixes of which too few OTPs are verified, each time that they are looked at. `rcs_revoked`
counts messages that an RCS carrier revoked, `rcs_kept` those that it did not, and that get no SMS,
and `rcs_doubles` those whose SMS goes out although the phone may have them by RCS.
"""

DELAYS = {
    "submit": ("submit_latency", "queue_age"),
    "dlr": ("receipt_delay", "callback_delay", "queue_age"),
    "sweep": ("sweep_delay",),
    "activity": ("stream_delay",),
    "files": ("queue_age",),
}
"""The durations that each service measures, in milliseconds.

    submit_latency   from acceptance, or the send time, until a carrier took a block's messages
    receipt_delay    from the same start until the state is final here; contains submit_latency
    callback_delay   from the final state's own time until the platform took the callback
    sweep_delay      lateness of the oldest task that was due; always up to a minute
    stream_delay     age of the oldest event of a batch when all are counted
    queue_age        age of a task at its first delivery, including the delay it was put with
"""

SHARES = {"submit": ("breaker_state",)}
"""The shares that each service reports, in percent.

    breaker_state    share of a carrier's traffic that its circuit breaker keeps away: 100 while it
                     is open, less as the traffic returns, 0 once all is back; then not reported
"""


# CloudWatch takes a hundred values of a metric in a line.
_LINE_EVENTS = 50

_gathered: ContextVar[dict[object, list[LogEvent]] | None] = ContextVar("gathered", default=None)


@contextmanager
def gathering() -> Iterator[None]:
    """Hold back routine log events; at the end log those of one kind as one line.

    If the process is killed before, they are lost with their metrics.
    """
    gathered: dict[object, list[LogEvent]] = {}
    token = _gathered.set(gathered)
    try:
        yield
    finally:
        _gathered.reset(token)
        for events in gathered.values():
            _log(events)


def write(event: LogEvent) -> None:
    """Log an event: at the end of its batch if it is routine (`listed`), otherwise at once."""
    gathered = _gathered.get()
    if gathered is None or not event.listed:
        _log([event])
        return
    rest = [(name, value) for name, value in event.about.items() if name not in event.listed]
    group = (event.what, event.carrier, event.queue, repr(rest))
    events = gathered.setdefault(group, [])
    events.append(event)
    if len(events) == _LINE_EVENTS:
        _log(gathered.pop(group))


def _log(events: Sequence[LogEvent]) -> None:
    """Log events of one kind as a line with metrics by service, carrier and queue."""
    event = events[0]
    about = dict(event.about)
    if len(events) > 1:
        about |= {name: [each.about[name] for each in events] for name in event.listed}
    counts = sum((Counter(each.counts) for each in events), Counter[str]())
    emf = AmazonCloudWatchEMFProvider(
        namespace=os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "Harkara"),
        service=logger.service,
    )
    for name, count in counts.items():
        emf.add_metric(name, "Count", count)
    for each in events:
        for name, delay_s in each.delays_s.items():
            emf.add_metric(name, "Milliseconds", max(0, round(delay_s * 1000)))
    for name, share in event.shares.items():
        emf.add_metric(name, "Percent", round(100 * share))
    dimensions = {"carrier": event.carrier, "queue": event.queue}
    dimensions = {name: value for name, value in dimensions.items() if value}
    metrics: Mapping[str, Any] = {}
    if emf.metric_set:
        emf.dimension_set.update(dimensions, service=logger.service)
        if dimensions:
            emf.add_dimensions(service=logger.service)
        metrics = emf.serialize_metric_set()
    logger.info(event.what, **{**dimensions, **about, **metrics})
