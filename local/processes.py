"""Find and stop processes that this one did not start, by process id and program."""

import contextlib
import os
import signal
import subprocess
import time

from local.settings import LocalStackError


def runs(pid: int, program: str) -> bool:
    """Whether a process runs this program: process ids are reused."""
    found = subprocess.run(["ps", "-p", str(pid), "-o", "args="], capture_output=True, text=True)
    return program in found.stdout


def stop(pid: int, program: str, within_s: float) -> None:
    """Ask a process to stop and wait until it has. Raises LocalStackError if it does not."""
    with contextlib.suppress(ProcessLookupError):  # it may have ended by itself
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + within_s
    while runs(pid, program):
        if time.monotonic() > deadline:
            raise LocalStackError(f"process {pid} does not stop")
        time.sleep(0.1)
