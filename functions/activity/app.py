"""The Messages table's stream: count and index what happened to messages.

Next: `harkara.activity.service`. functions/manage reads what this writes.
"""

from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from harkara.base.time import invocation
from harkara.wiring.activity import on_aws

services = cache(on_aws)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    # The event names its shard only because the mapping has a tumbling window, whose last event has
    # no records, and whose answers must have a state (AWS Lambda Developer Guide, "Implementing
    # stateful DynamoDB stream processing in Lambda").
    if event["Records"]:
        with invocation(context):
            services().count(event["shardId"], event["Records"])
    return {"state": {}, "batchItemFailures": []}
