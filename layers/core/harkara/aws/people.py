"""The people who use the console, and the audit log, in the Accounts table.

    user#<id>            user              a user, as JSON in `data`
    users#<account>      <address>         lists a user by its id
    audit#<account>      <time>#<random>   an entry of the log, newest first, until its `ttl`

A user changes in one transaction with the entry that says so. `*` stands for operators, who have
no account.
"""

import os
import re
import time
from collections.abc import Callable
from itertools import islice
from typing import Any

from harkara.aws.clients import aws_errors
from harkara.aws.messages import has_expired
from harkara.aws.table import Item, Table, Value, key, update_of, values
from harkara.base.errors import FieldRefused
from harkara.base.ids import Randomness
from harkara.base.json import decode, encode
from harkara.base.time import DAY_S, END_MS, Clock
from harkara.model.people import AuditEntry, AuditPage, User

AUDIT_KEPT_S = 365 * DAY_S
_OPERATORS = "*"
_USER = "user"
# Later than any time: what is left of it sorts the newest entry first.
_CURSOR = re.compile(r"[0-9]{13}\.[0-9a-f]{16}")
_RANDOM_BYTES = 8


class DynamoUserStore:
    """Stores users and the audit log; nothing is cached, so that a revocation counts at once."""

    def __init__(
        self,
        client: Any,
        table: str,
        clock: Clock = time.time,
        randomness: Randomness = os.urandom,
        *,
        audit_kept_s: int = AUDIT_KEPT_S,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._table = Table(client, table, pause)
        self._clock = clock
        self._randomness = randomness
        self._audit_kept_s = audit_kept_s

    def get(self, user_id: str) -> User | None:
        """Return a user."""
        item = self._table.get(_user(user_id), _USER)
        return _of(item) if item else None

    def create(self, user: User, entry: AuditEntry) -> bool:
        """Store a user, its row in the list, and an audit entry; return False if it exists."""
        item = {**key(_user(user.id), _USER), **values({"data": user.model_dump_json()})}
        put = {"Item": item, "ConditionExpression": "attribute_not_exists(pk)"}
        listed = {**_listed(user.account_id, user.email), **values({"user_id": user.id})}
        return self._table.transact({"Put": put}, {"Put": {"Item": listed}}, self._put(entry))

    def change(
        self,
        user_id: str,
        change: Callable[[User], User],
        entry_of: Callable[[User], AuditEntry] | None = None,
    ) -> User | None:
        """Replace a user by the result of `change`, with an entry (as `UserStore` says)."""

        def write(item: Item) -> User | None:
            user = _of(item)
            changed = change(user)
            # Also what this call has written before, if the answer was lost.
            if changed == user:
                return user
            update = update_of(
                _user(user_id),
                _USER,
                "SET #data = :new",
                "#data = :seen",
                {":new": changed.model_dump_json(), ":seen": item["data"]["S"]},
            )
            entries = [self._put(entry_of(changed))] if entry_of else []
            return changed if self._table.transact({"Update": update}, *entries) else None

        return self._table.change(_user(user_id), _USER, write)

    def remove(
        self, user_id: str, check: Callable[[User], None], entry_of: Callable[[User], AuditEntry]
    ) -> bool:
        """Remove a user and its place in the list (as `UserStore` says)."""

        def delete(item: Item) -> bool | None:
            user = _of(item)
            check(user)
            own = {
                "Key": key(_user(user_id), _USER),
                "ConditionExpression": "#data = :seen",
                "ExpressionAttributeNames": {"#data": "data"},
                "ExpressionAttributeValues": {":seen": item["data"]},
            }
            listed = {"Delete": {"Key": _listed(user.account_id, user.email)}}
            return self._table.transact({"Delete": own}, listed, self._put(entry_of(user))) or None

        return bool(self._table.change(_user(user_id), _USER, delete))

    def users(self, account_id: str | None) -> list[User]:
        """Return the users of an account, or the operators, by their addresses."""
        return sorted(self._users(account_id), key=lambda user: user.email)

    def record(self, entry: AuditEntry) -> None:
        """Add an entry to the log of its account."""
        self._table.put(self._put(entry)["Put"]["Item"])

    def audit(self, account_id: str | None, after: str, limit: int) -> AuditPage:
        """Return up to `limit` entries beyond a cursor, newest first. Raises FieldRefused."""
        if after and not _CURSOR.fullmatch(after):
            raise FieldRefused("cursor", "the cursor of a page")
        now_s = self._clock()
        items = self._table.query(
            _audit(account_id), after=after.replace(".", "#"), limit=limit + 1
        )
        found = [*islice((each for each in items if not has_expired(each, now_s)), limit + 1)]
        entries = [
            AuditEntry(int(each["at_ms"]["N"]), account_id, *decode(each["data"]["S"]))
            for each in found[:limit]
        ]
        more = len(found) > limit
        return AuditPage(entries, found[limit - 1]["sk"]["S"].replace("#", ".") if more else None)

    def erase(self, account_id: str) -> int:
        """Remove an account's users and its log; the same call again removes what is left."""
        users = self._users(account_id)
        self._delete([key(_user(user.id), _USER) for user in users])
        for partition in (_list(account_id), _audit(account_id)):
            for page in self._table.pages(partition):
                self._delete([{"pk": item["pk"], "sk": item["sk"]} for item in page])
        return len(users)

    def _users(self, account_id: str | None) -> list[User]:
        ids = [item["user_id"]["S"] for item in self._table.query(_list(account_id))]
        found = map(_of, self._table.read([key(_user(each), _USER) for each in ids]))
        # An erasure that died has left a place in the list of a user who may be another account's.
        return [user for user in found if user.account_id == account_id]

    def _delete(self, keys: list[Item]) -> None:
        self._table.write([{"DeleteRequest": {"Key": each}} for each in keys])

    def _put(self, entry: AuditEntry) -> Item:
        at = f"{END_MS - entry.at_ms:013d}#{self._randomness(_RANDOM_BYTES).hex()}"
        fields: dict[str, Value] = {
            "at_ms": entry.at_ms,
            "data": encode([entry.email, entry.action, entry.subject, entry.address]).decode(),
            "ttl": entry.at_ms // 1000 + self._audit_kept_s,
        }
        return {"Put": {"Item": {**key(_audit(entry.account_id), at), **values(fields)}}}


class KmsUserCipher:
    """Encrypts the secrets of users with a key of KMS."""

    def __init__(self, kms: Any, key_id: str) -> None:
        self._kms = kms
        self._key_id = key_id

    def encrypt(self, user_id: str, secret: bytes) -> bytes:
        """Return a user's secret as KMS ciphertext. Raises StoreUnavailable."""
        with aws_errors():
            answer = self._kms.encrypt(
                KeyId=self._key_id, Plaintext=secret, EncryptionContext={"user": user_id}
            )
        return bytes(answer["CiphertextBlob"])

    def decrypt(self, user_id: str, encrypted: bytes) -> bytes:
        """Return a user's decrypted secret. Raises StoreUnavailable."""
        with aws_errors():
            answer = self._kms.decrypt(
                CiphertextBlob=encrypted, EncryptionContext={"user": user_id}
            )
        return bytes(answer["Plaintext"])


def _of(item: Item) -> User:
    return User.model_validate_json(item["data"]["S"])


def _user(user_id: str) -> str:
    return f"user#{user_id}"


def _list(account_id: str | None) -> str:
    return f"users#{_OPERATORS if account_id is None else account_id}"


def _listed(account_id: str | None, email: str) -> Item:
    return key(_list(account_id), email)


def _audit(account_id: str | None) -> str:
    return f"audit#{_OPERATORS if account_id is None else account_id}"
