"""Every minute: move due tasks from the Due table to their queues (late retries, checks).

Next: `harkara.scheduler`. Several invocations share the shards of the table: the event of each
names its shards.
"""

import asyncio
from contextlib import closing
from functools import cache
from typing import Any

from aws_lambda_powertools.utilities.typing import LambdaContext

from harkara.base.time import invocation
from harkara.ports import SHARDS
from harkara.wiring.sweep import on_aws

services = cache(on_aws)


def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, int]:
    shards = set(event.get("shards", range(SHARDS)))
    if not shards or not shards <= set(range(SHARDS)):
        raise ValueError(f"`shards` is a list of numbers below {SHARDS}; leave it out for all")
    with closing(asyncio.new_event_loop()) as loop, invocation(context) as deadline:
        sweep = services().sweep(deadline, sorted(shards))
        return {"enqueued": loop.run_until_complete(sweep)}
