"""One outcome for the single messages of a batch that their carriers took.

A first try of a single message names in its claim (`shared`) where its outcome may stand besides
its own place. Those that are under way together put one item there, with all that were taken; what
ends otherwise, or later, has its own. Once that item stands it says all that it will ever say: who
takes over from a dead holder puts an empty one first, and finds the holder's if that was quicker.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Self

from harkara.base.time import Clock
from harkara.model.ledger import SHARED_KIND, Claimant, Mark, shared_partition
from harkara.ports import MessageStore
from harkara.submit.attempts import outcome_in

# So long what was taken waits for the others to end.
_PATIENCE_S = 1.0


class Shared:
    """An outcome that those share which join before it is put."""

    def __init__(self, claimant: Claimant, store: MessageStore, clock: Clock) -> None:
        self.partition = shared_partition(claimant.holder)
        self._claimant = claimant
        self._store = store
        self._clock = clock
        self._under_way = 0
        self._taken: dict[str, str] = {}
        self._all_ended = asyncio.Event()
        self._put: asyncio.Future[Mark] | None = None

    @property
    def is_open(self) -> bool:
        """Whether others may still join."""
        return self._put is None and not self._all_ended.is_set()

    def __enter__(self) -> Self:
        """Count in a message that is about to be claimed."""
        self._under_way += 1
        return self

    def __exit__(self, *_: object) -> None:
        """Count out a message whose try has ended."""
        self._end_one()

    def _end_one(self) -> None:
        self._under_way -= 1
        if not self._under_way:
            self._all_ended.set()

    async def put(self, claim: Mark, carrier_id: str) -> Mark | None:
        """Put down with others that a message was taken; None where its own outcome has to say so.

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
            self._under_way += 1  # it is counted out once more as it leaves
        if len(self._taken) == 1:
            self._taken.clear()
            return None
        if self._put is None:
            self._put = asyncio.ensure_future(self._put_once(dict(self._taken)))
        return outcome_in(await self._put, claim)

    async def _put_once(self, taken: Mapping[str, str]) -> Mark:
        return await asyncio.to_thread(
            put_shared, self._store, self._claimant, self.partition, taken, self._clock()
        )


class Sharing:
    """Who shares an outcome with whom, in one process."""

    def __init__(self, store: MessageStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._open: Shared | None = None

    def shared(self, claimant: Claimant) -> Shared:
        """Return the outcome that a message shares which is to be claimed now."""
        if self._open is None or not self._open.is_open:
            self._open = Shared(claimant, self._store, self._clock)
        return self._open

    async def settled(self, claim: Mark, claimant: Claimant) -> Mark | None:
        """Return what the outcome says that a dead holder's claim shares, None for nothing.

        It will say no more: what it does not say has an outcome of its own.
        """
        partition = claim.data.get("shared")
        if not partition:
            return None
        standing = await asyncio.to_thread(
            put_shared, self._store, claimant, partition, {}, self._clock()
        )
        return outcome_in(standing, claim)


def put_shared(
    store: MessageStore,
    claimant: Claimant,
    partition: str,
    taken: Mapping[str, str],
    now_s: float,
) -> Mark:
    """Put a shared outcome, or an empty one so that nobody does; return the one that stands."""
    mark = claimant.mark(partition, SHARED_KIND, at=int(now_s * 1000), taken=taken)
    (standing,) = store.put_once([mark])
    return standing
