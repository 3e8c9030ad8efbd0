"""A platform and the destinations of its callbacks, in memory."""

import math
from dataclasses import dataclass, field

from harkara.model.callbacks import Destination, PostResult, unregistered
from harkara.model.events import Dlr
from harkara.model.messages import Endpoint
from harkara.model.tasks import CallbackTask
from tests.support.fakes import Faults


@dataclass
class FakeDestinations:
    """Destinations of callbacks: those set by id, else the endpoint's own URL."""

    by_id: dict[str, Destination | None] = field(default_factory=dict)

    def find(
        self, account_id: str, endpoint: Endpoint, *, anew: bool = False
    ) -> Destination | None:
        return self.by_id.get(endpoint.callback_id, unregistered(endpoint))


@dataclass
class FakePlatform:
    """A platform that accepts callbacks after its scripted answers: statuses or whole results."""

    faults: Faults
    timeout_s: float = 10.0
    script: list[int | PostResult] = field(default_factory=list)
    taken: list[CallbackTask] = field(default_factory=list)
    posts: list[tuple[str, int, int]] = field(default_factory=list)
    within_s: list[float] = field(default_factory=list)

    async def post(
        self, callback: CallbackTask, destination: Destination, within_s: float = math.inf
    ) -> PostResult:
        self.within_s.append(within_s)
        number = self.faults.before("post")
        result = self.script.pop(0) if self.script else 200
        if isinstance(result, int):
            result = PostResult(result, f"HTTP {result}")
        self.posts.append((callback.webhook_id, callback.attempt, result.status))
        if result.acknowledged:
            self.taken.append(callback)
        self.faults.after(number)
        return result

    @property
    def dlrs(self) -> list[Dlr]:
        """The final states that the platform acknowledged, in order."""
        return [each for task in self.taken for each in task.members if isinstance(each, Dlr)]
