"""Renew the list of crawlers that `harkara.links.clicks` reads: `make crawlers`.

The list is that of the package crawler-user-agents (MIT), without its descriptions and examples,
which are thirty times as long. It changes every week; we renew it together with our lock files.
"""

import json
import re
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from harkara.links.clicks import LIST

PACKAGE = "crawler-user-agents"


def text_of(version: str, licence: str, patterns: Sequence[str]) -> str:
    """Return the file of a list: its origin and licence in comments, then one pattern per line.

    Raises ValueError for a pattern that is no regular expression, or would not be read back
    unchanged.
    """
    for pattern in patterns:
        if not pattern.strip() or pattern.startswith("#") or len(pattern.splitlines()) != 1:
            raise ValueError(f"no pattern for a line of its own: {pattern!r}")
        re.compile(pattern)
    comments = [f"{PACKAGE} {version}, written by tools/renew_crawlers.py", "", licence.strip()]
    commented = [f"# {line}".rstrip() for line in "\n".join(comments).splitlines()]
    return "\n".join([*commented, *patterns]) + "\n"


def read_wheel(wheel: Path) -> str:
    """Return the file of the list in a wheel of the package."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (data,) = (name for name in names if name.endswith("/crawler-user-agents.json"))
        (licence,) = (name for name in names if name.endswith("/LICENSE"))
        entries = json.loads(archive.read(data))
        version = wheel.name.split("-")[1]
        patterns = [entry["pattern"] for entry in entries]
        return text_of(version, archive.read(licence).decode(), patterns)


def download(package: str, folder: str) -> Path:
    """Return the wheel of a package's newest version, downloaded to a folder."""
    options = ["--quiet", "--no-deps", "--only-binary=:all:", "--dest", folder]
    subprocess.run([sys.executable, "-m", "pip", "download", *options, package], check=True)
    (wheel,) = Path(folder).glob("*.whl")
    return wheel


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        LIST.write_text(read_wheel(download(PACKAGE, folder)))
    print(f"wrote {LIST.name}: {LIST.read_text().splitlines()[0].removeprefix('# ')}")


if __name__ == "__main__":
    main()
