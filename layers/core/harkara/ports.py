"""What the services need from outside, by role. `aws`, `net` and `carriers` fill these."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from harkara.base.deadline import Deadline
from harkara.carriers.settings import CarrierSettings
from harkara.model.accounts import Account, Credential
from harkara.model.ledger import Mark
from harkara.model.messages import Chunk
from harkara.model.operator_records import P, Part
from harkara.model.routing import Rules
from harkara.model.suppressions import Source, Suppression
from harkara.model.tasks import QueueName

SHARDS = 16


class ChunkNames(Protocol):
    """Where the ids of a request's chunks come from, and the time that the request is made at.

    The names of a request that is repeated are those of the first time, and so is its time: made
    of the same account, it becomes the same chunks.
    """

    def now_ms(self) -> int:
        """Return the time of the request: what is checked and stored counts from it."""
        ...

    def new(self, now_ms: int, place: str) -> str:
        """Return the id of the chunk in this place; chunks of a later time get a greater one.

        `place` tells apart the chunks of a request, by whatever it may be judged differently.
        """
        ...


class RateLimits(Protocol):
    """How much an account may still send."""

    def take(self, account: Account, segment_count: int) -> None:
        """Count a request with its segments.

        Raises RequestRefused(RATE_LIMITED or DAILY_LIMIT) with `retry_after_s`, and then counts
        nothing; StoreUnavailable.
        """
        ...


class LimitStore(Protocol):
    """What all processes count together: a short text under each name, written by many at once."""

    def get(self, name: str, *, consistent: bool = False) -> str:
        """Return what stands under a name, "" for nothing. Raises StoreUnavailable.

        Unless it is read `consistent`, at twice the price, it may be a second old.
        """
        ...

    def swap(self, name: str, seen: str, new: str, expires_at_s: int) -> str | None:
        """Write `new` where `seen` stands ("" for nothing); keep it until Unix time at least.

        Returns None once it is written, else what stands there instead. Raises StoreUnavailable:
        it may be written.
        """
        ...


class Timeline(NamedTuple):
    """Until when a rate is reserved (Unix microseconds), and a short text about who reserved it."""

    until_us: int = 0
    text: str = ""


class Extension(NamedTuple):
    """How to extend a time line: by `width_us`; if it has ended, from `now_us` by `idle_width_us`.

    It stays as it is if it ends after `limit_us`. `busy` says whether it has probably not ended
    yet, and only saves a call.
    """

    now_us: int
    width_us: int
    idle_width_us: int
    limit_us: int
    busy: bool = False


class TimelineStore(Protocol):
    """Time lines of rates, which many processes extend at once."""

    def extend(self, name: str, by: Extension, expires_at_s: int) -> tuple[int | None, Timeline]:
        """Extend a time line, whatever others do; return where the added part begins, and the line.

        Returns None and the present line if that ends after the limit. Raises StoreUnavailable: it
        may be extended.
        """
        ...

    def swap_timeline(
        self, name: str, seen: Timeline, new: Timeline, expires_at_s: int
    ) -> Timeline | None:
        """Write `new` where `seen` stands; a time that is to stay the same is not compared.

        Returns None once it is written, else what stands there instead. Raises StoreUnavailable: it
        may be written.
        """
        ...


class LineStore(Protocol):
    """Items of several time lines each, which many processes extend at once."""

    def extend_all(
        self, name: str, lines: Mapping[str, Extension], expires_at_s: int
    ) -> tuple[Mapping[str, int], Mapping[str, int]]:
        """Extend these lines of an item, all or none, whatever others do; keep it until Unix time.

        Returns where the added part of each begins, nothing if one of them ends after its limit;
        and where all lines of the item end now. Raises StoreUnavailable: they may be extended.
        """
        ...


class ChunkWriter(Protocol):
    """Where accepted messages are kept."""

    def put_chunk(self, chunk_id: str, packed: bytes, begins_ms: int) -> None:
        """Store a packed chunk; how long it is kept counts from `begins_ms`, or from now if later.

        Raises StoreUnavailable.
        """
        ...


class ChunkReader(Protocol):
    """Where accepted messages are read."""

    def get_chunk(self, chunk_id: str) -> Chunk | None:
        """Return a chunk, None when there is none (any more). Raises StoreUnavailable."""
        ...


class MessageStore(ChunkReader, Protocol):
    """Chunks, and the marks of what was done with their messages."""

    def put_once(
        self, marks: Sequence[Mark], *, begins_ms: int = 0, keep_s: int | None = None
    ) -> list[Mark]:
        """Put each mark where it is absent; return for each the mark that stands there now.

        A store whose answer was lost finds its own mark. Keys are distinct. They are kept for
        `keep_s` (None: as long as messages are) from `begins_ms`, or from now if that is later.
        Raises StoreUnavailable: some may be in place.
        """
        ...

    def put_over(self, marks: Sequence[Mark], *, begins_ms: int = 0) -> None:
        """Put each mark in place of what stands there. Keys are distinct.

        They are kept as long as messages are, from `begins_ms`, or from now if that is later.
        Raises StoreUnavailable: some may be in place.
        """
        ...

    def get_marks(
        self, keys: Sequence[tuple[str, str]], *, consistent: bool = True
    ) -> list[Mark | None]:
        """Return the marks at these keys, in order.

        Not `consistent`, at half the price: one that was put a moment ago may not be found.
        """
        ...

    def find_marks(self, partition: str, kind_prefix: str) -> list[Mark]:
        """Return a partition's marks whose kind begins so, in order, read consistently."""
        ...


class LastMessages(Protocol):
    """Which message of an account each number got last. Both methods raise StoreUnavailable."""

    def put(self, account_id: str, mids: Mapping[str, str]) -> None:
        """Note the mid of each number's message, in place of an earlier one's."""
        ...

    def find(self, account_id: str, number: str) -> str:
        """Return the mid of a number's last message, "" for none."""
        ...


class AccountStore(Protocol):
    """Accounts, credentials and carriers, as the operator set them.

    What is read may be a minute old where `suits` is true of it, or is not given. Where it is
    false, and of what was absent, the answer is of now, or a few seconds old at most.
    """

    def credential(
        self, username: str, suits: Callable[[Credential], bool] | None = None
    ) -> Credential | None:
        """Return the credential of a user name."""
        ...

    def account(
        self, account_id: str, suits: Callable[[Account], bool] | None = None
    ) -> Account | None:
        """Return an account with its senders and templates."""
        ...

    def carrier(
        self, name: str, suits: Callable[[CarrierSettings], bool] | None = None
    ) -> CarrierSettings | None:
        """Return a carrier's settings; its secret stays encrypted."""
        ...


class RoutingStore(Protocol):
    """Routing, as the operator set it; what is read may be half a minute old."""

    def rules(self, account_id: str, *, anew: bool = False) -> Rules:
        """Return what counts for an account's messages; `anew`, as it now is.

        Raises StoreUnavailable.
        """
        ...


class SuppressionList(Protocol):
    """Who gets no messages of an account. Each method raises StoreUnavailable.

    Of two changes of a number's entry of one source the one of the later time stands, in whatever
    order they come.
    """

    def entries(self, account_id: str, numbers: Sequence[str]) -> list[Suppression]:
        """Return the entries of these numbers, read consistently."""
        ...

    def find(self, account_id: str, after: str = "", limit: int | None = None) -> list[Suppression]:
        """Return the entries of up to `limit` numbers in a fixed order, beyond `after`."""
        ...

    def put(self, account_id: str, entry: Suppression) -> bool:
        """Put an entry in, as of its `since_s`; say whether it stands."""
        ...

    def remove(
        self,
        account_id: str,
        number: str,
        source: Source,
        at_s: int,
        *,
        before_s: int | None = None,
    ) -> bool:
        """Take an entry out as of `at_s`; say whether there was one.

        It is one that was put in before then, or before `before_s` if that is given.
        """
        ...


class Registry(Protocol):
    """The parts of accounts, read and written past any cache.

    Readers of an AccountStore see what was written where what they remember does not suit them,
    and everything within a minute. Each method raises StoreUnavailable: a single write is then done
    in whole or not at all.
    """

    def get(self, account_id: str, kind: type[P], name: str) -> P | None:
        """Return a part of an account."""
        ...

    def find(
        self, account_id: str, kind: type[P], after: str = "", limit: int | None = None
    ) -> list[P]:
        """Return the parts of a kind in the order of their names, those beyond `after`."""
        ...

    def create(self, account_id: str, part: Part) -> bool:
        """Put a part in; say whether it was absent."""
        ...

    def change(
        self, account_id: str, kind: type[P], name: str, change: Callable[[P], P]
    ) -> P | None:
        """Put what `change` makes of a part in its place, and return it; None where there is none.

        Where somebody else changed the part meanwhile, `change` is called again.
        """
        ...

    def remove(self, account_id: str, kind: type[Part], name: str) -> bool:
        """Take a part out; say whether it was there."""
        ...

    def put_all(self, account_id: str, parts: Sequence[Part], deadline: Deadline) -> None:
        """Put parts in, whether or not they are there. None begins once the deadline is near.

        Raises StoreUnavailable: some may be in, and the same again puts in the rest.
        """
        ...

    def credentials(self, account_id: str) -> list[Credential]:
        """Return an account's credentials."""
        ...

    def default_callback(self, account_id: str) -> str:
        """Return the id of an account's default callback; empty where it has none."""
        ...


class TaskQueues(Protocol):
    """The queues. What is in one is durable, and comes back until it is done."""

    def send(
        self,
        queue: QueueName,
        bodies: Sequence[str],
        group: str = "",
        delays_s: Sequence[int] = (),
    ) -> list[bool]:
        """Put bodies in a queue; say for each whether it is in. `group` is for fairness.

        `delays_s` says in how many seconds each may be received, up to 15 minutes; without it all
        may be at once.
        """
        ...

    def schedule(self, queue: QueueName, body: str, delay_s: float, group: str = "") -> None:
        """Put a body in a queue once `delay_s` seconds have passed. Raises StoreUnavailable."""
        ...

    def put_back(self, queue_arn: str, delays_s: Sequence[tuple[str, int]]) -> None:
        """Let messages that were received come back after so many seconds.

        `delays_s` has up to ten receipt handles, as Lambda hands them over. Raises
        StoreUnavailable: the others come back after the visibility time-out.
        """
        ...


class DueTask(NamedTuple):
    """A row of the Due table: the body to enqueue. Rows are in the order of their sort keys."""

    sort_key: str
    due_ms: int
    queue: QueueName
    body: str


class DueTable(Protocol):
    """Tasks that wait for longer than a queue lets them. Each method raises StoreUnavailable."""

    def cursors(self) -> Mapping[int, str]:
        """Return the cursors of the shards that have one: the sort key of their last done row."""
        ...

    def due(self, shard: int, after: str, now_ms: int) -> Iterator[list[DueTask]]:
        """Yield a shard's rows beyond a sort key whose time has come, by pages, oldest first.

        None is left out that was put before.
        """
        ...

    def move(self, shard: int, reached: str) -> bool:
        """Move a shard's cursor on to a sort key; say whether it was not beyond that already."""
        ...
