"""ExportQueue: make an account's export piece by piece.

Next: `harkara.activity.export_steps`. functions/manage begins exports and gives the links to them.
"""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from harkara.activity.exports import decode_task
from harkara.base.time import Deadline
from harkara.model.ledger import Lease
from harkara.runtime.sqs_batches import consume
from harkara.wiring.files import on_aws

services = cache(on_aws)


async def export(body: str, lease: Lease, deadline: Deadline) -> Counter[str]:
    return services().exports.work(decode_task(body), deadline)


def put_back(queue_arn: str, delays_s: Sequence[tuple[str, int]]) -> None:
    services().exports.queues.put_back(queue_arn, delays_s)


def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    return consume(event, context, export, put_back=put_back)
