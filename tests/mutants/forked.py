"""Run the tests against each change that mutmut makes, each in a fork of one pytest session.

The tests are collected and run once, unchanged: that shows which of them reach which function, and
how long each takes. Every change is then tried in a fork of the process, by the tests that reach
its function, up to the first failure. The tests that noticed a change of the same function come
first, then those that noticed most changes, then the quick ones. (mutmut's own runner collects the
tests anew for each change, in no order.)

Runs in the tools' venv, in the folder that mutmut works in: `python forked.py <processes>`.
"""

import gc
import json
import math
import os
import resource
import signal
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from mutmut.__main__ import create_mutants
from mutmut.configuration import config
from mutmut.mutation.data import SourceFileMutationData
from mutmut.mutation.diff_apply import get_diff_for_mutant
from mutmut.mutation.trampoline import set_mutant_under_test
from mutmut.state import state
from mutmut.utils.file_utils import (
    copy_also_copy_files,
    copy_src_dir,
    setup_source_paths,
    walk_mutatable_files,
)

RESULTS = Path("results.json")
LOG = Path("tests.log")
# A change that makes a test run forever counts as noticed. So that a busy machine is not taken for
# one, a test may use fifteen times its processor time; and it counts as waiting forever only if its
# threads together ran, or wanted to run, for less than IDLE_S in WAIT_S.
PATIENCE = 15
PROCESSOR_S, WAIT_S, IDLE_S = 4, 20, 0.5
MEMORY_BYTES = 4 << 30

NOTICED, STOOD, ENDLESS = "noticed", "stood", "endless"


@dataclass(frozen=True)
class Change:
    """A change of mutmut's: its name, and that of the function."""

    name: str

    @property
    def function(self) -> str:
        """Return the function's name, under which mutmut records the tests that call it."""
        return self.name.partition("__mutmut_")[0]


UNCHANGED = Change("nothing__mutmut_0")
"""Tried first: the tests must pass in a fork too."""


@dataclass(eq=False)
class Forks:
    """Replaces pytest's loop over the tests by one for each change."""

    changes: Sequence[Change]
    processes: int
    say: Callable[[str], None]
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    reaching: dict[str, set[pytest.Item]] = field(default_factory=lambda: defaultdict(set))
    noticing: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    often: Counter[str] = field(default_factory=Counter)
    ends: dict[str, str] = field(default_factory=dict)
    failed: bool = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run all tests unchanged, then for each change its tests."""
        if session.testsfailed:
            return True
        set_mutant_under_test("stats")
        for item, following in _with_next(session.items):
            state()._stats.clear()
            _run(item, following)
            for function in state()._stats:
                self.reaching[function].add(item)
        if self.failed:
            return True
        self.say(f"    {len(session.items)} tests, {len(self.changes)} changes")
        self.reaching[UNCHANGED.function] = set(session.items)
        self._try_all([UNCHANGED])
        self.failed = self.ends.pop(UNCHANGED.name) != STOOD
        if not self.failed:
            self._try_all(self.changes)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Record the duration of a test, and whether it failed."""
        self.seconds[report.nodeid] += report.duration
        self.failed |= report.failed

    def _try_all(self, changes: Sequence[Change]) -> None:
        gc.freeze()  # existing objects are excluded from garbage collection in each fork
        under_way: dict[int, tuple[Change, int]] = {}
        for change in changes:
            while len(under_way) >= self.processes:
                self._end_one(under_way)
            reading, writing = os.pipe()
            if pid := os.fork():
                os.close(writing)
                under_way[pid] = change, reading
            else:
                self._try(change, writing)
        while under_way:
            self._end_one(under_way)

    def _end_one(self, under_way: dict[int, tuple[Change, int]]) -> None:
        pid, status = os.wait()
        change, reading = under_way.pop(pid)
        with os.fdopen(reading) as payload:
            test = payload.read()
        if os.WIFEXITED(status) and os.WEXITSTATUS(status):
            raise RuntimeError(f"{change.name}: {test}")
        if test:
            self.ends[change.name] = NOTICED
            first = self.noticing[change.function]
            self.often[test] += 1
            first[:] = [test, *(each for each in first if each != test)]
        elif os.WIFSIGNALED(status):
            self.ends[change.name] = ENDLESS
        else:
            self.ends[change.name] = STOOD
        if change is not UNCHANGED and self.ends[change.name] != NOTICED:
            self.say(f"    {len(self.ends)}: {change.name} {self.ends[change.name]}")

    def _try(self, change: Change, writing: int) -> None:
        # In the fork, which ends here in any case.
        status = 1
        try:
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            set_mutant_under_test(change.name)
            self.failed = False
            _end_where_nothing_goes_on()
            for item, following in _with_next(self._ordered(change.function)):
                self._bound(item)
                _run(item, following)
                if self.failed:
                    os.write(writing, item.nodeid.encode())
                    break
            status = 0
        except BaseException as error:
            os.write(writing, repr(error).encode())
        finally:
            os._exit(status)

    def _ordered(self, function: str) -> list[pytest.Item]:
        first = self.noticing[function]

        def rank(item: pytest.Item) -> tuple[int, int, float]:
            existing = first.index(item.nodeid) if item.nodeid in first else len(first)
            return existing, -self.often[item.nodeid], self.seconds[item.nodeid]

        return sorted(self.reaching[function], key=rank)

    def _bound(self, item: pytest.Item) -> None:
        limit_s = time.process_time() + PATIENCE * self.seconds[item.nodeid] + PROCESSOR_S
        resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(limit_s), resource.RLIM_INFINITY))


def _end_where_nothing_goes_on() -> None:
    before = _busy_s()

    def look(*_: object) -> None:
        nonlocal before
        now = _busy_s()
        if sum(max(0.0, each - before.get(thread, 0.0)) for thread, each in now.items()) < IDLE_S:
            os.kill(os.getpid(), signal.SIGKILL)
        before = now

    signal.signal(signal.SIGALRM, look)
    signal.setitimer(signal.ITIMER_REAL, WAIT_S, WAIT_S)


def _busy_s() -> dict[str, float]:
    """Return how long each thread has run, or wanted to run (Linux only)."""
    seconds = {}
    for thread in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError):
            ran, required, _ = (thread / "schedstat").read_text().split()
            seconds[thread.name] = (int(ran) + int(required)) / 1e9
    return seconds


def _with_next(items: Sequence[pytest.Item]) -> Iterator[tuple[pytest.Item, pytest.Item | None]]:
    return zip(items, [*items[1:], None], strict=True)


def _run(item: pytest.Item, following: pytest.Item | None) -> None:
    item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)


def main(processes: int) -> int:
    """Make the changes, try each, and write down the outcomes; return the exit status."""
    set_mutant_under_test("mutant_generation")
    Path("mutants").mkdir()
    out = os.fdopen(os.dup(1), "w")
    _send_output_to(LOG)
    copy_src_dir()
    copy_also_copy_files()
    setup_source_paths()
    create_mutants(processes)
    changes, paths = _changes()
    selection = config().pytest_add_cli_args_test_selection
    # The other traceback styles parse the module anew, which is a megabyte with all its changes.
    arguments = ["--rootdir=.", "--tb=native", "--assert=plain", *selection]
    arguments += config().pytest_add_cli_args
    forks = Forks(changes, processes, lambda line: print(line, file=out, flush=True))
    os.chdir("mutants")
    pytest.main(arguments, plugins=[forks])
    os.chdir("..")
    if len(forks.ends) < len(changes):
        print(LOG.read_text()[-5000:], "the tests fail without a change", sep="\n", file=out)
        return 1
    survivors = {
        name: get_diff_for_mutant(name, path=paths[name])
        for name, end in forks.ends.items()
        if end == STOOD
    }
    endless = list(forks.ends.values()).count(ENDLESS)
    found = {"total": len(changes), "endless": endless, "survivors": survivors}
    RESULTS.write_text(json.dumps(found))
    return 0


def _changes() -> tuple[Sequence[Change], Mapping[str, Path]]:
    paths: dict[str, Path] = {}
    for path in walk_mutatable_files():
        data = SourceFileMutationData(path=path)
        data.load()
        paths |= dict.fromkeys(data.exit_code_by_key, path)
    return [Change(name) for name in paths], paths


def _send_output_to(log: Path) -> None:
    with log.open("w") as there:
        os.dup2(there.fileno(), 1)
        os.dup2(there.fileno(), 2)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
