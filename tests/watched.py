"""Counts what executions post where, and how much at a time."""

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
    """Counts the posts of each lane to each URL, and those to a URL at a time."""

    is_real_time: Callable[[], bool]
    posts: Counter[tuple[QueueName, str]] = field(default_factory=Counter)
    under_way: Counter[str] = field(default_factory=Counter)
    most: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def post(self, queue: QueueName, url: str) -> Iterator[None]:
        self.posts[queue, url] += 1
        self.under_way[url] += 1
        # A lease that runs out in fast time is shorter than a post.
        if self.is_real_time():
            self.most[url] = max(self.most[url], self.under_way[url])
        try:
            yield
        finally:
            self.under_way[url] -= 1


@dataclass(frozen=True)
class WatchedPoster:
    """Posts for a lane's executions, and is watched. `patient` posts to the URLs in `good`.

    A machine that is busy must not make an endpoint slow that answers in time.
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
