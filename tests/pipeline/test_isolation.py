"""Bad endpoints hold up no execution that serves good ones: counted, not timed.

`make bench` has the times, of forty times as many messages.
"""

import asyncio

from tests.support import isolation

COUNT, RATE_PER_S = 100, 50


def test_bad_endpoints_hold_nobody_up_and_nothing_is_lost_or_doubled() -> None:
    compared = asyncio.run(isolation.run(COUNT, RATE_PER_S))
    assert len(compared.tried.bad) == COUNT // 10
    assert compared.flaws() == []
