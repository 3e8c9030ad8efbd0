"""ReceiptQueue, CallbackQueue: write final states and post callbacks. A message's path ends here.

Next: `harkara.receipts.final_states` for receipts (before it `harkara.receipts.service`, for
receipts that came one by one), `harkara.callbacks.service` for callbacks that wait or are retried,
`harkara.receipts.reconcile` for message batches that wait for receipts.
"""

from collections import Counter
from collections.abc import Mapping
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from harkara.base.time import Deadline
from harkara.model.ledger import Lease
from harkara.runtime.sqs_batches import consume
from harkara.wiring.dlr import on_aws

services = cache(on_aws)


async def dlr(body: str, lease: Lease, deadline: Deadline) -> Counter[str]:
    return await services().handle(body, lease, deadline)


def coalesce(bodies: Mapping[str, str]) -> set[str]:
    return services().coalesce.coalesce(bodies)


def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    return consume(event, context, dlr, coalesce=coalesce, queues=lambda: services().deliver.queues)
