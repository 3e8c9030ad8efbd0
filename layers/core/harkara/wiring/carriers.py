"""Build the service of the operator's carriers, for the console and for the command."""

import random
from typing import Any

from harkara.activity.stats import StatsService
from harkara.aws.limits import DynamoLimitStore
from harkara.aws.operator import OperatorStore
from harkara.manage.carriers import CarrierService
from harkara.state.circuit_breaker import CircuitBreakers


def wire_carriers(
    dynamodb: Any, accounts_table: str, messages_table: str, stats: StatsService
) -> CarrierService:
    """Build the service on tables. What `submit` logs of circuit breakers is not logged twice."""
    limits = DynamoLimitStore(dynamodb, messages_table)
    return CarrierService(
        OperatorStore(dynamodb, accounts_table),
        stats,
        CircuitBreakers(limits, stats.clock, random.SystemRandom().random, lambda _: None),
        limits.timelines,
    )
