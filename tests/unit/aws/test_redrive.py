"""The calls to SQS about dead letters, and its refusals."""

import pytest

from harkara.aws.redrive import SqsQueues
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused, StoreUnavailable
from harkara.manage.queues import QueueService
from harkara.model.messages import MessageBatch
from harkara.model.submit_tasks import SubmitTask
from harkara.model.tasks import CheckTask
from tests.support.dead_letters import QUEUE_URLS, DeadLetters
from tests.unit.dispatching import BATCH
from tests.unit.scripted_aws import Answer, Refusal, ScriptedAws

ARNS = "arn:aws:sqs:ap-south-1:1:dead", "arn:aws:sqs:ap-south-1:1:queue"


def queues(*answers: Answer) -> tuple[ScriptedAws, SqsQueues]:
    aws = ScriptedAws("sqs", *answers)
    return aws, SqsQueues(aws.client)


def test_a_look_hides_nothing_and_asks_all_servers() -> None:
    aws, adapter = queues({})
    assert adapter.look("https://sqs/dead") == []
    ((_, params),) = aws.requests
    assert (params["VisibilityTimeout"], params["WaitTimeSeconds"]) == (0, 1)


@pytest.mark.parametrize("rate", [None, 7])
def test_a_move_has_a_rate_if_one_is_given(rate: int | None) -> None:
    aws, adapter = queues({"TaskHandle": "handle"})
    assert adapter.start_move(*ARNS, rate)
    ((_, params),) = aws.requests
    assert params.get("MaxNumberOfMessagesPerSecond") == rate
    assert (params["SourceArn"], params["DestinationArn"]) == ARNS


def test_a_second_move_is_not_started_and_an_ended_one_not_stopped() -> None:
    assert queues(Refusal("InvalidParameterValue"))[1].start_move(*ARNS, None) is False
    for code in ("ResourceNotFoundException", "InvalidParameterValue"):
        assert queues(Refusal(code))[1].cancel_move("handle") is False


@pytest.mark.parametrize("code", ["UnsupportedOperation", "AccessDenied", "RequestThrottled"])
def test_other_refusals_are_errors(code: str) -> None:
    _, adapter = queues(Refusal(code))
    with pytest.raises(StoreUnavailable, match=code):
        adapter.start_move(*ARNS, None)
    with pytest.raises(StoreUnavailable, match=code):
        adapter.cancel_move("handle")


class Batches:
    """One batch, or a table that cannot be reached."""

    def __init__(self, batch: MessageBatch | None, *, fails: bool = False) -> None:
        self._batch = batch
        self._fails = fails

    def get_batch(self, batch_id: str) -> MessageBatch | None:
        if self._fails:
            raise StoreUnavailable("the table is busy")
        return self._batch if self._batch and self._batch.id == batch_id else None


def service(dead: DeadLetters, batches: Batches) -> QueueService:
    aws = ScriptedAws("sqs", dead.answer)
    return QueueService(QUEUE_URLS, SqsQueues(aws.client), batches)


@pytest.mark.parametrize(
    ("batches", "account_id"),
    [
        (Batches(BATCH), BATCH.account_id),
        (Batches(None), ""),
        (Batches(BATCH, fails=True), ""),
    ],
)
def test_the_account_is_that_of_the_batch_if_it_can_be_read(
    batches: Batches, account_id: str
) -> None:
    dead = DeadLetters(lambda: 1_700_000_000.0)
    dead.put("ReceiptDeadLetters", CheckTask(BATCH.id).encode())
    dead.put("ReceiptDeadLetters", "unreadable")
    first, second = service(dead, batches).dead_letters("receipt")
    assert (first.task.account_id, second.task.account_id) == (account_id, "")
    dead.put("SubmitDeadLetters", SubmitTask(BATCH.id, "other").encode())
    (named,) = service(dead, batches).dead_letters("submit")
    assert named.task.account_id == "other"


def test_a_move_that_ended_meanwhile_is_not_stopped() -> None:
    dead = DeadLetters(lambda: 1_700_000_000.0)
    dead.put("SubmitDeadLetters", "body")
    queue_service = service(dead, Batches(None))
    queue_service.redrive("submit")
    answer = dead.answer

    def racing(operation: str, params: dict[str, object]) -> dict[str, object]:
        if operation == "CancelMessageMoveTask":
            dead.move()
        return answer(operation, params)

    aws = ScriptedAws("sqs", racing)
    late = QueueService(QUEUE_URLS, SqsQueues(aws.client), Batches(None))
    with pytest.raises(RequestRefused) as refused:
        late.cancel("submit")
    assert refused.value.code is Code.NOT_FOUND
    assert dead.tasks[0].status == "COMPLETED"
