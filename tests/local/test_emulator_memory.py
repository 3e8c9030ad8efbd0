"""Temporary folders in memory: the next start removes the leftovers of a killed stack."""

import subprocess
import sys
from pathlib import Path

import pytest

from local import emulator
from local.emulator import HELD, Emulator, hold, make_temporary, remove_left_over
from local.settings import LocalStackError, Ports

# Prints whether its folder is held, then ends like an emulator that fails to start.
PROGRAM = """#!{python}
import fcntl
try:
    fcntl.flock(open("{held}"), fcntl.LOCK_EX | fcntl.LOCK_NB)
    print("free")
except BlockingIOError:
    print("held")
"""


@pytest.fixture(autouse=True)
def _memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = tmp_path / "memory"
    memory.mkdir()
    monkeypatch.setattr(emulator, "MEMORY", memory)
    monkeypatch.setattr(emulator, "MEMORY_FREE_BYTES", 0)


@pytest.fixture
def dead(tmp_path: Path) -> Path:
    """Return the folder of a process that was killed."""
    folder = tmp_path / "killed"
    folder.mkdir()
    temporary = make_temporary(folder)
    (temporary / "unpacked").mkdir()
    with hold(temporary) as held:
        process = living(held)
    remove_left_over()
    assert temporary.is_dir(), "its process lives"
    process.kill()
    process.communicate()
    return temporary


def living(held: int) -> subprocess.Popen[bytes]:
    """Start a process that holds a folder, until its input ends."""
    return subprocess.Popen(
        [sys.executable, "-c", "input()"],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=[held],
    )


def test_what_a_killed_process_left_is_removed(dead: Path) -> None:
    assert dead.is_dir()
    remove_left_over()
    assert not dead.exists()


def test_what_a_living_process_has_stays_and_so_does_what_nobody_holds_yet(
    dead: Path, tmp_path: Path
) -> None:
    for name in ("living", "starting"):
        (tmp_path / name).mkdir()
    live, starting = make_temporary(tmp_path / "living"), make_temporary(tmp_path / "starting")
    other = emulator.MEMORY / "harkara.txt"
    other.write_text("another program's")
    with hold(live) as held:
        process = living(held)
    remove_left_over()
    assert live.is_dir()
    assert starting.is_dir()
    assert other.is_file()
    assert not dead.exists()
    process.kill()
    process.communicate()


def test_a_start_removes_what_is_left_over_and_the_emulator_holds_its_own(
    dead: Path, tmp_path: Path
) -> None:
    python = tmp_path / "venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(PROGRAM.format(python=sys.executable, held=HELD))
    python.chmod(0o755)
    starting = Emulator(tmp_path / "venv", tmp_path / "stack", Ports.free().emulator)
    with pytest.raises(LocalStackError, match="did not start"):
        starting.start()
    assert starting.log.read_text() == "held\n"
    assert list(emulator.MEMORY.iterdir()) == []
    assert not dead.exists()
