"""A single callback goes out over a connection of its own, in any event loop."""

import asyncio

from harkara.model.callbacks import CallbackSecrets, PostResult, UrlRules, unregistered
from harkara.model.events import Dlr
from harkara.model.messages import Endpoint, State
from harkara.model.tasks import CallbackTask
from harkara.net.callback_poster import SinglePoster
from tests.functions.exchanges import answering
from tests.functions.servers import Script, answer, serving


def post(poster: SinglePoster, script: Script) -> PostResult:
    async def posted() -> PostResult:
        async with serving(script) as url:
            endpoint = Endpoint(url, "clevertap")
            task = CallbackTask("q", 0, 0, "acme", endpoint, (Dlr("M", "r", State.DELIVERED, 1),))
            destination = unregistered(endpoint)._replace(secrets=CallbackSecrets(token="token"))
            return await poster.post(task, destination)

    return asyncio.run(posted())


def test_each_post_has_a_loop_and_a_connection_of_its_own() -> None:
    requests: list[bytes] = []
    poster = SinglePoster(UrlRules(loopback=True))
    for body in (b"first", b"second"):
        result = post(poster, answering(answer("503 Busy", body), requests))
        assert (result.status, result.answer.encode()) == (503, body)
    assert len(requests) == 2
    assert all(b"authorization: bearer token\r\n" in each.lower() for each in requests)


def test_an_address_that_is_not_allowed_gets_nothing() -> None:
    requests: list[bytes] = []
    result = post(SinglePoster(UrlRules()), answering(answer(), requests))
    assert result == PostResult(0, "the callback URL is not allowed")
    assert requests == []
