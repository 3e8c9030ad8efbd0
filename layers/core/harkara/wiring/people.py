"""Build the service of the people who use the console, for its function and for the command."""

from typing import Any

from harkara.aws.limits import DynamoLimitStore
from harkara.aws.operator import OperatorStore
from harkara.aws.people import AUDIT_KEPT_S, DynamoUserStore, KmsUserCipher
from harkara.base.ids import Randomness
from harkara.base.keys import Keys
from harkara.base.time import Clock
from harkara.manage.people import People
from harkara.manage.proofs import Tickets
from harkara.state.sign_in_limits import SignInLimits


def wire_people(
    *,
    dynamodb: Any,
    kms: Any,
    accounts_table: str,
    messages_table: str,
    secrets_key_id: str,
    pepper: Keys,
    clock: Clock,
    randomness: Randomness,
    audit_kept_s: int = AUDIT_KEPT_S,
    local: bool = False,
) -> People:
    """Build the service on tables.

    `local` allows links that sign in without a password: the stack on one machine has them.
    """
    accounts = OperatorStore(dynamodb, accounts_table)
    return People(
        store=DynamoUserStore(
            dynamodb, accounts_table, clock, randomness, audit_kept_s=audit_kept_s
        ),
        cipher=KmsUserCipher(kms, secrets_key_id),
        limits=SignInLimits(DynamoLimitStore(dynamodb, messages_table), clock),
        tickets=Tickets(pepper),
        has_account=lambda account_id: accounts.account(account_id) is not None,
        clock=clock,
        randomness=randomness,
        local=local,
    )
