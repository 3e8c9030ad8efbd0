"""Build the services of functions/files."""

import time
from typing import NamedTuple

from harkara.activity.cursors import Cursors
from harkara.activity.event_files import EventFileService
from harkara.activity.export_steps import ExportWorker
from harkara.activity.exports import ExportStore, FileStore
from harkara.activity.index import Digests
from harkara.activity.search import SearchService
from harkara.activity.store import ActivityReader, MessageReader
from harkara.aws.activity import DynamoActivityStore
from harkara.aws.clients import PATIENT, secret_keys, session
from harkara.aws.exports import DynamoExportStore, S3Files, s3_client
from harkara.aws.messages import DynamoMessageStore
from harkara.aws.queues import SqsTaskQueues
from harkara.base.keys import Keys
from harkara.base.log_events import EventSink
from harkara.base.time import Clock
from harkara.model.tasks import QueueName
from harkara.ports import TaskQueues
from harkara.runtime import metrics
from harkara.runtime.settings import FilesSettings


class FilesServices(NamedTuple):
    exports: ExportWorker
    events: EventFileService


def wire(
    *,
    jobs: ExportStore,
    files: FileStore,
    activity: ActivityReader,
    messages: MessageReader,
    queues: TaskQueues,
    pepper: bytes | Keys,
    clock: Clock,
    emit: EventSink,
) -> FilesServices:
    """Build the services from adapters."""
    search = SearchService(activity, messages, Digests(pepper), Cursors(pepper), clock)
    return FilesServices(
        ExportWorker(jobs, files, search, queues, clock), EventFileService(files, emit)
    )


def on_aws() -> FilesServices:
    """Build the services on AWS. Its stores of messages and counters are read only."""
    settings = FilesSettings.from_environment()
    aws = session()
    dynamodb = aws.client("dynamodb", config=PATIENT)
    urls = {QueueName.EXPORT: settings.export_queue_url}
    return wire(
        jobs=DynamoExportStore(dynamodb, settings.activity_table, time.time),
        files=S3Files(s3_client(), settings.files_bucket),
        activity=DynamoActivityStore(dynamodb, settings.activity_table, 0, time.time),
        messages=DynamoMessageStore(dynamodb, settings.messages_table, 0, time.time),
        queues=SqsTaskQueues(aws.client("sqs", config=PATIENT), urls),
        pepper=secret_keys(settings.pepper_secret_id),
        clock=time.time,
        emit=metrics.write,
    )
