"""The interfaces (ports) of the services to stores, queues and limits; `aws` implements most.

An interface that a single folder uses stands there, as those of `state` in `state/stores.py`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from harkara.base.time import Deadline
from harkara.model.accounts import Account, Credential
from harkara.model.consents import Consent
from harkara.model.fields import P, Part
from harkara.model.ledger import LedgerEntry
from harkara.model.messages import MessageBatch
from harkara.model.routing import Rules
from harkara.model.suppressions import Suppression
from harkara.model.tasks import QueueName

if TYPE_CHECKING:  # few functions use carriers: the models of their settings take 30 ms
    from harkara.carriers.settings import CarrierSettings

SHARDS = 16


class BatchWriter(Protocol):
    """Stores accepted messages."""

    def put_batch(self, batch_id: str, packed: bytes, due_at_ms: int) -> None:
        """Store a packed batch; its retention counts from `due_at_ms`, or from now if later.

        Raises StoreUnavailable.
        """


class BatchReader(Protocol):
    """Reads accepted messages."""

    def get_batch(self, batch_id: str) -> MessageBatch | None:
        """Return a batch, None if it does not exist (any more). Raises StoreUnavailable."""


class LedgerReader(Protocol):
    """Reads ledger entries. Both methods raise StoreUnavailable."""

    def get_entries(
        self, keys: Sequence[tuple[str, str]], *, consistent: bool = True
    ) -> list[LedgerEntry | None]:
        """Return the entries at these keys, in order.

        A read that is not `consistent` costs half, and may miss an entry put a moment ago.
        """

    def find_entries(self, partition: str, kind_prefix: str) -> list[LedgerEntry]:
        """Return a partition's entries by a prefix of their kind, in order, read consistently."""


class MessageStore(BatchReader, LedgerReader, Protocol):
    """Message batches, and the ledger entries of their messages."""

    def put_if_absent(
        self, entries: Sequence[LedgerEntry], *, due_at_ms: int = 0, keep_s: int | None = None
    ) -> list[LedgerEntry]:
        """Put each entry whose key is absent; return for each key the entry that exists now.

        If an answer is lost, the retry finds the caller's own entry. Keys are distinct. Entries are
        kept for `keep_s` (None: as long as messages are) from `due_at_ms`, or from now if that is
        later. Raises StoreUnavailable: some may have been put.
        """

    def put_over(self, entries: Sequence[LedgerEntry], *, due_at_ms: int = 0) -> None:
        """Put each entry, overwriting an existing one. Keys are distinct.

        Entries are kept as long as messages are, from `due_at_ms`, or from now if that is later.
        Raises StoreUnavailable: some may have been put.
        """


class BatchStore(BatchWriter, MessageStore, Protocol):
    """Stores message batches, and reads and writes all that `MessageStore` does."""


class LastMessages(Protocol):
    """The last message of an account to each number. Both methods raise StoreUnavailable."""

    def put(self, account_id: str, mids: Mapping[str, str]) -> None:
        """Store the mid of each number's message, replacing an earlier one."""

    def find(self, account_id: str, number: str) -> str:
        """Return the mid of a number's last message, "" for none."""


class AccountStore(Protocol):
    """Accounts and credentials, as the operator configured them.

    A result may be a minute old if `suits` accepts it or is not given. If `suits` rejects it, or it
    was absent, it is read again, and is a few seconds old at most.
    """

    def credential(
        self, username: str, suits: Callable[[Credential], bool] | None = None
    ) -> Credential | None:
        """Return the credential of a user name."""

    def account(
        self, account_id: str, suits: Callable[[Account], bool] | None = None
    ) -> Account | None:
        """Return an account with its senders and templates."""


class CarrierStore(AccountStore, Protocol):
    """Accounts, and carriers as the operator configured them."""

    def carrier(
        self, name: str, suits: "Callable[[CarrierSettings], bool] | None" = None
    ) -> "CarrierSettings | None":
        """Return a carrier's settings; its secret stays encrypted."""


class RoutingStore(Protocol):
    """Routing, as the operator configured it; it may be half a minute old."""

    def rules(self, account_id: str, *, anew: bool = False) -> Rules:
        """Return the routing for an account's messages; `anew` skips the cache.

        Raises StoreUnavailable.
        """


class SuppressionList(Protocol):
    """The suppressed numbers of accounts, and consents. Each method raises StoreUnavailable.

    Of two changes of a number's entry of one source, or of its consent to one header, the one with
    the later time wins, in any order of arrival.
    """

    def entries(self, account_id: str, numbers: Sequence[str]) -> list[Suppression]:
        """Return the entries of these numbers, read consistently."""

    def records(
        self, account_id: str, numbers: Sequence[str]
    ) -> tuple[list[Suppression], list[Consent]]:
        """Return the entries and the consents of these numbers, read consistently, at once."""

    def find(self, account_id: str, after: str = "", limit: int | None = None) -> list[Suppression]:
        """Return the entries of up to `limit` numbers after `after`, in a fixed order."""

    def find_consents(
        self, account_id: str, after: str = "", limit: int | None = None
    ) -> list[Consent]:
        """Return the consents of up to `limit` numbers after `after`, in a fixed order."""

    def put(self, account_id: str, entry: Suppression | Consent) -> bool:
        """Put an entry, as of its `since_s`; return whether it is now the present one."""

    def remove(
        self,
        account_id: str,
        number: str,
        source: str,
        at_s: int,
        *,
        before_s: int | None = None,
    ) -> bool:
        """Remove an entry as of `at_s`; return whether there was one.

        `source` is its `attribute`. Only an entry put before `before_s`, by default before `at_s`,
        is removed.
        """


class Registry(Protocol):
    """The resources of accounts (`Part`), read and written without a cache.

    Readers of an AccountStore see a change at once if `suits` rejects their cached value, and
    otherwise within a minute. Each method raises StoreUnavailable; a single write is then done
    wholly or not at all.
    """

    def get(self, account_id: str, kind: type[P], name: str) -> P | None:
        """Return a resource of an account; None if it does not exist."""

    def find(
        self, account_id: str, kind: type[P], after: str = "", limit: int | None = None
    ) -> list[P]:
        """Return up to `limit` resources of a kind whose names follow `after`, ordered by name."""

    def create(self, account_id: str, part: Part) -> bool:
        """Create a resource; return false if its name is taken."""

    def change(
        self, account_id: str, kind: type[P], name: str, change: Callable[[P], P]
    ) -> P | None:
        """Replace a resource by `change` of it and return the result; None if it does not exist.

        `change` is called again if the resource was changed concurrently.
        """

    def remove(self, account_id: str, kind: type[Part], name: str) -> bool:
        """Remove a resource; return whether it existed."""

    def put_all(self, account_id: str, parts: Sequence[Part], deadline: Deadline) -> None:
        """Create or replace resources. No write begins once the deadline is near.

        Raises StoreUnavailable: some may have been written; the same call again writes the rest.
        """

    def credentials(
        self, account_id: str, after: str = "", limit: int | None = None
    ) -> list[Credential]:
        """Return up to `limit` credentials whose names follow `after`, ordered by name."""

    def default_callback(self, account_id: str) -> str:
        """Return the id of an account's default callback, "" for none."""


class TaskQueues(Protocol):
    """The queues. A message in a queue is durable, and is delivered again until it is processed."""

    def send(
        self,
        queue: QueueName,
        bodies: Sequence[str],
        group: str = "",
        delays_s: Sequence[int] = (),
    ) -> list[bool]:
        """Enqueue bodies; return for each whether that succeeded. `group` is for fairness.

        `delays_s` are the seconds, up to 15 minutes, until each may be received; none by default.
        """

    def schedule(self, queue: QueueName, body: str, delay_s: float, group: str = "") -> None:
        """Enqueue a body to be received after `delay_s` seconds. Raises StoreUnavailable."""

    def put_back(self, queue_arn: str, delays_s: Sequence[tuple[str, int]]) -> None:
        """Let received messages return after the given seconds.

        `delays_s` has (receipt handle, seconds) of up to ten messages, Lambda's batch. Raises
        StoreUnavailable: the others return after the visibility time-out.
        """


class DueTask(NamedTuple):
    """A row of the Due table: a body to enqueue when due. Rows are ordered by sort key."""

    sort_key: str
    due_ms: int
    queue: QueueName
    body: str


class DueTable(Protocol):
    """Tasks that wait longer than a queue allows. Each method raises StoreUnavailable."""

    def cursors(self) -> Mapping[int, str]:
        """Return each shard's cursor, the sort key of its last enqueued row, if it has one."""

    def due(self, shard: int, after: str, now_ms: int) -> Iterator[list[DueTask]]:
        """Yield a shard's due rows after a sort key, in pages, oldest first.

        No row put before the call is left out.
        """

    def move(self, shard: int, reached: str) -> bool:
        """Advance a shard's cursor to a sort key; return false if it was already beyond that."""
