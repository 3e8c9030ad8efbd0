"""Read secrets and CSV files, and write the latter."""

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.command import CommandRefused
from cli.deployment import Deployment

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


def read_csv(deployment: Deployment, file: str) -> bytes:
    """Return the content of a file or of standard input (`-`). Raises CommandRefused."""
    if file == STDIN:
        return deployment.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise CommandRefused(f"{file} cannot be read: {error.strerror}") from None


@contextmanager
def appending(file: Path) -> Iterator[Callable[[bytes], object]]:
    """Yield how to append to a new file, which replaces `file` at the end.

    Raises CommandRefused if it cannot be written; `file` then stays as it was.
    """
    unfinished = file.with_name(f"{file.name}.unfinished")
    try:
        with unfinished.open("wb") as open_file:
            yield open_file.write
        unfinished.replace(file)
    except OSError as error:
        raise CommandRefused(f"{file} cannot be written: {error.strerror}") from None
    finally:
        unfinished.unlink(missing_ok=True)


def write_csv(file: Path, content: bytes) -> None:
    """Write a file. Raises CommandRefused if that cannot be done."""
    try:
        file.write_bytes(content)
    except OSError as error:
        raise CommandRefused(f"{file} cannot be written: {error.strerror}") from None
