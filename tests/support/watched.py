"""Counts the posts of executions by lane and URL, and the concurrent ones."""

import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from harkara.model.callbacks import Destination, PostResult
from harkara.model.tasks import CallbackTask, QueueName
from harkara.net.callback_poster import HttpCallbackPoster


@dataclass
class Watch:
    """Counts the posts of each lane to each URL, and the most concurrent posts to a URL."""

    is_real_time: Callable[[], bool]
    posts: Counter[tuple[QueueName, str]] = field(default_factory=Counter)
    under_way: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def post(self, queue: QueueName, url: str) -> Iterator[None]:
        self.posts[queue, url] += 1
        self.under_way[url] += 1
        # In fast time a lease expires before its post ends.
        if self.is_real_time():
            self.most[url] = max(self.most[url], self.under_way[url])
        try:
            yield
        finally:
            self.under_way[url] -= 1


@dataclass(frozen=True)
class WatchedPoster:
    """Posts for a lane's executions under a `Watch`. `patient` posts to the URLs in `good`.

    A busy machine must not make an endpoint look slow that answers in time.
    """

    poster: HttpCallbackPoster
    patient: HttpCallbackPoster
    good: Collection[str]
    queue: QueueName
    watch: Watch

    @property
    def timeout_s(self) -> float:
        return self.poster.timeout_s

    async def post(
        self, callback: CallbackTask, destination: Destination, within_s: float = math.inf
    ) -> PostResult:
        url = destination.settings.url
        with self.watch.post(self.queue, url):
            if url in self.good:
                return await self.patient.post(callback, destination)
            return await self.poster.post(callback, destination, within_s)
