"""S3 in memory for the real adapter: objects of one bucket, and multipart uploads under S3's rules.

Amazon S3 API Reference, CompleteMultipartUpload: parts in ascending order (InvalidPartOrder), each
with the tag that its last upload had (InvalidPart), each but the last of 5 MiB or more
(EntityTooSmall); an upload that was completed is no more (NoSuchUpload).
"""

import hashlib
import io
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import urlencode

from botocore.exceptions import ClientError

from harkara.aws.exports import S3Files
from tests.support import policies
from tests.support.limits import FakeClient

BUCKET = "FilesBucket"
PARTS_LIMIT = 10_000
PAGE = 2  # S3 has a thousand
PART_LEAST_BYTES = 5 * 1024 * 1024


class Bucket(FakeClient):  # type: ignore[misc]
    """A client of S3; a smaller `part_least_bytes` makes small files of several parts."""

    def __init__(self, part_least_bytes: int = PART_LEAST_BYTES) -> None:
        self.part_least_bytes = part_least_bytes
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[str, tuple[str, dict[int, bytes]]] = {}
        # Calls that S3 refuses because it is busy.
        self.refusals = 0
        self._begun = 0

    def put_object(self, Bucket: str, Key: str, Body: bytes) -> Mapping[str, str]:
        self._check("PutObject", Bucket, Key)
        self.objects[Key] = Body
        return {"ETag": _tag(Body)}

    def get_object(self, Bucket: str, Key: str) -> Mapping[str, Any]:
        self._check("GetObject", Bucket, Key)
        if Key not in self.objects:
            _refuse("NoSuchKey", "GetObject")
        return {"Body": io.BytesIO(self.objects[Key])}

    def head_object(self, Bucket: str, Key: str) -> Mapping[str, Any]:
        self._check("HeadObject", Bucket, Key)
        if Key not in self.objects:
            _refuse("404", "HeadObject")
        return {"ContentLength": len(self.objects[Key])}

    def list_objects_v2(self, Bucket: str, Prefix: str) -> Mapping[str, Any]:
        self._check("ListObjectsV2", Bucket, Prefix)
        keys = [key for key in self.objects if key.startswith(Prefix)]
        return {"Contents": [{"Key": key} for key in keys[:PAGE]]} if keys else {}

    def delete_objects(self, Bucket: str, Delete: Mapping[str, Any]) -> Mapping[str, Any]:
        self._check("DeleteObjects", Bucket, "")
        for each in Delete["Objects"]:
            self.objects.pop(each["Key"], None)
        return {}

    def create_multipart_upload(self, Bucket: str, Key: str) -> Mapping[str, str]:
        self._check("CreateMultipartUpload", Bucket, Key)
        self._begun += 1
        self.uploads[f"upload-{self._begun}"] = Key, {}
        return {"UploadId": f"upload-{self._begun}"}

    def upload_part(
        self, Bucket: str, Key: str, UploadId: str, PartNumber: int, Body: bytes
    ) -> Mapping[str, str]:
        self._check("UploadPart", Bucket, Key)
        assert 1 <= PartNumber <= PARTS_LIMIT
        self._parts(Key, UploadId, "UploadPart")[PartNumber] = Body
        return {"ETag": _tag(Body)}

    def complete_multipart_upload(
        self, Bucket: str, Key: str, UploadId: str, MultipartUpload: Mapping[str, Any]
    ) -> Mapping[str, str]:
        self._check("CompleteMultipartUpload", Bucket, Key)
        parts = self._parts(Key, UploadId, "CompleteMultipartUpload")
        listed = MultipartUpload["Parts"]
        numbers = [each["PartNumber"] for each in listed]
        if not numbers or numbers != sorted(set(numbers)):
            _refuse("InvalidPartOrder", "CompleteMultipartUpload")
        if any(_tag(parts.get(each["PartNumber"], b"")) != each["ETag"] for each in listed):
            _refuse("InvalidPart", "CompleteMultipartUpload")
        if any(len(parts[number]) < self.part_least_bytes for number in numbers[:-1]):
            _refuse("EntityTooSmall", "CompleteMultipartUpload")
        self.objects[Key] = b"".join(parts[number] for number in numbers)
        del self.uploads[UploadId]
        return {"Key": Key}

    def generate_presigned_url(
        self, ClientMethod: str, Params: Mapping[str, str], ExpiresIn: int
    ) -> str:
        """Return a URL; no call is made, and whoever opens it acts as the function."""
        assert ClientMethod == "get_object"
        self._check("GetObject", Params["Bucket"], Params["Key"])
        query = urlencode({"X-Amz-Expires": ExpiresIn})
        return f"https://{BUCKET}.s3.ap-south-1.amazonaws.com/{Params['Key']}?{query}"

    def opened(self, link: str) -> bytes:
        """Return what a link downloads."""
        path = link.partition(".amazonaws.com/")[2].partition("?")[0]
        return self.objects[path]

    def _check(self, operation: str, bucket: str, key: str) -> None:
        policies.check(operation, {"Bucket": bucket, "Key": key})
        if self.refusals:
            self.refusals -= 1
            _refuse("SlowDown", operation)

    def _parts(self, key: str, upload_id: str, operation: str) -> dict[int, bytes]:
        if self.uploads.get(upload_id, ("", {}))[0] != key:
            _refuse("NoSuchUpload", operation)
        return self.uploads[upload_id][1]


def new_files(bucket: Any) -> S3Files:
    """Return the real adapter on a bucket in memory."""
    return S3Files(bucket, BUCKET)


def _refuse(code: str, operation: str) -> NoReturn:
    raise ClientError({"Error": {"Code": code}}, operation)


def _tag(content: bytes) -> str:
    return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'
