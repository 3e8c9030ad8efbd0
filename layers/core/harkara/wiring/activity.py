"""Build the service of functions/activity."""

import time
from typing import Protocol

from harkara.activity.conversion import ConversionWatch
from harkara.activity.index import Digests
from harkara.activity.service import ActivityService
from harkara.activity.store import ActivityReader, ActivityWriter, FailedRecords
from harkara.aws.activity import DynamoActivityStore, SqsFailedRecords
from harkara.aws.clients import PATIENT, secret_keys, session
from harkara.base.keys import Keys
from harkara.base.log_events import EventSink
from harkara.base.time import Clock
from harkara.runtime import metrics
from harkara.runtime.settings import ActivitySettings


class _Store(ActivityWriter, ActivityReader, Protocol):
    """The Activity table, written and read."""


def wire(
    *,
    store: _Store,
    failed: FailedRecords,
    pepper: bytes | Keys,
    clock: Clock,
    emit: EventSink,
) -> ActivityService:
    """Build the service from adapters."""
    watch = ConversionWatch(store, clock, emit)
    return ActivityService(store, failed, Digests(pepper), clock, emit, watch)


def on_aws() -> ActivityService:
    """Build the service on AWS."""
    settings = ActivitySettings.from_environment()
    aws = session()
    dynamodb = aws.client("dynamodb", config=PATIENT)
    return wire(
        store=DynamoActivityStore(
            dynamodb, settings.activity_table, settings.retention_s, time.time
        ),
        failed=SqsFailedRecords(aws.client("sqs", config=PATIENT), settings.activity_failures_url),
        pepper=secret_keys(settings.pepper_secret_id),
        clock=time.time,
        emit=metrics.write,
    )
