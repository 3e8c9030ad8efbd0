"""Exports in AWS: jobs in the Activity table, files in a bucket of S3.

exports#<account>   0          how many exports the account began
                    <id>       a job, described in `harkara.activity.exports`
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from time import sleep
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import ClientError

from harkara.activity.exports import KEPT_S, ExportJob, Part
from harkara.aws.clients import PATIENT, DynamoDBClient, aws_errors, session
from harkara.aws.messages import has_expired
from harkara.aws.table import Item, Table, Value, key, update_of, values
from harkara.base.errors import StoreUnavailable
from harkara.base.json import decode, encode
from harkara.base.time import Clock

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
else:
    S3Client = Any

_S3 = PATIENT.merge(
    Config(
        signature_version="s3v4",
        # Else links name S3's global host, which redirects requests for a new bucket.
        s3={"addressing_style": "virtual"},
        # The numbers of parts have gaps, which S3 refuses where each part has a checksum of the
        # newer kinds (Amazon S3 API Reference, "CompletedPart").
        request_checksum_calculation="when_required",
    )
)
# Sorts before all ids, so that a query reads it first.
_BEGUN = "0"


class DynamoExportStore:
    """Keeps the jobs of exports as long as their files."""

    def __init__(
        self,
        client: DynamoDBClient,
        table: str,
        clock: Clock,
        pause: Callable[[float], None] = sleep,
    ) -> None:
        self._table = Table(client, table, pause)
        self._clock = clock

    def jobs(self, account_id: str) -> tuple[int, Sequence[ExportJob]]:
        """Return how many exports were begun, and the jobs that are kept, read consistently."""
        begun, jobs = 0, list[ExportJob]()
        for item in self._table.query(_partition(account_id)):
            if item["sk"]["S"] == _BEGUN:
                begun = int(item["begun"]["N"])
            elif not has_expired(item, self._clock()):
                jobs.append(_job_of(item))
        return begun, jobs

    def job(self, account_id: str, export_id: str) -> ExportJob | None:
        """Return a job, None if there is none (any more)."""
        item = self._table.get(_partition(account_id), export_id)
        return None if item is None or has_expired(item, self._clock()) else _job_of(item)

    def begin(self, job: ExportJob, begun: int) -> bool:
        """Put a new job; return False if more than `begun` exports were begun meanwhile."""
        ttl = self._ttl()
        condition = "#begun = :begun" if begun else "attribute_not_exists(#begun)"
        parameters: dict[str, Value] = {":next": begun + 1, ":ttl": ttl}
        parameters |= {":begun": begun} if begun else {}
        counted = update_of(
            _partition(job.account_id),
            _BEGUN,
            "SET #begun = :next, #ttl = :ttl",
            condition,
            parameters,
        )
        place = {"pk": _partition(job.account_id), "sk": job.id}
        item = values({**place, "data": _data_of(job), "step": job.step, "ttl": ttl})
        return self._table.transact({"Update": counted}, {"Put": {"Item": item}})

    def claim(self, job: ExportJob) -> ExportJob | None:
        """Begin the job's next step and return it; None if another process did so meanwhile."""
        parameters: dict[str, Value] = {":next": job.step + 1, ":step": job.step}
        return (
            replace(job, step=job.step + 1)
            if self._update(job, "SET #step = :next", parameters)
            else None
        )

    def save(self, job: ExportJob) -> bool:
        """Put down what its step did; return False if a later step has begun meanwhile."""
        parameters: dict[str, Value] = {
            ":data": _data_of(job),
            ":ttl": self._ttl(),
            ":step": job.step,
        }
        return self._update(job, "SET #data = :data, #ttl = :ttl", parameters)

    def remove(self, job: ExportJob) -> None:
        """Remove a job, if it is there still; its next step, if one is to come, does nothing."""
        self._table.write([{"DeleteRequest": {"Key": key(_partition(job.account_id), job.id)}}])

    def _update(self, job: ExportJob, update: str, parameters: Mapping[str, Value]) -> bool:
        write = update_of(_partition(job.account_id), job.id, update, "#step = :step", parameters)
        return self._table.update_if(write)[0]

    def _ttl(self) -> int:
        return int(self._clock()) + KEPT_S


def _partition(account_id: str) -> str:
    return f"exports#{account_id}"


def _data_of(job: ExportJob) -> str:
    fields = asdict(job)
    del fields["step"]
    return encode(fields).decode()


def _job_of(item: Item) -> ExportJob:
    fields = decode(item["data"]["S"])
    parts = tuple(Part(*each) for each in fields.pop("parts"))
    return ExportJob(**fields, parts=parts, step=int(item["step"]["N"]))


def s3_client() -> S3Client:
    """Return a client of S3, as S3Files needs it."""
    client: S3Client = session().client("s3", config=_S3)
    return client


class S3Files:
    """Objects in a bucket."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def put(self, key: str, content: bytes) -> None:
        """Put an object. Raises StoreUnavailable, as all methods do."""
        with aws_errors():
            self._client.put_object(Bucket=self._bucket, Key=key, Body=content)

    def get(self, key: str) -> bytes:
        """Return an object's content."""
        with aws_errors():
            return self._client.get_object(Bucket=self._bucket, Key=key)["Body"].read()

    def begin(self, key: str) -> str:
        """Begin a multipart upload and return its id."""
        with aws_errors():
            answer = self._client.create_multipart_upload(Bucket=self._bucket, Key=key)
        return answer["UploadId"]

    def put_part(self, key: str, upload_id: str, number: int, content: bytes) -> Part:
        """Put a part."""
        with aws_errors():
            answer = self._client.upload_part(
                Bucket=self._bucket, Key=key, UploadId=upload_id, PartNumber=number, Body=content
            )
        return Part(number, answer["ETag"])

    def complete(self, key: str, upload_id: str, parts: Sequence[Part]) -> None:
        """Make an object of parts; one that is made already stays."""
        listed: Any = [{"PartNumber": number, "ETag": tag} for number, tag in parts]
        with aws_errors():
            try:
                self._client.complete_multipart_upload(
                    Bucket=self._bucket,
                    Key=key,
                    UploadId=upload_id,
                    MultipartUpload={"Parts": listed},
                )
            except ClientError as error:
                if error.response["Error"]["Code"] != "NoSuchUpload":
                    raise
                self._client.head_object(Bucket=self._bucket, Key=key)

    def remove(self, prefix: str) -> None:
        """Remove all objects whose names begin so."""
        while True:
            with aws_errors():
                page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=prefix)
                found: Any = [{"Key": each["Key"]} for each in page.get("Contents", ())]
                if not found:
                    return
                answer = self._client.delete_objects(
                    Bucket=self._bucket, Delete={"Objects": found, "Quiet": True}
                )
            if errors := answer.get("Errors"):
                raise StoreUnavailable(errors[0].get("Code", "an object was not deleted"))

    def link(self, key: str, name: str, seconds: int) -> str:
        """Return a URL that downloads an object under a file name, for some time."""
        with aws_errors():
            return self._client.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self._bucket,
                    "Key": key,
                    "ResponseContentDisposition": f'attachment; filename="{name}"',
                    "ResponseContentType": "text/csv; charset=utf-8",
                },
                ExpiresIn=seconds,
            )
