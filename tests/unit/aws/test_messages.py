"""The Messages table: message batches are kept, ledger entries are put once and read back."""

from typing import Any

import pytest

from harkara.aws.messages import DynamoMessageStore
from harkara.base.errors import StoreUnavailable
from harkara.base.ids import new_batch_id
from harkara.model.ledger import Lease, LedgerEntry
from harkara.model.messages import Category, Message, MessageBatch, pack
from tests.unit.scripted_aws import LOST, Answer, Refusal, ScriptedAws

NOW = 1_767_258_000.9
RETENTION_S = 2_592_000
TTL = {"N": "1769850000"}
OURS = Lease("task_id", "worker_id", 1_767_258_060_000)
BATCH = MessageBatch(
    id=new_batch_id(1_767_258_000_000, bytes(10)),
    account_id="acme",
    carrier="sim",
    category=Category.SERVICE_IMPLICIT,
    accepted_at_ms=1_767_258_000_000,
    block_size=100,
    endpoints=(),
    messages=[Message("919876543210", "ACMEBK", "Hello", "ref", None)],
)
Item = dict[str, dict[str, Any]]


def store(*answers: Answer) -> tuple[ScriptedAws, DynamoMessageStore]:
    aws = ScriptedAws("dynamodb", *answers)
    return aws, DynamoMessageStore(aws.client, "Messages", RETENTION_S, lambda: NOW)


def item_of(entry: LedgerEntry, data: str = '{"at":7}') -> Item:
    return {
        "pk": {"S": entry.partition},
        "sk": {"S": entry.kind},
        "task_id": {"S": entry.task_id},
        "worker_id": {"S": entry.worker_id},
        "expires_at_ms": {"N": str(entry.expires_at_ms)},
        "data": {"S": data},
        "ttl": TTL,
    }


def batch_item(batch_id: str) -> dict[str, Any]:
    return {"Item": {"pk": {"S": batch_id}, "sk": {"S": "batch"}, "packed": {"B": pack(BATCH)}}}


def inserted(*codes: str | None) -> dict[str, Any]:
    return {"Responses": [{"Error": {"Code": code}} if code else {} for code in codes]}


# Message batches


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(None, id="put"),
        pytest.param("DuplicateItem", id="put before: the first answer was lost"),
    ],
)
def test_a_batch_is_put_with_its_time_to_live(code: str | None) -> None:
    aws, messages = store(inserted(code))
    messages.put_batch(BATCH.id, b"packed", 0)
    (statement,) = aws.requests[0][1]["Statements"]
    assert statement["Statement"].endswith("{'pk':?,'sk':?,'packed':?,'ttl':?}")
    assert statement["Parameters"] == [{"S": BATCH.id}, {"S": "batch"}, {"B": b"packed"}, TTL]
    assert len(aws.requests) == 1


@pytest.mark.parametrize(
    ("due_at_ms", "keep_s", "ttl_s"),
    [
        pytest.param(0, None, 1_769_850_000, id="from now"),
        pytest.param(1_767_000_000_000, None, 1_769_850_000, id="what began counts from now"),
        pytest.param(1_769_850_000_999, None, 1_772_442_000, id="from when it begins"),
        pytest.param(0, 60, 1_767_258_060, id="a minute from now"),
        pytest.param(1_769_850_000_000, 60, 1_769_850_060, id="a minute from when it begins"),
        pytest.param(0, 0, 1_767_258_000, id="no longer"),
    ],
)
def test_time_to_live_counts_from_the_later_of_now_and_the_beginning(
    due_at_ms: int, keep_s: int | None, ttl_s: int
) -> None:
    aws, messages = store(inserted(None))
    messages.put_if_absent([OURS.entry("c", "k")], due_at_ms=due_at_ms, keep_s=keep_s)
    if keep_s is None:
        messages.put_batch(BATCH.id, b"packed", due_at_ms)
    for _, params in aws.requests:
        assert params["Statements"][0]["Parameters"][-1] == {"N": str(ttl_s)}


def test_a_batch_that_is_too_large_is_not_stored() -> None:
    _, messages = store(inserted("ValidationError"))
    with pytest.raises(StoreUnavailable):
        messages.put_batch(BATCH.id, b"packed", 0)


@pytest.mark.parametrize(
    ("answers", "reads"),
    [
        pytest.param([batch_item(BATCH.id)], [False], id="a replica has it"),
        pytest.param([{}, batch_item(BATCH.id)], [False, True], id="no replica has it yet"),
    ],
)
def test_a_batch_is_read_once_and_consistently_where_a_replica_does_not_do(
    answers: list[Answer], reads: list[bool]
) -> None:
    aws, messages = store(*answers)
    assert messages.get_batch(BATCH.id) == messages.get_batch(BATCH.id) == BATCH
    key = {"pk": {"S": BATCH.id}, "sk": {"S": "batch"}}
    assert aws.requests == [
        ("GetItem", {"TableName": "Messages", "Key": key, "ConsistentRead": consistent})
        for consistent in reads
    ]


def test_a_batch_that_is_gone_is_asked_for_again() -> None:
    """Another process may not have stored it yet."""
    aws, messages = store({}, {}, batch_item(BATCH.id))
    assert messages.get_batch(BATCH.id) is None
    assert messages.get_batch(BATCH.id) == BATCH
    assert len(aws.requests) == 3


def test_the_batches_that_are_kept_are_bounded() -> None:
    aws, messages = store(lambda _, params: batch_item(params["Key"]["pk"]["S"]))
    for number in range(65):
        messages.get_batch(f"batch-{number}")
    messages.get_batch("batch-64")
    messages.get_batch("batch-1")
    assert len(aws.requests) == 65
    messages.get_batch("batch-0")
    assert len(aws.requests) == 66


@pytest.mark.parametrize("failure", [Refusal("ProvisionedThroughputExceededException"), LOST])
@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda messages: messages.get_batch("c"), id="get_batch"),
        pytest.param(lambda messages: messages.put_batch("c", b"x", 0), id="put_batch"),
        pytest.param(
            lambda messages: messages.get_entries([("c", "final#0000")]), id="get_entries"
        ),
        pytest.param(lambda messages: messages.find_entries("c", "final#"), id="find_entries"),
        pytest.param(
            lambda messages: messages.put_if_absent([OURS.entry("c", "k")]), id="put_if_absent"
        ),
        pytest.param(lambda messages: messages.put_over([OURS.entry("c", "k")]), id="put_over"),
    ],
)
def test_a_failure_of_aws_is_an_unavailable_store(call: Any, failure: Exception) -> None:
    _, messages = store(failure)
    with pytest.raises(StoreUnavailable):
        call(messages)


# Ledger entries


def test_an_entry_is_put_where_there_is_none() -> None:
    entry = OURS.entry("batch", "claim#001#0000", at=7, indexes=(1, 2))
    aws, messages = store(inserted(None))
    assert messages.put_if_absent([entry]) == [entry]
    (statement,) = aws.requests[0][1]["Statements"]
    assert statement["Parameters"] == list(item_of(entry, '{"at":7,"indexes":[1,2]}').values())
    assert aws.operations == ["BatchExecuteStatement"]


def test_what_stands_already_is_read_back_in_its_place() -> None:
    entries = [OURS.entry("batch", f"final#{number:04d}", at=7) for number in range(3)]
    foreign = Lease("other", "elsewhere", 5).entry("batch", "final#0001", at=7)
    aws, messages = store(
        inserted(None, "DuplicateItem", "DuplicateItem"),
        {"Responses": {"Messages": [item_of(entries[2]), item_of(foreign)]}},
    )
    assert messages.put_if_absent(entries) == [entries[0], foreign, entries[2]]
    _, params = aws.requests[1]
    assert params["RequestItems"]["Messages"]["ConsistentRead"] is True
    assert [key["sk"]["S"] for key in params["RequestItems"]["Messages"]["Keys"]] == [
        "final#0001",
        "final#0002",
    ]


def test_an_entry_that_is_gone_when_it_is_read_back_is_not_guessed() -> None:
    _, messages = store(inserted("DuplicateItem"), {"Responses": {"Messages": []}})
    with pytest.raises(StoreUnavailable, match="deleted"):
        messages.put_if_absent([OURS.entry("batch", "final#0000", at=7)])


def test_no_entries_are_no_call() -> None:
    aws, messages = store({})
    assert messages.put_if_absent([]) == []
    assert messages.get_entries([]) == []
    assert aws.requests == []


def test_entries_are_returned_in_the_order_of_their_keys() -> None:
    first, last = OURS.entry("a", "final#0000", at=7), OURS.entry("b", "final#0001", at=7)
    _, messages = store({"Responses": {"Messages": [item_of(last), item_of(first)]}})
    keys = [first.key, ("a", "absent"), last.key]
    assert messages.get_entries(keys) == [first, None, last]


def test_no_table_in_an_answer_means_that_there_are_none() -> None:
    _, messages = store({"Responses": {}, "UnprocessedKeys": {}})
    assert messages.get_entries([("a", "k")]) == [None]


def test_a_hundred_keys_are_read_at_a_time() -> None:
    aws, messages = store({"Responses": {}})
    assert messages.get_entries([("a", str(number)) for number in range(201)]) == [None] * 201
    sizes = [len(params["RequestItems"]["Messages"]["Keys"]) for _, params in aws.requests]
    assert sizes == [100, 100, 1]


def test_keys_that_were_not_processed_are_asked_for_again() -> None:
    entries = [OURS.entry("a", f"final#{number:04d}", at=7) for number in range(2)]
    key = {"pk": {"S": "a"}, "sk": {"S": "final#0001"}}
    unprocessed = {"Messages": {"Keys": [key], "ConsistentRead": True}}
    aws, messages = store(
        {"Responses": {"Messages": [item_of(entries[0])]}, "UnprocessedKeys": unprocessed},
        {"Responses": {"Messages": [item_of(entries[1])]}},
    )
    assert messages.get_entries([entry.key for entry in entries]) == entries
    assert aws.requests[1][1] == {"RequestItems": unprocessed}


def test_entries_are_found_by_prefix_over_all_pages() -> None:
    entries = [OURS.entry("a", f"final#{number:04d}", at=7) for number in range(3)]
    last_key = {"pk": {"S": "a"}, "sk": {"S": "final#0001"}}
    aws, messages = store(
        {"Items": [item_of(entries[0]), item_of(entries[1])], "LastEvaluatedKey": last_key},
        {"Items": [item_of(entries[2])]},
    )
    assert messages.find_entries("a", "final#") == entries
    first, second = (params for _, params in aws.requests)
    assert first["ConsistentRead"] is True
    assert first["KeyConditionExpression"] == "pk = :pk AND begins_with(sk, :kind)"
    assert first["ExpressionAttributeValues"] == {":pk": {"S": "a"}, ":kind": {"S": "final#"}}
    assert second["ExclusiveStartKey"] == last_key


def test_what_an_entry_says_comes_back() -> None:
    data = {"state": "failed", "carrier_code": "नमस्ते \x00", "not_taken": [[1, 30]], "at": 2**42}
    entry = OURS.entry("a", "outcome#001#0000", **data)
    aws, messages = store(inserted(None))
    messages.put_if_absent([entry])
    values = aws.requests[0][1]["Statements"][0]["Parameters"]
    names = ("pk", "sk", "task_id", "worker_id", "expires_at_ms", "data", "ttl")
    item = dict(zip(names, values, strict=True))
    _, reading = store({"Responses": {"Messages": [item]}})
    assert reading.get_entries([entry.key]) == [entry]


def test_keys_that_are_never_processed_make_an_unavailable_store() -> None:
    request = []

    def unprocessed(_: str, params: dict[str, Any]) -> dict[str, Any]:
        request.append(params)
        return {"Responses": {}, "UnprocessedKeys": params["RequestItems"]}

    aws = ScriptedAws("dynamodb", unprocessed)
    messages = DynamoMessageStore(aws.client, "Messages", RETENTION_S, lambda: NOW, lambda _: None)
    with pytest.raises(StoreUnavailable):
        messages.get_entries([("a", "k")])
    assert len(request) > 6
