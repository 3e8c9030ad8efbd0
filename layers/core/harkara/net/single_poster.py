"""Post occasional single callbacks: with a new client for each, keeping no connection."""

import math

from harkara.model.callback_urls import UrlRules
from harkara.model.callbacks import Destination, PostResult
from harkara.model.tasks import CallbackTask
from harkara.net.callback_poster import (
    ANSWER_LIMIT_BYTES,
    TIMEOUT_S,
    GuardedResolver,
    HttpCallbackPoster,
)
from harkara.net.client import HttpClient


class SinglePoster:
    """Posts to URLs that the rules allow, from any running event loop."""

    def __init__(self, urls: UrlRules) -> None:
        self._urls = urls

    @property
    def timeout_s(self) -> float:
        """Return the longest time that `post` takes."""
        return TIMEOUT_S

    async def post(
        self, callback: CallbackTask, destination: Destination, within_s: float = math.inf
    ) -> PostResult:
        """Post a callback once. Raises nothing: a failure is a result."""
        resolver = GuardedResolver(self._urls)
        async with HttpClient(1, resolver, ANSWER_LIMIT_BYTES) as exchange:
            poster = HttpCallbackPoster(exchange, self._urls)
            return await poster.post(callback, destination, within_s)
