"""Callbacks to endpoints whose health is scripted."""

import asyncio
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from harkara.callbacks.service import CallbackService
from harkara.model.callbacks import CallbackEndpoint, Destination, PostResult, unregistered
from harkara.model.messages import Endpoint
from harkara.model.tasks import CallbackTask
from harkara.state.endpoint_health import Admission, EndpointHealth, Verdict
from tests.unit.attempting import TASK, Attempting
from tests.unit.deliveries import HOLDS_S, MAIN, deadline

POST, WAIT = Verdict.POST, Verdict.WAIT
OPEN = Admission(POST)
# Time kept at the end of a callback attempt to store its result.
RECORD_S = 3.0


@dataclass(frozen=True)
class Porter(EndpointHealth):
    """Scripted endpoint health that records the checks, the results and the releases."""

    admission: Admission = OPEN
    writes: bool = True
    request: list[tuple[Any, ...]] = field(default_factory=list)
    payload: list[tuple[Any, ...]] = field(default_factory=list)
    left: list[tuple[Any, ...]] = field(default_factory=list)
    released: list[Admission] = field(default_factory=list)

    def acquire(self, account_id: str, endpoint: Endpoint, *request: Any, **more: Any) -> Admission:
        self.request.append((account_id, endpoint, *request, more["at_once"], more["turn_s"]))
        return self.admission

    def will_write(self, *post: Any) -> bool:
        self.payload.append(post)
        return self.writes

    def report(self, *post: Any) -> None:
        self.left.append(post)

    def release(self, account_id: str, endpoint: Endpoint, admission: Admission) -> None:
        assert (account_id, endpoint) == ("acme", MAIN)
        self.released.append(admission)


class Posting(Attempting):
    """Callbacks to endpoints with such health."""

    def __init__(self, admission: Admission = OPEN, *, writes: bool = True) -> None:
        super().__init__()
        self.porter = Porter(
            self.counted,
            self.endpoint_health.rate_limiter,
            self.clock,
            admission=admission,
            writes=writes,
        )
        self.endpoint_health = self.porter
        self.looked: list[tuple[str, Endpoint, bool]] = []
        self.destined: list[Destination] = []
        self.errors: dict[str, Exception] = {}
        find = self.destinations.find

        def found(account_id: str, endpoint: Endpoint, *, anew: bool = False) -> Destination | None:
            self.looked.append((account_id, endpoint, anew))
            if error := self.errors.get(endpoint.callback_id):
                raise error
            return find(account_id, endpoint, anew=anew)

        self.destinations.find = found  # type: ignore[method-assign]
        take = self.platform.post

        async def post(
            callback: CallbackTask, destination: Destination, within_s: float = math.inf
        ) -> PostResult:
            self.destined.append(destination)
            return await take(callback, destination, within_s)

        self.platform.post = post  # type: ignore[method-assign]

    def service(self) -> CallbackService:
        return self.dlr_services().callbacks

    def call_back(
        self, task: CallbackTask = TASK, left_s: float = HOLDS_S, **more: Any
    ) -> Counter[str]:
        end = deadline(left_s)
        return asyncio.run(self.service().call_back(task, self.lease("q"), end, **more))

    def post_all(
        self, *groups: CallbackTask, in_doubt: bool = False, left_s: float = HOLDS_S
    ) -> Counter[str]:
        posting = self.service().post_all(
            groups, self.lease("task"), deadline(left_s), in_doubt=in_doubt
        )
        return asyncio.run(posting)

    def want(self, **settings: Any) -> None:
        """Limit the callback to some events or categories."""
        endpoint = CallbackEndpoint(id="main", url=MAIN.url, **settings)
        self.destinations.by_id["main"] = unregistered(MAIN)._replace(settings=endpoint)
