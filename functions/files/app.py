"""ExportQueue, and the Messages table's stream: make exports and event files in S3.

Next: `harkara.activity.export_steps` for the next piece of an export, which functions/manage
began; `harkara.activity.event_files` for events of the stream, where the operator wants them.
"""

from collections import Counter
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from harkara.activity.exports import decode_task
from harkara.base.time import Deadline, invocation
from harkara.model.ledger import Lease
from harkara.runtime.sqs_batches import consume
from harkara.wiring.files import on_aws

services = cache(on_aws)


async def export(body: str, lease: Lease, deadline: Deadline) -> Counter[str]:
    return services().exports.work(decode_task(body), deadline)


def handler(event: dict[str, Any], context: LambdaContext) -> Any:
    if event["Records"][0]["eventSource"] == "aws:dynamodb":
        with invocation(context):
            services().events.write(event["Records"])
        return {"batchItemFailures": []}
    return consume(event, context, export, queues=lambda: services().exports.queues)
