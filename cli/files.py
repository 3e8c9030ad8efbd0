"""Read secrets and JSON from files."""

import getpass
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from cli.command import CommandRefused
from cli.deployment import Deployment
from harkara.base.json import decode

STDIN = "-"


def read_secret(deployment: Deployment, file: str, prompt: str) -> str:
    """Return the secret in a file or on standard input (`-`), prompting at a terminal."""
    if file == STDIN and deployment.stdin.isatty():
        secret = getpass.getpass(f"{prompt}: ")
    elif file == STDIN:
        secret = deployment.stdin.readline()
    else:
        try:
            secret = Path(file).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            raise CommandRefused(f"{file} cannot be read: name a file of UTF-8 text") from None
    secret = secret.rstrip("\r\n")
    if not secret:
        raise CommandRefused("the secret is empty: put it into the file, or on stdin")
    return secret


def json_file(file: str) -> Any:
    """Return the content of a JSON file."""
    try:
        return decode(Path(file).read_bytes())
    except (OSError, ValueError):
        raise ArgumentTypeError(f"{file} cannot be read: name a file of JSON") from None
