"""Post single callbacks, now and then: with a client for each, and no connection kept."""

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
    """Posts to where the rules let callbacks go, from whatever event loop runs."""

    def __init__(self, urls: UrlRules) -> None:
        self._urls = urls

    @property
    def timeout_s(self) -> float:
        """How long `post` takes at the most."""
        return TIMEOUT_S

    async def post(
        self, callback: CallbackTask, destination: Destination, within_s: float = math.inf
    ) -> PostResult:
        """Post a callback once. Raises nothing: what fails is a result."""
        resolver = GuardedResolver(self._urls)
        async with HttpClient(1, resolver, ANSWER_LIMIT_BYTES) as exchange:
            poster = HttpCallbackPoster(exchange, self._urls)
            return await poster.post(callback, destination, within_s)
