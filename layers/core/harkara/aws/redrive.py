"""Count messages of queues, look at dead letters, and have SQS move them back.

Amazon SQS API Reference, StartMessageMoveTask: "Only one active message movement task is supported
per queue at any given time"; the source must be the dead-letter queue of another queue. The same,
ListMessageMoveTasks: up to ten tasks, the newest first; a task has its handle while it runs.
"""

from typing import Any

from harkara.aws.clients import SQSClient, aws_errors
from harkara.base.errors import StoreUnavailable
from harkara.manage.queues import MOVES_SHOWN, Depth, LookedAt, Move

_LOOKED_AT = 10
# Another task is under way, or the one to cancel is not.
_NOT_NOW = "InvalidParameterValue", "ResourceNotFoundException"


class SqsQueues:
    """The queues as SQS shows them, and its moves of dead letters (`harkara.manage.queues`)."""

    def __init__(self, client: SQSClient) -> None:
        self._client = client

    def depth(self, url: str) -> Depth:
        """Count a queue's messages."""
        with aws_errors():
            answer = self._client.get_queue_attributes(
                QueueUrl=url,
                AttributeNames=[
                    "ApproximateNumberOfMessages",
                    "ApproximateNumberOfMessagesNotVisible",
                    "ApproximateNumberOfMessagesDelayed",
                    "QueueArn",
                    "MessageRetentionPeriod",
                ],
            )
        found = answer["Attributes"]
        return Depth(
            waiting=int(found["ApproximateNumberOfMessages"]),
            taken=int(found["ApproximateNumberOfMessagesNotVisible"]),
            delayed=int(found["ApproximateNumberOfMessagesDelayed"]),
            arn=found["QueueArn"],
            kept_s=int(found["MessageRetentionPeriod"]),
        )

    def look(self, url: str) -> list[LookedAt]:
        """Return up to ten messages of a queue, which stay in it and visible.

        Without a second's wait SQS asks some of its servers only, and may find none of few.
        """
        with aws_errors():
            answer = self._client.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=_LOOKED_AT,
                VisibilityTimeout=0,
                WaitTimeSeconds=1,
                MessageSystemAttributeNames=[
                    "SentTimestamp",
                    "ApproximateFirstReceiveTimestamp",
                    "ApproximateReceiveCount",
                ],
            )
        return [
            LookedAt(
                each["MessageId"],
                each["Body"],
                sent_ms=int(each["Attributes"]["SentTimestamp"]),
                first_received_ms=int(each["Attributes"]["ApproximateFirstReceiveTimestamp"]),
                receives=int(each["Attributes"]["ApproximateReceiveCount"]),
            )
            for each in answer.get("Messages", ())
        ]

    def moves(self, arn: str) -> list[Move]:
        """Return the newest redrives from a queue of dead letters, newest first."""
        with aws_errors():
            answer = self._client.list_message_move_tasks(SourceArn=arn, MaxResults=MOVES_SHOWN)
        return [
            Move(
                each["Status"],
                each.get("ApproximateNumberOfMessagesMoved", 0),
                each.get("ApproximateNumberOfMessagesToMove"),
                each["StartedTimestamp"],
                each.get("MaxNumberOfMessagesPerSecond"),
                each.get("FailureReason", ""),
                each.get("TaskHandle", ""),
            )
            for each in answer.get("Results", ())
        ]

    def start_move(self, arn: str, destination_arn: str, rate_per_s: int | None) -> bool:
        """Let SQS move all messages; return False if a redrive of this queue is under way."""
        rate: Any = {"MaxNumberOfMessagesPerSecond": rate_per_s} if rate_per_s else {}
        try:
            with aws_errors():
                self._client.start_message_move_task(
                    SourceArn=arn, DestinationArn=destination_arn, **rate
                )
        except StoreUnavailable as error:
            if str(error) != "InvalidParameterValue":
                raise
            return False
        return True

    def cancel_move(self, handle: str) -> bool:
        """Stop a redrive; what it moved stays moved. Return False if it has ended."""
        try:
            with aws_errors():
                self._client.cancel_message_move_task(TaskHandle=handle)
        except StoreUnavailable as error:
            if str(error) not in _NOT_NOW:
                raise
            return False
        return True
