"""The note that a running stack leaves for `make down` and `make replay`.

Imports only the standard library and modules of `local` that do the same: `make down` runs this
without any package installed.
"""

import json
import os
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from local.emulator import Emulator
from local.processes import runs, stop
from local.settings import EMULATOR_VENV, HOME, LocalStackError, Ports

if TYPE_CHECKING:
    from local.stack import Stack

NOTE = HOME / "running.json"
PROGRAM = "local.up"
# More than the emulator and the servers together take at most.
STOP_WITHIN_S = 120


def note(stack: "Stack") -> None:
    """Record that this process runs the stack; until it is up, there are no outputs."""
    NOTE.write_text(
        json.dumps(
            {
                "pid": os.getpid(),
                "ports": asdict(stack.ports),
                "outputs": stack.outputs,
                "api_url": stack.endpoint,
                "aws_url": stack.aws_url,
            }
        )
    )


def forget() -> None:
    """Remove the note."""
    NOTE.unlink(missing_ok=True)


def read() -> dict[str, Any] | None:
    """Return the note of a stack that is up, or None. Raises LocalStackError if one is starting."""
    found = _running()
    if found is not None and not found["outputs"]:
        raise LocalStackError("the stack is starting: try again once `make up` says that it is up")
    return found


def _running() -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = json.loads(NOTE.read_text())
    except (FileNotFoundError, ValueError):  # a power failure may leave half of it
        return None
    return found if runs(found["pid"], PROGRAM) else None


def require_none() -> None:
    """Raise LocalStackError if a stack runs, or is being started."""
    if _running() is not None:
        raise LocalStackError("the stack is up already: `make down` stops it")


def down() -> str:
    """Stop a running stack, or the rest of one that was killed; return a line about it."""
    found = _running()
    if found is not None:
        stop(found["pid"], PROGRAM, STOP_WITHIN_S)
        return "stopped; the state is kept in .local/state"
    forget()
    if Emulator(EMULATOR_VENV, HOME, Ports().emulator).end_orphan():
        return "stopped an emulator that was left over; its state is kept in .local/state"
    return "nothing is running"


def end_all() -> None:
    """Stop every emulator below .local, including those of killed tests."""
    for folder in (HOME, *HOME.glob("stack-*")):
        Emulator(EMULATOR_VENV, folder, Ports().emulator).end_orphan()


if __name__ == "__main__":
    try:
        print(down())
        if sys.argv[1:] == ["all"]:
            end_all()
    except (LocalStackError, OSError) as error:
        sys.exit(f"make down: {error}")
