"""The note that a running stack leaves for `make down` and `make replay`."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from typing import Any

from local.emulator import remove_temporary
from local.settings import HOME, LocalStackError
from local.stack import Stack

NOTE = HOME / "running.json"
STOP_WITHIN_S = 40


def note(stack: Stack) -> None:
    """Write down that this process runs the stack."""
    NOTE.write_text(
        json.dumps(
            {
                "pid": os.getpid(),
                "emulator_pid": stack.emulator.pid,
                "ports": asdict(stack.ports),
                "outputs": stack.outputs,
                "aws_url": stack.aws_url,
            }
        )
    )


def forget() -> None:
    """Remove the note."""
    NOTE.unlink(missing_ok=True)


def read() -> dict[str, Any] | None:
    """Return the note of a stack that runs, or None."""
    if not NOTE.is_file():
        return None
    found: dict[str, Any] = json.loads(NOTE.read_text())
    return found if _runs(found["pid"], "local.up") else None


def require_none() -> None:
    """Raise LocalStackError if a stack runs; end the emulator of one that was killed."""
    if read() is not None:
        raise LocalStackError("the stack is up already: `make down` stops it")
    _end_orphan()


def down() -> str:
    """Stop a running stack; return what was done."""
    found = read()
    if found is None:
        return "stopped an emulator that was left over" if _end_orphan() else "nothing is running"
    _stop(found["pid"], "local.up")
    return "stopped; the state is kept in .local/state"


def _end_orphan() -> bool:
    """Stop the emulator of a `make up` that was killed, so that it saves its state."""
    if not NOTE.is_file():
        return False
    pid = json.loads(NOTE.read_text())["emulator_pid"]
    is_left = _runs(pid, "ministack")
    if is_left:
        _stop(pid, "ministack")
    remove_temporary(HOME)
    forget()
    return is_left


def _stop(pid: int, program: str) -> None:
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_WITHIN_S
    while _runs(pid, program):
        if time.monotonic() > deadline:
            raise LocalStackError(f"process {pid} does not stop")
        time.sleep(0.1)


def _runs(pid: int, program: str) -> bool:
    """Whether a process runs this program: numbers of processes are used again."""
    found = subprocess.run(["ps", "-p", str(pid), "-o", "args="], capture_output=True, text=True)
    return program in found.stdout


if __name__ == "__main__":
    try:
        print(down())
    except LocalStackError as error:
        sys.exit(f"make down: {error}")
