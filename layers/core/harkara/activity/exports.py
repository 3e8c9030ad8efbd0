"""Exports: an account's messages as a CSV file, which the function `files` makes piece by piece.

A job is an item of the Activity table. Objects in the bucket, which hold numbers as the messages
do and are deleted KEPT_S after they were put:

    exports/<account>/<export id>/<step>.csv    the file
    exports/<account>/<export id>/<step>.rest   the rows of a piece that is too small for a part

S3 joins the parts of a multipart upload into the file; each but the last has 5 MiB or more (Amazon
S3 User Guide, "Amazon S3 multipart upload limits"). `harkara.activity.export_steps` makes them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, NamedTuple, Protocol

from pydantic import Field
from typing_extensions import TypedDict

from harkara.activity.filters import ExportFilter, number_of, query_of
from harkara.activity.search import Time
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused, StoreUnavailable
from harkara.base.ids import BATCH_ID_LENGTH, RANDOM_BYTES, Randomness, new_batch_id
from harkara.base.json import decode, encode_body
from harkara.base.time import DAY_S, Clock, utc_text
from harkara.model.accounts import Account
from harkara.model.tasks import QueueName
from harkara.ports import TaskQueues

RUNNING_LIMIT = 3
LINK_S = 3600
KEPT_S = 7 * DAY_S
# A task that fails is a dead letter sooner; until then it may still be tried again.
STALLED_S = 3 * 3600
PREFIX = "exports/"
_ATTEMPTS = 5
_RETRY_AFTER_S = 60


@dataclass(frozen=True, slots=True)
class ExportTask:
    """Make the next piece of an account's export, in the export queue."""

    account_id: str
    export_id: str

    def encode(self) -> str:
        """Return the queue message's body."""
        return encode_body("export", account=self.account_id, export=self.export_id)


def decode_task(body: str) -> ExportTask:
    """Return the task in a message of the export queue. Raises ValueError for any other kind."""
    fields = decode(body)
    if not isinstance(fields, dict) or fields.get("kind") != "export":
        raise ValueError("a task of another kind than the export queue has")
    return ExportTask(fields["account"], fields["export"])


class ExportState(StrEnum):
    """The states of an export."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Part(NamedTuple):
    """A part of a multipart upload: its number, and S3's tag of its content."""

    number: int
    tag: str


@dataclass(frozen=True, slots=True)
class ExportJob:
    """An export: what is asked for, and up to where it is in parts.

    `step` counts how often work on it began. `sort_key` and `position` are those of the last
    message that is in a part or in the object `rest`; `reached_ms` is when about it was accepted.
    `moved_ms` is the time of the last progress.
    """

    account_id: str
    id: str
    filters: Mapping[str, Any]
    from_ms: int
    to_ms: int
    created_ms: int
    moved_ms: int
    step: int = 0
    as_of_ms: int = 0
    reached_ms: int = 0
    sort_key: str = ""
    position: int = -1
    message_count: int = 0
    rest: str = ""
    file: str = ""
    upload_id: str = ""
    parts: tuple[Part, ...] = ()
    is_read: bool = False
    ended_ms: int = 0

    @property
    def task(self) -> ExportTask:
        """The task to make the job's next piece."""
        return ExportTask(self.account_id, self.id)

    @property
    def prefix(self) -> str:
        """The beginning of the names of all its objects."""
        return f"{PREFIX}{self.account_id}/{self.id}/"

    def key(self, suffix: str) -> str:
        """Return the name of an object that the present step puts."""
        return f"{self.prefix}{self.step:05d}.{suffix}"

    def state(self, now_ms: int) -> ExportState:
        """Return the job's state."""
        if self.ended_ms:
            return ExportState.DONE
        if now_ms - self.moved_ms > STALLED_S * 1000:
            return ExportState.FAILED
        return ExportState.RUNNING if self.step else ExportState.QUEUED

    @property
    def progress(self) -> int:
        """How much of the time that is asked for is exported, in percent."""
        if self.ended_ms:
            return 100
        whole_ms = max(1, self.to_ms - self.from_ms)
        done_ms = self.to_ms - self.reached_ms if self.reached_ms else 0
        return min(99, max(0, 100 * done_ms // whole_ms))


class ExportStore(Protocol):
    """Jobs by account and id. Each method raises StoreUnavailable."""

    def jobs(self, account_id: str) -> tuple[int, Sequence[ExportJob]]:
        """Return how many exports were begun, and the jobs that are kept, read consistently."""
        ...

    def job(self, account_id: str, export_id: str) -> ExportJob | None:
        """Return a job, None if there is none (any more)."""
        ...

    def begin(self, job: ExportJob, begun: int) -> bool:
        """Put a new job; return False if more than `begun` exports were begun meanwhile."""
        ...

    def claim(self, job: ExportJob) -> ExportJob | None:
        """Begin the job's next step and return it; None if another process did so meanwhile."""
        ...

    def save(self, job: ExportJob) -> bool:
        """Put down what its step did; return False if a later step has begun meanwhile."""
        ...


class FileStore(Protocol):
    """Objects in the bucket, by their names. Each method raises StoreUnavailable."""

    def put(self, key: str, content: bytes) -> None:
        """Put an object."""
        ...

    def get(self, key: str) -> bytes:
        """Return an object's content."""
        ...

    def begin(self, key: str) -> str:
        """Begin a multipart upload and return its id."""
        ...

    def put_part(self, key: str, upload_id: str, number: int, content: bytes) -> Part:
        """Put a part, of 5 MiB or more unless it is the last."""
        ...

    def complete(self, key: str, upload_id: str, parts: Sequence[Part]) -> None:
        """Make an object of parts; one that is made already stays."""
        ...

    def link(self, key: str, name: str, seconds: int) -> str:
        """Return a URL that downloads an object under a file name, for some time."""
        ...


class Export(TypedDict):
    """An export of messages."""

    id: str
    state: Annotated[
        ExportState,
        Field(description="`failed` after three hours without progress: begin another."),
    ]
    progress: Annotated[
        int, Field(ge=0, le=100, description="How much of the time is exported, in percent.")
    ]
    messages: Annotated[int, Field(description="Rows so far, without the header row.")]
    created_at: Time
    as_of: Annotated[
        Time | None, Field(description="Messages accepted up to then are in it; null: not begun.")
    ]
    ended_at: Time | None
    link: Annotated[
        str | None,
        Field(
            description="Where the file is, for an hour at most. A link ends with the session that"
            " made it, which may be sooner: ask for another."
        ),
    ]


@dataclass(frozen=True, slots=True)
class ExportService:
    """Begins exports and shows their progress, in the `manage` function."""

    jobs: ExportStore
    files: FileStore
    queues: TaskQueues
    clock: Clock
    randomness: Randomness

    def create(self, account: Account, filters: Mapping[str, Any]) -> Export:
        """Begin an export. Raises RequestRefused and StoreUnavailable.

        A job whose task was not enqueued is inert, and counts as running until it has stalled.
        """
        now_ms = int(self.clock() * 1000)
        query = query_of(ExportFilter, filters)
        number_of(query)
        export_id = new_batch_id(now_ms, self.randomness(RANDOM_BYTES))
        job = ExportJob(account.id, export_id, filters, *query.bounds(now_ms), now_ms, now_ms)
        self._begin(job, now_ms)
        if not all(self.queues.send(QueueName.EXPORT, [job.task.encode()], account.id)):
            raise StoreUnavailable("the queue did not take the export")
        return self._shown(job, now_ms)

    def read(self, account: Account, export_id: str) -> Export:
        """Return an export of the account. Raises RequestRefused(NOT_FOUND)."""
        is_id = len(export_id) == BATCH_ID_LENGTH
        job = self.jobs.job(account.id, export_id) if is_id else None
        if job is None:
            raise RequestRefused(Code.NOT_FOUND)
        return self._shown(job, int(self.clock() * 1000))

    def _begin(self, job: ExportJob, now_ms: int) -> None:
        under_way = (ExportState.QUEUED, ExportState.RUNNING)
        for _ in range(_ATTEMPTS):
            begun, jobs = self.jobs.jobs(job.account_id)
            if sum(each.state(now_ms) in under_way for each in jobs) >= RUNNING_LIMIT:
                raise RequestRefused(Code.TOO_MANY_EXPORTS, retry_after_s=_RETRY_AFTER_S)
            if self.jobs.begin(job, begun):
                return
        raise StoreUnavailable("the account began exports at the same time")

    def _shown(self, job: ExportJob, now_ms: int) -> Export:
        name = f"messages-{job.id}.csv"
        return {
            "id": job.id,
            "state": job.state(now_ms),
            "progress": job.progress,
            "messages": job.message_count,
            "created_at": utc_text(job.created_ms),
            "as_of": utc_text(job.as_of_ms) if job.as_of_ms else None,
            "ended_at": utc_text(job.ended_ms) if job.ended_ms else None,
            "link": self.files.link(job.file, name, LINK_S) if job.ended_ms else None,
        }
