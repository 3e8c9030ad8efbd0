"""Find the stack that `make up` runs on this machine, by the note that it leaves."""

import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from cli.command import CommandRefused

NOTE = Path(".local", "running.json")
# The checkout that this package belongs to, unless it was installed.
HOME = Path(__file__).parents[1]
ANSWERS_WITHIN_S = 2
# The emulator wants some credentials, and these open nothing.
AWS = {
    "region_name": "ap-south-1",
    "aws_access_key_id": "test",
    "aws_secret_access_key": "test",
}


class LocalStack(NamedTuple):
    """The outputs of a running stack, and the URL of its emulator of AWS."""

    outputs: Mapping[str, str]
    aws_url: str


def find() -> LocalStack:
    """Return the stack of the checkout around the working directory, else of the package's own.

    Raises CommandRefused if none is up.
    """
    for folder in (Path.cwd(), *Path.cwd().parents, HOME):
        try:
            note = json.loads((folder / NOTE).read_text())
        except (OSError, ValueError):  # a power failure may leave half of it
            continue
        if not note["outputs"]:
            raise CommandRefused(
                "the stack is starting: try again once `make up` says that it is up"
            )
        if _answers(note["aws_url"]):
            return LocalStack({**note["outputs"], "ApiUrl": note["api_url"]}, note["aws_url"])
    raise CommandRefused("no stack is running: start one with `make up` in a checkout")


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname, parts.port), ANSWERS_WITHIN_S):
            return True
    except OSError:
        return False
