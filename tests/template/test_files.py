"""The bucket of exports and event files, and the readers of the stream, read as data."""

import json

from harkara.activity import event_files, exports
from harkara.activity.records import DEAD_LETTER, DEAD_LETTERS, KINDS
from harkara.base.time import DAY_S
from harkara.model.ledger import REPLY_KIND
from tests.template.reading import functions, logical_id, resources, template


def test_the_bucket_is_private_encrypted_kept_and_read_by_tls_only() -> None:
    (bucket,) = resources("AWS::S3::Bucket").values()
    assert bucket["UpdateReplacePolicy"] == "Retain"
    assert bucket["DeletionPolicy"] == "RetainExceptOnCreate"
    properties = bucket["Properties"]
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(properties["PublicAccessBlockConfiguration"]) == 4
    (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    (owned,) = properties["OwnershipControls"]["Rules"]
    assert owned == {"ObjectOwnership": "BucketOwnerEnforced"}
    (policy,) = resources("AWS::S3::BucketPolicy").values()
    (denial,) = policy["Properties"]["PolicyDocument"]["Statement"]
    assert (denial["Effect"], denial["Principal"], denial["Action"]) == ("Deny", "*", "s3:*")
    assert denial["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert list(map(logical_id, denial["Resource"])) == ["FilesBucket", "FilesBucket/*"]


def test_exports_are_deleted_no_sooner_than_their_jobs() -> None:
    (bucket,) = resources("AWS::S3::Bucket").values()
    rules = {
        each["Prefix"]: each for each in bucket["Properties"]["LifecycleConfiguration"]["Rules"]
    }
    rule = rules[exports.PREFIX]
    assert rule["ExpirationInDays"] * DAY_S == exports.KEPT_S
    assert rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"] * DAY_S > exports.STALLED_S


def test_both_readers_of_the_stream_get_every_kind_of_event() -> None:
    patterns = {}
    for function in ("activity", "files"):
        (stream,) = (
            each["Properties"]
            for each in functions()[function]["Events"].values()
            if each["Type"] == "DynamoDB"
        )
        patterns[function] = [
            json.loads(each["Pattern"]) for each in stream["FilterCriteria"]["Filters"]
        ]
    assert patterns["activity"] == patterns["files"]
    by_sort_key, by_partition = (each["dynamodb"]["Keys"] for each in patterns["files"])
    taken = {
        each if isinstance(each, str) else each["prefix"].removesuffix("#")
        for each in by_sort_key["sk"]["S"]
    }
    assert taken | {DEAD_LETTER} == set(KINDS)
    # `reply#` are for the timeline, and count nothing.
    assert REPLY_KIND in by_sort_key["sk"]["S"]
    assert by_partition == {"pk": {"S": [{"prefix": DEAD_LETTERS}]}}


def test_files_are_written_only_where_the_operator_wants_them() -> None:
    stream = functions()["files"]["Events"]["Written"]["Properties"]
    assert stream["Enabled"] == {"Fn::If": ["WritesEventFiles", True, False]}
    # The longest wait that Lambda offers, so that quiet shards make no file a second.
    assert stream["MaximumBatchingWindowInSeconds"] == 300
    assert template()["Parameters"]["EventFileDays"]["Default"] == 0
    (bucket,) = resources("AWS::S3::Bucket").values()
    rules = bucket["Properties"]["LifecycleConfiguration"]["Rules"]
    (rule,) = (each for each in rules if each["Prefix"] == event_files.PREFIX)
    assert rule["ExpirationInDays"] == {"Fn::If": ["WritesEventFiles", {"Ref": "EventFileDays"}, 1]}
