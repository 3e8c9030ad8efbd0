"""SubmitQueue: submit the messages of a message batch to their carrier.

Next: `harkara.submit.service`; the carrier's receipts arrive at functions/receipt.
"""

from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from harkara.base.time import Deadline
from harkara.model.ledger import Lease
from harkara.model.submit_tasks import decode_submit
from harkara.runtime.sqs_batches import consume
from harkara.wiring.submit import on_aws

services = cache(on_aws)


async def submit(body: str, lease: Lease, deadline: Deadline) -> Counter[str]:
    return await services().submit(decode_submit(body), lease, deadline)


def set_checks(bodies: Mapping[str, str]) -> Mapping[str, str]:
    return services().checks.set_together(bodies)


def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    return consume(event, context, submit, prepare=set_checks, queues=lambda: services().queues)
