"""One outcome for the single messages of a queue batch that their carriers took.

The claim of a single message's first attempt names (`shared`) a second place where its outcome may
be. The messages that are under way together put one item there, with all that were taken; a message
that ends otherwise, or later, has an outcome of its own. The item never changes once it is put. A
worker that takes over from a dead one puts an empty item first, or finds the item of the dead one.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Self

from harkara.base.time import Clock
from harkara.model.ledger import SHARED_KIND, Lease, LedgerEntry, shared_partition
from harkara.ports import MessageStore
from harkara.submit.attempts import outcome_in

# A taken message waits this long for the others to end.
_PATIENCE_S = 1.0


class Shared:
    """An outcome shared by the messages that join before it is put."""

    def __init__(self, lease: Lease, store: MessageStore, clock: Clock) -> None:
        self.partition = shared_partition(lease.holder)
        self._lease = lease
        self._store = store
        self._clock = clock
        self._under_way = 0
        self._taken: dict[str, str] = {}
        self._all_ended = asyncio.Event()
        self._put: asyncio.Future[LedgerEntry] | None = None

    @property
    def is_open(self) -> bool:
        """Whether more messages may join."""
        return self._put is None and not self._all_ended.is_set()

    def __enter__(self) -> Self:
        """Count in a message that is about to be claimed."""
        self._under_way += 1
        return self

    def __exit__(self, *_: object) -> None:
        """Count out a message whose attempt has ended."""
        self._end_one()

    def _end_one(self) -> None:
        self._under_way -= 1
        if not self._under_way:
            self._all_ended.set()

    async def put(self, claim: LedgerEntry, carrier_id: str) -> LedgerEntry | None:
        """Record with others that a message was taken; None if it needs an outcome of its own.

        Raises StoreUnavailable.
        """
        if self._put is not None:
            return None
        self._taken[claim.partition] = carrier_id
        self._end_one()
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._all_ended.wait(), _PATIENCE_S)
        finally:
            self._under_way += 1  # `__exit__` counts it out once more
        if len(self._taken) == 1:
            self._taken.clear()
            return None
        if self._put is None:
            self._put = asyncio.ensure_future(self._put_if_absent(dict(self._taken)))
        return outcome_in(await self._put, claim)

    async def _put_if_absent(self, taken: Mapping[str, str]) -> LedgerEntry:
        return await asyncio.to_thread(
            put_shared, self._store, self._lease, self.partition, taken, self._clock()
        )


class Sharing:
    """Assigns messages to shared outcomes, in one process."""

    def __init__(self, store: MessageStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._open: Shared | None = None

    def shared(self, lease: Lease) -> Shared:
        """Return the shared outcome for a message that is about to be claimed."""
        if self._open is None or not self._open.is_open:
            self._open = Shared(lease, self._store, self._clock)
        return self._open

    async def settled(self, claim: LedgerEntry, lease: Lease) -> LedgerEntry | None:
        """Return a dead worker's outcome from the item that its claim shares, None for none.

        The item cannot change afterwards: a message that is not in it has an outcome of its own.
        """
        partition = claim.data.get("shared")
        if not partition:
            return None
        existing = await asyncio.to_thread(
            put_shared, self._store, lease, partition, {}, self._clock()
        )
        return outcome_in(existing, claim)


def put_shared(
    store: MessageStore,
    lease: Lease,
    partition: str,
    taken: Mapping[str, str],
    now_s: float,
) -> LedgerEntry:
    """Put a shared outcome, or an empty one so that nobody else does; return the stored one."""
    mark = lease.mark(partition, SHARED_KIND, at=int(now_s * 1000), taken=taken)
    (existing,) = store.put_if_absent([mark])
    return existing
