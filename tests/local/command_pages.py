"""Pages of commands: run their lines, in a folder with the files that they name."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from tests.local.operators import Done, Operator
from tests.support.documents import blocks

FILES = {
    "airtel.secret": "password\n",
    "carrier.secret": "PASSWORD\n",
    "headers.json": '{"X-Key": "not-a-real-key"}',
    "hooks.token": "not-a-real-token\n",
}


def write_files(folder: Path, text: str, files: Mapping[str, str] = FILES) -> None:
    """Write the files that a page names: secrets, and those of its blocks, as in `json FILE`."""
    named = {marks.partition(" ")[2]: content for marks, content in blocks(text) if "." in marks}
    for name, content in {**files, **named}.items():
        (folder / name).write_text(content)


def run(operator: Operator, command: str, *more: str) -> Done:
    """Run a line of a page; it must succeed."""
    program, *words = shlex.split(command)
    assert (program, words.pop()) == ("harkara", "--local")
    done = operator.run([*words, *more])
    assert (done.status, done.err) == (0, ""), command
    return done


def commands(text: str) -> list[str]:
    """Return the lines of a text's blocks of commands."""
    return [
        line for marks, content in blocks(text) if marks == "sh" for line in content.splitlines()
    ]
