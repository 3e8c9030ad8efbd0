"""The real `make up` on a terminal: it always ends cleanly and names any lost data."""

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from local.deploy import client
from local.emulator import Emulator
from local.settings import HOME, ROOT, Ports
from local.venvs import ensure_venv
from tests.stack.opening import open_link

pytestmark = pytest.mark.stack
WITHIN_S = 300
INTERRUPT = b"\x03"


class Screen:
    """A `local.up` in a folder, on a terminal of its own."""

    def __init__(self, folder: Path, ports: Ports, sample: bool) -> None:
        chosen = {f"{name.upper()}_PORT": str(port) for name, port in vars(ports).items()}
        environment = {**os.environ, **chosen, "SAMPLE": "01"[sample], "COLUMNS": "80"}
        self._printed = ""
        pid, self._terminal = pty.fork()
        if pid == 0:
            # A script in the background may make its children ignore these signals.
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            os.chdir(folder)
            os.execve(sys.executable, [sys.executable, "-m", "local.up"], environment)  # noqa: S606
        self.pid = pid

    @property
    def text(self) -> str:
        """All printed text, without colours and other control sequences."""
        return re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", self._printed)

    def wait_for(self, words: str) -> None:
        """Return once these words are printed. Fails if the process ends before."""
        while words not in " ".join(self.text.split()):
            if not self._read():
                raise AssertionError(f"it ended without {words!r}: {self.text}")

    def press(self, keys: bytes) -> None:
        os.write(self._terminal, keys)

    def close(self) -> None:
        """Close the terminal's window."""
        os.close(self._terminal)
        self._terminal = -1

    def end(self) -> int:
        """Wait until it has ended; return its exit status."""
        while self._terminal >= 0 and self._read():
            pass
        _, status = os.waitpid(self.pid, 0)
        if self._terminal >= 0:
            self.close()
        return os.waitstatus_to_exitcode(status)

    def _read(self) -> bool:
        ready, _, _ = select.select([self._terminal], [], [], WITHIN_S)
        assert ready, f"it says no more after: {self.text}"
        try:
            data = os.read(self._terminal, 65536)
        except OSError:  # Linux reports the closed other end so
            return False
        self._printed += data.decode(errors="replace")
        return bool(data)


class House:
    """A checkout with its own `.local`, which takes venv and builds from the real one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = Ports.free()
        self.emulator = Emulator(HOME / "emulator", folder / ".local", self.ports.emulator)

    def up(self, *, sample: bool = False) -> Screen:
        return Screen(self.folder, self.ports, sample)

    def is_empty(self) -> bool:
        """Whether no part of the stack runs, and no note says that it does."""
        notes = ("running.json", "emulator.pid")
        return not any((self.folder / ".local" / name).exists() for name in notes)

    def emulator_pid(self) -> int:
        return int((self.folder / ".local/emulator.pid").read_text())


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    ignored = shutil.ignore_patterns("__pycache__")
    for name in ("local", "functions", "layers"):
        shutil.copytree(ROOT / name, folder / name, ignore=ignored)
    shutil.copy(ROOT / "template.yaml", folder)
    (HOME / "build").mkdir(exist_ok=True)
    (folder / ".local").mkdir()
    for name in ("emulator", "translator", "build"):
        if name != "build":
            ensure_venv(name)
        (folder / ".local" / name).symlink_to(HOME / name)
    house = House(folder)
    yield house
    house.emulator.end_orphan()


def wait_until(holds: Callable[[], Any]) -> None:
    deadline = time.monotonic() + WITHIN_S
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def make_down(house: House) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "local.running"], cwd=house.folder, capture_output=True, text=True
    )
    return done.stdout


def test_ctrl_c_during_the_start_leaves_all_as_it_was(house: House) -> None:
    screen = house.up()
    screen.wait_for("deploying template.yaml")
    screen.press(INTERRUPT * 2)
    assert screen.end() == 128 + signal.SIGINT
    assert "interrupted while it started; the state is as it was before" in screen.text
    assert "Traceback" not in screen.text
    assert house.is_empty()
    assert house.emulator.saved_at is None


def test_ctrl_c_during_the_campaign_keeps_the_state(house: House) -> None:
    screen = house.up(sample=True)
    screen.wait_for("submitted")
    screen.press(INTERRUPT * 2)
    assert screen.end() == 128 + signal.SIGINT
    assert "stopping; the state is kept in .local/state" in screen.text
    assert "Traceback" not in screen.text
    assert max(map(len, screen.text.split("\r"))) <= 81
    assert house.is_empty()
    assert house.emulator.saved_at is not None


def test_a_closed_terminal_stops_the_stack_in_order(house: House) -> None:
    before = house.emulator.saved_at
    screen = house.up()
    screen.wait_for("Ctrl-C stops it")
    wait_until(lambda: house.emulator.saved_at != before)
    saved_while_running = house.emulator.saved_at
    screen.close()
    assert screen.end() == 128 + signal.SIGHUP
    assert house.is_empty()
    assert house.emulator.saved_at != saved_while_running


def test_a_killed_emulator_is_told_with_what_is_lost_and_down_finds_who_starts(
    house: House,
) -> None:
    before = house.emulator.saved_at
    screen = house.up()
    screen.wait_for("Ctrl-C stops it")
    wait_until(lambda: house.emulator.saved_at != before)
    saved_at = house.emulator.saved_at
    os.kill(house.emulator_pid(), signal.SIGKILL)
    assert screen.end() == 1
    text = " ".join(screen.text.split())
    moment = time.strftime("%H:%M:%S on %d %B", time.localtime(saved_at))
    assert f"the emulator ended by itself, what came after {moment} is lost: see" in text
    assert "Traceback" not in text
    assert house.is_empty()

    # With the emulator killed, the next start says so; `make down` stops that start before it is
    # up.
    (house.folder / ".local/emulator.pid").write_text("999999999")
    screen = house.up()
    screen.wait_for(f"the emulator was killed: what came after {moment} is lost")
    screen.wait_for("starting the emulator")
    assert make_down(house) == "stopped; the state is kept in .local/state\n"
    assert screen.end() == 128 + signal.SIGTERM
    assert house.is_empty()


def test_the_printed_link_opens_the_console_once_and_ctrl_c_ends_it_well(house: House) -> None:
    screen = house.up()
    screen.wait_for("Ctrl-C stops it")
    (link,) = re.findall(r"http://\S+/console/link\S+", screen.text)
    opened = open_link(link)
    assert (opened.status_code, opened.url.path) == (200, "/console/today")
    assert "<h1>Today</h1>" in opened.text
    assert open_link(link).status_code == 404
    note = json.loads((house.folder / ".local/running.json").read_text())
    assert note["outputs"]["MessagesTableName"]
    screen.press(INTERRUPT)
    assert screen.end() == 0
    assert house.is_empty()
    assert make_down(house) == "nothing is running\n"


def test_what_was_saved_while_it_ran_is_there_after_a_kill(tmp_path: Path) -> None:
    def tables() -> list[str]:
        names: list[str] = client("dynamodb", emulator.url).list_tables()["TableNames"]
        return names

    def create(name: str) -> None:
        client("dynamodb", emulator.url).create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )

    emulator = Emulator(ensure_venv("emulator"), tmp_path, Ports.free().emulator)
    emulator.start()
    create("saved")
    emulator.save()
    wait_until(lambda: emulator.saved_at)
    # The first save has everything, later ones only the changes.
    first = emulator.saved_at
    create("saved-later")
    emulator.save()
    wait_until(lambda: emulator.saved_at != first)
    create("lost")
    assert len(tables()) == 3
    os.kill(int((tmp_path / "emulator.pid").read_text()), signal.SIGKILL)
    wait_until(lambda: not emulator.is_running())
    again = Emulator(emulator.venv, tmp_path, emulator.port)
    assert again.was_killed()
    again.start()
    assert sorted(tables()) == ["saved", "saved-later"]
    again.stop()
    assert not again.was_killed()
