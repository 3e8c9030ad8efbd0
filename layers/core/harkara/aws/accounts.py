"""The Accounts table: settings of operators and customers, cached for a minute.

Each record is one item, its fields as JSON in `data`: decoding ten thousand templates from
DynamoDB's own types takes seconds. An account and its senders, templates and callbacks share a
partition; every write to it increments the account's `version`, so that after a minute a reader
learns from one item that nothing has changed. A credential is found by its user name alone; an
index item in its account's partition lists it.

The process caches records for some seconds. A cached record is used only as long as it permits the
request. Before a request is refused because of a record, or because of its absence, the record is
read anew, since an operator or a customer may have changed it a moment ago. Repeated requests that
are refused cost at most one read per `CONFIRMED_S`.

Seconds are those of the wall clock. The monotonic clock may stand still while Lambda keeps a
process frozen between two invocations, or as a snapshot, so records would outlive their time.
"""

import threading
import time
from collections.abc import Callable
from itertools import chain
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import BaseModel

from harkara.aws.clients import DynamoDBClient
from harkara.aws.table import Item, Table, Value, update_of, values
from harkara.base.json import decode
from harkara.base.time import Clock
from harkara.model.accounts import Account, Credential, Sender, Template
from harkara.model.answers import KeywordAnswer
from harkara.model.callbacks import CallbackEndpoint
from harkara.model.fields import Part, name_of

CONFIRMED_S = 2.0
# Records read within this time count as current.
NOW_S = 0.1

T = TypeVar("T")


class _Cached(NamedTuple, Generic[T]):
    """A cached record and its time of reading.

    `confirmed_s` is the last time that it was read anew because it did not suit.
    """

    value: T | None
    read_s: float
    confirmed_s: float | None = None


class Cache(Generic[T]):
    """Caches up to `limit` records for `kept_s` seconds each, and as many absent names.

    `read` gets a name and its cached record, which it may return if that has not changed. Absent
    names are cached apart, so invented names evict no existing record.
    """

    def __init__(
        self,
        read: Callable[[str, T | None], T | None],
        kept_s: float,
        limit: int,
        clock: Clock,
    ) -> None:
        self._read = read
        self._kept_s = kept_s
        self._clock = clock
        self._limit = limit
        self._present: dict[str, _Cached[T]] = {}
        self._absent: dict[str, _Cached[T]] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._present) + len(self._absent)

    def get(self, name: str, suits: Callable[[T], bool] | None = None) -> T | None:
        """Return a record, None if there is none; raises the errors of `read`.

        If `suits` is false for the cached record, the record is read anew.
        """
        cached, now_s = self._present.get(name) or self._absent.get(name), self._clock()
        if cached is None or not self._is_within(cached.read_s, self._kept_s, now_s):
            return self._remember(name, _Cached(self._read(name, cached and cached.value), now_s))
        suited = cached.value is not None and (suits is None or suits(cached.value))
        is_of_now = self._is_within(cached.read_s, NOW_S, now_s)
        if suited or is_of_now or self._is_within(cached.confirmed_s, CONFIRMED_S, now_s):
            return self._remember(name, cached)
        return self._remember(name, _Cached(self._read(name, cached.value), now_s, now_s))

    def _remember(self, name: str, cached: _Cached[T]) -> T | None:
        """Store a record as the most recently used; evict the least recently used if it is full."""
        with self._lock:
            for room in (self._present, self._absent):
                room.pop(name, None)
            room = self._absent if cached.value is None else self._present
            room[name] = cached
            if len(room) > self._limit:
                del room[next(iter(room))]
        return cached.value

    @staticmethod
    def _is_within(then_s: float | None, span_s: float, now_s: float) -> bool:
        """Whether a time is less than a span ago; false for a future time (clock set back)."""
        return then_s is not None and 0 <= now_s - then_s < span_s


CACHE_S = 60
CACHE_LIMIT = 1_000
NAME_LIMIT = 256

# An account's resources are items of their own.
PARTS = {"senders", "templates", "callbacks", "answers", "version"}
PART_PREFIXES: dict[type, str] = {
    Sender: "sender#",
    Template: "template#",
    CallbackEndpoint: "callback#",
    KeywordAnswer: "answer#",
}
# Sort keys in order: account, answer#, callback#, credential#, sender#, template# and then nothing.
_TEMPLATES = "template#"
_END = "u"
R = TypeVar("R", bound=BaseModel)


class DynamoAccountStore:
    """Accounts and credentials in DynamoDB, cached.

    If `templates` is false, accounts are read without their templates, which are most of the data.
    If `suits` is false for a cached record, the record is read anew.
    """

    def __init__(
        self,
        client: DynamoDBClient,
        table: str,
        clock: Clock = time.time,
        *,
        templates: bool = True,
    ) -> None:
        self._table = Table(client, table)
        self._templates = templates
        self._credentials = Cache(self._read_credential, CACHE_S, CACHE_LIMIT, clock)
        self._accounts = Cache(self._read_account, CACHE_S, CACHE_LIMIT, clock)

    def credential(
        self, username: str, suits: Callable[[Credential], bool] | None = None
    ) -> Credential | None:
        """Return the credential of a user name. Raises StoreUnavailable."""
        return self._credentials.get(username, suits) if is_short(username) else None

    def account(
        self, account_id: str, suits: Callable[[Account], bool] | None = None
    ) -> Account | None:
        """Return an account with its resources: the same object as long as it has not changed.

        Raises StoreUnavailable.
        """
        return self._accounts.get(account_id, suits) if is_short(account_id) else None

    def put_credential(self, credential: Credential) -> None:
        """Store a credential."""
        self._table.put(credential_index_item(credential))
        self._put(f"credential#{credential.username}", "credential", credential)

    def put_account(self, account: Account) -> None:
        """Store an account; its senders, templates and callbacks become items of their own."""
        parts = (account.senders, account.templates, account.callbacks, account.answers)
        for part in chain.from_iterable(each.values() for each in parts):
            self._table.put(part_item(account.id, part))
        parameters: dict[str, Value] = {":data": account.model_dump_json(exclude=PARTS), ":one": 1}
        update = "SET #data = :data ADD #version :one"
        self._table.update(
            update_of(f"account#{account.id}", "account", update, parameters=parameters)
        )

    def _read_credential(self, username: str, _: Credential | None) -> Credential | None:
        return self._get(f"credential#{username}", "credential", Credential)

    def _read_account(self, account_id: str, cached: Account | None) -> Account | None:
        partition = f"account#{account_id}"
        if cached is not None:
            item = self._table.get(partition, "account")
            if item is not None and int(item["version"]["N"]) == cached.version:
                return cached
        end = _END if self._templates else _TEMPLATES
        fields: dict[str, Any] = {}
        senders: dict[str, Sender] = {}
        templates: dict[str, Template] = {}
        callbacks: dict[str, CallbackEndpoint] = {}
        answers: dict[str, KeywordAnswer] = {}
        # A replica may show a new version with old resources, which would hide the new ones until
        # the next version; queries are consistent.
        for item in self._table.query(partition, "sk < :end", {":end": end}):
            data = item["data"]["S"]
            match item["sk"]["S"].partition("#"):
                case "account", _, _:
                    fields = {**decode(data), "version": int(item["version"]["N"])}
                case "sender", _, name:
                    senders[name] = Sender.model_validate_json(data)
                case "template", _, name:
                    templates[name] = Template.model_validate_json(data)
                case "callback", _, name:
                    callbacks[name] = CallbackEndpoint.model_validate_json(data)
                case "answer", _, name:
                    answers[name] = KeywordAnswer.model_validate_json(data)
        if not fields:
            return None
        fields |= {"senders": senders, "templates": templates, "callbacks": callbacks}
        return Account(**fields, answers=answers)

    def _get(self, partition: str, sort_key: str, kind: type[R]) -> R | None:
        # Consistent: a record put a moment ago must not be cached as absent for a minute.
        item = self._table.get(partition, sort_key)
        return kind.model_validate_json(item["data"]["S"]) if item else None

    def _put(self, partition: str, sort_key: str, record: BaseModel) -> None:
        data = record.model_dump_json()
        self._table.put(values({"pk": partition, "sk": sort_key, "data": data}))


def is_short(name: str) -> bool:
    """Whether a name may be a key; our names are far shorter."""
    return len(name) <= NAME_LIMIT


def part_item(account_id: str, part: Part) -> Item:
    """Return the item of an account's resource."""
    sort_key = PART_PREFIXES[type(part)] + name_of(part)
    return values({"pk": f"account#{account_id}", "sk": sort_key, "data": part.model_dump_json()})


def credential_index_item(credential: Credential) -> Item:
    """Return the index item that lists a credential in its account's partition."""
    sort_key = f"credential#{credential.username}"
    return values({"pk": f"account#{credential.account_id}", "sk": sort_key, "data": "{}"})
