"""The queues and, for what waits longer than SQS lets it, the Due table."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from harkara.aws.clients import aws_errors
from harkara.aws.due import DynamoDueTable
from harkara.errors import StoreUnavailable
from harkara.tasks import QueueName

DELAY_LIMIT_S = 900
_BATCH = 10
_TRIES = 3


class SqsTaskQueues:
    """Queues by name. Without a Due table nothing can be scheduled beyond a quarter of an hour."""

    def __init__(
        self, client: Any, urls: Mapping[QueueName, str], due: DynamoDueTable | None = None
    ) -> None:
        self._client = client
        self._urls = urls
        self._due = due

    def send(self, queue: QueueName, bodies: Sequence[str], group: str = "") -> list[bool]:
        """Put bodies in a queue; say for each whether it is in."""
        return self._send(queue, bodies, group, delay_s=0)

    def schedule(self, queue: QueueName, body: str, delay_s: float, group: str = "") -> None:
        """Put a body in a queue once `delay_s` seconds have passed. Raises StoreUnavailable."""
        if delay_s > DELAY_LIMIT_S and self._due is not None:
            self._due.put(queue, body, delay_s)
            return
        (sent,) = self._send(queue, [body], group, min(math.ceil(delay_s), DELAY_LIMIT_S))
        if not sent:
            raise StoreUnavailable(f"the {queue} queue did not take a task")

    def _send(
        self, queue: QueueName, bodies: Sequence[str], group: str, delay_s: int
    ) -> list[bool]:
        sent = [False] * len(bodies)
        for at in range(0, len(bodies), _BATCH):
            open_places = list(range(at, min(at + _BATCH, len(bodies))))
            for _ in range(_TRIES):
                entries = [
                    {
                        "Id": str(place),
                        "MessageBody": bodies[place],
                        **({"DelaySeconds": delay_s} if delay_s else {}),
                        # On a standard queue the group is for fair queues: no order, no lock.
                        **({"MessageGroupId": group} if group else {}),
                    }
                    for place in open_places
                ]
                with aws_errors():
                    answer = self._client.send_message_batch(
                        QueueUrl=self._urls[queue], Entries=entries
                    )
                for entry in answer.get("Successful", ()):
                    sent[int(entry["Id"])] = True
                open_places = [place for place in open_places if not sent[place]]
                if not open_places:
                    break
        return sent
