"""Follow one message through `send`, `submit`, `receipt` and `dlr`, and count the files it enters.

    python -m tests.functions.way            the counts as a table
    python -m tests.functions.way submit     the files of one function, in the order of calls

The handlers are the real ones, on fakes, wired and loaded before. A *move* is a call of a function
that is in another file of ours than the function called before it; a *return* is a move to a file
that this handler has entered and left before. What Python writes itself (a dataclass's `__init__`)
is in no file, and the lines of a module that is imported meanwhile do not count. Neither does what
the fakes themselves ask of plain data, in `model/`.
"""

import inspect
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

import harkara
from harkara.aws.carriers import DynamoRoutingStore
from harkara.model.tasks import QueueName
from local.settings import RECEIPT_TOKEN
from tests.functions.handlers import Gateway
from tests.functions.invoking import (
    FUNCTIONS,
    NOW,
    RECORD,
    Context,
    Event,
    datasend,
    http_event,
    sqs_event,
)
from tests.support.dynamo import ACCOUNTS

PACKAGE = Path(harkara.__file__).parent
SUPPORT = Path(__file__).parents[1] / "support"
_RESUMABLE = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR
STAGES = ("send", "submit", "receipt", "dlr")


class Way(NamedTuple):
    """The files that a handler enters, in order; the same file twice in a row is one entry."""

    entered: tuple[str, ...]

    @property
    def files(self) -> set[str]:
        """The files without repetition."""
        return set(self.entered)

    @property
    def moves(self) -> int:
        """The number of changes from one file to another."""
        return len(self.entered) - 1

    @property
    def returns(self) -> int:
        """The number of moves to a file that was entered before."""
        return len(self.entered) - len(self.files)

    def without(self, folder: str) -> "Way":
        """Return the way as it is if the files of a folder are not looked into."""
        others = [file for file in self.entered if not file.startswith(f"{folder}/")]
        return Way(tuple(file for file, _ in groupby(others)))


def follow_message() -> dict[str, Way]:
    """Send a message to its delivered callback; return the way within each function.

    A message before it fills the caches.
    """
    gateway = Gateway()
    cached = DynamoRoutingStore(gateway.routing.dynamo, ACCOUNTS, gateway.clock)
    gateway.routing.rules = cached.rules  # type: ignore[method-assign]
    handlers = {name: gateway.app(name).handler for name in STAGES}
    ways: dict[str, Way] = {}

    recorder = Recorder()  # one for both messages, whose calls may share threads

    def invoke(name: str, event: Event) -> Any:
        recorder.entered = []
        with recorder.recording():
            answer = handlers[name](event, Context())
        ways[name] = Way(tuple(recorder.entered))
        return answer

    for number in (1, 2):
        ways.clear()
        body = datasend({**RECORD, "smsgid": f"message {number}"})
        (answer,) = json.loads(invoke("send", http_event("POST", "/datasend", body))["body"])
        invoke("submit", _taken(gateway, QueueName.SUBMIT, number))
        reference = gateway.signer.sign(answer["mid"], 1)
        receipts = json.dumps([{"smsgid": reference, "status": "DELIVRD", "ts": str(int(NOW))}])
        invoke("receipt", http_event("POST", f"/receipts/sim/{RECEIPT_TOKEN}", receipts))
        invoke("dlr", _taken(gateway, QueueName.RECEIPT, number))
        assert len(gateway.platform.dlrs) == number, "the callback was not posted"
    return ways


def _taken(gateway: Gateway, queue: QueueName, number: int) -> Event:
    """Return an event with the next message of a queue, and take it out."""
    found = next(each for each in gateway.queues.waiting if each.queue is queue)
    gateway.queues.waiting.remove(found)
    return sqs_event(found.body, first=number)


class Recorder:
    """Records the files that calls enter, in all threads that are started while it does."""

    def __init__(self) -> None:
        self.entered: list[str] = []
        self._resumed: set[FrameType] = set()

    @contextmanager
    def recording(self) -> Iterator[None]:
        before = sys.getprofile()
        threading.setprofile(self._profile)
        sys.setprofile(self._profile)
        try:
            yield
        finally:
            sys.setprofile(before)
            threading.setprofile(None)

    def _profile(self, frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event != "call" or code.co_name == "<module>" or frame in self._resumed:
            return
        if code.co_flags & _RESUMABLE:  # Python reports each resumption as a call
            self._resumed.add(frame)
        name = _file_of(code.co_filename)
        if name.startswith("model/") and _is_fake(frame.f_back):
            return
        if name and self.entered[-1:] != [name]:
            self.entered.append(name)


def _is_fake(frame: FrameType | None) -> bool:
    return frame is not None and Path(frame.f_code.co_filename).is_relative_to(SUPPORT)


@cache
def _file_of(path: str) -> str:
    for top in (PACKAGE, FUNCTIONS):
        if Path(path).is_relative_to(top):
            return str(Path(path).relative_to(top))
    return ""


def counts_of(ways: dict[str, Way]) -> dict[str, tuple[int, int, int]]:
    """Return the numbers of files, moves and returns: of each function, and of all together.

    The stores of the tests are the real ones of `aws/` on tables in memory; the last row leaves
    them out, as if the services called plain fakes.
    """
    rows = {f"`{name}`": _counts(way) for name, way in ways.items()}
    services = [way.without("aws") for way in ways.values()]
    return rows | {"all four": _counts(*ways.values()), "without `aws/`": _counts(*services)}


def _counts(*ways: Way) -> tuple[int, int, int]:
    files = {file for way in ways for file in way.files}
    return len(files), sum(way.moves for way in ways), sum(way.returns for way in ways)


def table(ways: dict[str, Way]) -> str:
    """Return the counts as a table in Markdown."""
    lines = ["| function | files | moves | returns |", "|---|---|---|---|"]
    rows = counts_of(ways).items()
    return "\n".join([*lines, *(f"| {' | '.join(map(str, (name, *row)))} |" for name, row in rows)])


if __name__ == "__main__":
    found = follow_message()
    for name in sys.argv[1:]:
        print(*found[name].entered, sep="\n")
    if not sys.argv[1:]:
        print(table(found))
