"""Large bodies of one account do not delay the messages of other accounts."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harkara.accept.requests import Options, Record, SendRequest
from harkara.aws import queues
from harkara.model.callbacks import Destination, PostResult
from harkara.model.tasks import CallbackTask
from tests.pipeline import campaign
from tests.support.fakes import caller_of, calling_back
from tests.support.wired import ACCOUNT
from tests.support.world import World

EVIL = ACCOUNT.model_copy(update={"id": "evil", **calling_back("https://evil.clevertap.com/dlr")})
HOUR_S = 3600
# Two runs of `sweep`, in seconds.
LATE_S = 120


class SharedWorld(World):
    """Two accounts; one's endpoint never acknowledges. All delayed tasks are in one shard."""

    def __init__(self) -> None:
        super().__init__()
        self.accounts.accounts[EVIL.id] = EVIL
        taken = self.platform.post
        self.failing = 1

        async def post(
            callback: CallbackTask, destination: Destination, within_s: float = math.inf
        ) -> PostResult:
            if callback.account_id == EVIL.id:
                return PostResult(500, "HTTP 500")
            if self.failing and callback.members[0].client_ref == "retried":
                self.failing -= 1
                return PostResult(500, "HTTP 500", 1200)
            return await taken(callback, destination, within_s)

        self.platform.post = post  # type: ignore[method-assign]

    def send_evil(self, pattern: str, count: int, magic: str) -> None:
        ref = (pattern * 512).encode()[:512].decode(errors="ignore")
        row = Record(f"91987654{magic}", "ACMEBK", "Hello", ref)
        request = SendRequest([row] * count)
        results = self.accept_service().accept(caller_of(EVIL), request)
        assert all(result.mid for result in results)

    def send_good(self) -> None:
        later = Options(send_at_ms=int(self.now + HOUR_S) * 1000)
        self.send([campaign.record("0000", client_ref="retried")])
        self.send([campaign.record("0000", client_ref="later")._replace(options=later)])


@pytest.fixture(autouse=True)
def _one_shard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queues, "SHARDS", 1)


requests = st.tuples(
    st.sampled_from(["x", "\x00", "\U0001f600", '"', "\uffff"]),
    st.sampled_from([100, 400, 1000]),
    st.sampled_from(["0000", "9001", "9005"]),
)


def ends_of(evil: list[tuple[str, int, str]], after: int) -> list[tuple[str, str, bool]]:
    """Return the good account's callbacks: reference, state, whether it was sent on time."""
    world = SharedWorld()
    began_s = world.now
    for number, request in enumerate([*evil, None]):
        if number == min(after, len(evil)):
            world.send_good()
        if request:
            world.send_evil(*request)
    world.run()
    assert not world.queues.waiting
    assert not world.queues.waiting_rows
    taken_at = world.providers.taken_at()
    required_s = {"retried": 0, "later": HOUR_S}
    return sorted(
        (dlr.client_ref, str(dlr.state), taken_at[dlr.mid] - began_s - required_s[ref] < LATE_S)
        for dlr in world.platform.dlrs
        if (ref := dlr.client_ref) in required_s
    )


@given(evil=st.lists(requests, min_size=1, max_size=2), after=st.integers(0, 2))
@settings(max_examples=8)
def test_no_body_of_an_account_stops_what_is_anothers(
    evil: list[tuple[str, int, str]], after: int
) -> None:
    ends = ends_of(evil, after)
    assert ends == [("later", "delivered", True), ("retried", "delivered", True)]
