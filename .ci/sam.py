"""Runs commands of SAM one after the other, each in a fork of a process in which SAM is imported.

    <SAM's python> .ci/sam.py       reads a command a line, as JSON: its arguments, its time-out in
                                    seconds, and the files of its input, output and errors;
                                    answers each with a line, its exit status

Alone, SAM imports for longer than it then works.
"""

import json
import os
import signal
import sys

import samcli.commands.local.cli_common.invoke_context
import samcli.commands.local.invoke.cli  # noqa: F401 - commands import it only once they run
from samcli.cli.main import cli


def run(arguments: list[str], timeout_s: int, *files: str) -> int:
    """Run a command in a fork; return its exit status, -14 if it took too long."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    signal.alarm(timeout_s)
    os.dup2(os.open(files[0], os.O_RDONLY), 0)
    for target, path in enumerate(files[1:], start=1):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), target)
    cli(arguments, prog_name="sam")
    raise AssertionError("SAM returned instead of ending its process")


for line in sys.stdin:
    print(run(*json.loads(line)), flush=True)
