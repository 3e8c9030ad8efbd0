"""The people of the console in tests: the real service, on tables in memory.

Only passwords are cheap here, and tries are not limited: tests/unit/manage has both as they are.
"""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harkara.base.keys import Keys
from harkara.base.time import Clock
from harkara.manage.people import People
from harkara.manage.proofs import Passwords
from harkara.model.people import AuditEntry, Role, Session, user_id_of
from harkara.state.sign_in_limits import SignInLimits, TryLimit
from harkara.wiring.people import wire_people
from tests.support.dynamo import ACCOUNTS, MESSAGES

PASSWORD = "a long enough password"
COMMAND = Session("", "command:tests", None, Role.OPERATOR)
_UNLIMITED = TryLimit(10**6, 1)


def new_people(dynamodb: Any, kms: Any, has_account: Callable[[str], bool], clock: Clock) -> People:
    """Return the service on tables. Its log keeps the order of entries of one moment."""
    drawn = itertools.count(1)
    people = wire_people(
        dynamodb=dynamodb,
        kms=kms,
        accounts_table=ACCOUNTS,
        messages_table=MESSAGES,
        secrets_key_id="SecretsKey",
        pepper=Keys(lambda: [b"pepper"], clock),
        clock=clock,
        # Downwards, because the log is read from its newest entry.
        randomness=lambda size: (256**size - next(drawn)).to_bytes(size, "big"),
        local=True,
    )
    return replace(quick(people), has_account=has_account)


def quick(people: People) -> People:
    """Return the service with cheap passwords and without limits."""
    limits = SignInLimits(people.limits.store, people.clock, _UNLIMITED, _UNLIMITED)
    return replace(people, passwords=Passwords(log_n=1, r=1, p=1), limits=limits)


def cookie_of(people: People, email: str, account_id: str | None, role: Role) -> str:
    """Return a cookie of a user with PASSWORD, who is invited first if there is none."""
    user = people.store.get(user_id_of(email))
    if user and not user.is_invited:
        return people.sign_in(email, PASSWORD, "", "")
    return people.accept_invitation(people.invite(email, account_id, role, COMMAND), PASSWORD)


def changes(people: People, account_id: str = "sandbox") -> list[AuditEntry]:
    """Return an account's log but for what concerns its users, oldest first."""
    entries = reversed(people.audit(account_id).entries)
    return [each for each in entries if not each.action.startswith("user.")]
