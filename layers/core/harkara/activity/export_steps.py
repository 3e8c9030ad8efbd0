"""Make an export piece by piece: each task of the queue is a step of one job.

A step claims its number, which only one process gets, reads messages on from where the job is, puts
what it read under names with that number, and puts down in the job, if no later step has begun,
which object or part holds it. So a death at any line leaves objects that no job names: the task
comes again, and reads the piece anew. Of two deliveries of a task the later one's step counts, and
the other one comes again, since the later may die: a task is done only if the next one is in the
queue or the file is whole. A message is in the file once, since a piece counts only together with
the position behind it.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from harkara.activity.cursors import Cursor
from harkara.activity.exports import ExportJob, ExportStore, ExportTask, FileStore
from harkara.activity.filters import ExportFilter, query_of
from harkara.activity.index import time_of
from harkara.activity.search import FoundMessage, SearchService
from harkara.base.errors import LeaseHeld, StoreUnavailable
from harkara.base.spreadsheet import write_rows, write_table
from harkara.base.time import Clock, Deadline
from harkara.model.tasks import QueueName
from harkara.ports import TaskQueues

PART_BYTES = 16 * 1024 * 1024
# S3's least size of any part but the last.
PART_LEAST_BYTES = 5 * 1024 * 1024
# Time to keep for the upload of a part.
_UPLOAD_S = 20.0
COLUMNS = tuple(FoundMessage.__annotations__)


@dataclass(frozen=True, slots=True)
class ExportWorker:
    """Makes exports, in the function `files`."""

    jobs: ExportStore
    files: FileStore
    search: SearchService
    queues: TaskQueues
    clock: Clock

    def work(self, task: ExportTask, deadline: Deadline) -> Counter[str]:
        """Make the next piece of an export, and enqueue the next task unless it is whole.

        Returns the messages and the files for the log. Raises StoreUnavailable, and LeaseHeld if
        another delivery of the task has begun a later step.
        """
        job = self.jobs.job(task.account_id, task.export_id)
        if job is None or job.ended_ms:
            return Counter()
        before = job.message_count
        job = self.jobs.claim(job)
        if job is None:
            raise LeaseHeld("another delivery has begun this step")
        if not job.is_read:
            job = self._read_on(job, deadline)
            self._save(job)
        if not job.ended_ms and job.is_read:
            self.files.complete(job.file, job.upload_id, job.parts)
            job = self._ended(job)
            self._save(job)
        if not job.ended_ms and not all(
            self.queues.send(QueueName.EXPORT, [job.task.encode()], job.account_id)
        ):
            raise StoreUnavailable("the queue did not take the next piece")
        return +Counter(exported=job.message_count - before, exports=1 if job.ended_ms else 0)

    def _save(self, job: ExportJob) -> None:
        if not self.jobs.save(replace(job, moved_ms=self._now_ms())):
            raise LeaseHeld("another delivery has begun a later step")

    def _ended(self, job: ExportJob) -> ExportJob:
        return replace(job, parts=(), rest="", ended_ms=self._now_ms())

    def _now_ms(self) -> int:
        return int(self.clock() * 1000)

    def _read_on(self, job: ExportJob, deadline: Deadline) -> ExportJob:
        """Read messages until a part is full, time is short or all are read, and put them."""
        if job.sort_key:
            content = bytearray(self.files.get(job.rest) if job.rest else b"")
        else:
            job = replace(job, as_of_ms=self.search.store.reached_ms())
            content = bytearray(write_table(COLUMNS, ()))
        query = query_of(ExportFilter, job.filters)
        start = Cursor(job.from_ms, job.to_ms, job.sort_key, job.position)
        is_read = True
        for cursor, messages in self.search.walk(job.account_id, query, start):
            content += write_rows(map(cells_of, messages))
            job = replace(
                job,
                sort_key=cursor.sort_key,
                position=cursor.position,
                reached_ms=time_of(cursor.sort_key),
                message_count=job.message_count + len(messages),
            )
            if len(content) >= PART_BYTES or not deadline.allows(_UPLOAD_S):
                is_read = False
                break
        return self._put(replace(job, is_read=is_read), bytes(content))

    def _put(self, job: ExportJob, content: bytes) -> ExportJob:
        if job.is_read and not job.parts:
            job = replace(job, file=job.key("csv"))
            self.files.put(job.file, content)
            return self._ended(job)
        if not job.is_read and len(content) < PART_LEAST_BYTES:
            job = replace(job, rest=job.key("rest"))
            self.files.put(job.rest, content)
            return job
        if not job.parts:
            file = job.key("csv")
            job = replace(job, file=file, upload_id=self.files.begin(file))
        if content:
            part = self.files.put_part(job.file, job.upload_id, job.step, content)
            job = replace(job, parts=(*job.parts, part))
        return replace(job, rest="")


def cells_of(message: FoundMessage) -> Sequence[str]:
    """Return a message as cells of COLUMNS."""
    return [_cell(message.get(name)) for name in COLUMNS]


def _cell(value: object) -> str:
    if value is None:
        return ""
    return "true" if value is True else str(value)
