"""The last message to each number, in memory."""

from collections.abc import Callable, Mapping

from harkara.aws.messages import DynamoLastMessages
from harkara.base.ids import ReferenceSigner
from tests.support.dynamo import MESSAGES, Dynamo
from tests.support.fakes import Faults, no_pause


class FakeLastMessages:
    """The last message to each number: the real adapter on a table in memory.

    `puts` has the number of messages recorded by each call, `mids` the message ids of all calls.
    """

    def __init__(
        self,
        faults: Faults,
        clock: Callable[[], float] = lambda: 0.0,
        retention_s: int = 10**9,
        dynamo: Dynamo | None = None,
    ) -> None:
        self.faults = faults
        self._last = DynamoLastMessages(
            dynamo or Dynamo(clock, faults.seed),
            MESSAGES,
            ReferenceSigner(b""),
            retention_s,
            clock,
            no_pause,
        )
        self.puts: list[int] = []
        self.mids: dict[tuple[str, str], str] = {}

    def put(self, account_id: str, mids: Mapping[str, str]) -> None:
        call = self.faults.before("put last")
        self.puts.append(len(mids))
        self.mids |= {(account_id, number): mid for number, mid in mids.items()}
        self._last.put(account_id, mids)
        self.faults.after(call)

    def find(self, account_id: str, number: str) -> str:
        self.faults.before("find last")
        return self._last.find(account_id, number)
