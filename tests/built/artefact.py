"""The layers as deployed, and programs that can import only from them."""

import subprocess
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from local.package import Packager, build_layer
from local.settings import ROOT

# -I and -S leave only the standard library on the path, so that missing modules are noticed. -B
# writes no bytecode: modules without it in a layer are compiled every time.
ALONE = ("-I", "-S", "-B", "-W", "error", "-c")
PATH = "import sys; sys.path[:0] = sys.argv[1:]\n"
FUNCTIONS = ROOT / "functions"


class Layers(NamedTuple):
    """The folders that Lambda puts on the path."""

    core: Path
    deps: Path
    console: Path
    signing: Path


NAMES = Layers._fields


def unpack(folder: Path) -> Layers:
    """Unpack the layers as the local stack deploys them, built for this Python."""
    packager = Packager(Path(sys.executable), ROOT, print)
    for name in NAMES:
        with zipfile.ZipFile(
            packager.layer(f"{name.title()}Layer", ROOT / "layers" / name)
        ) as zipped:
            zipped.extractall(folder / name)
    return Layers(*(folder / name / "python" for name in NAMES))


def build(folder: Path, python: str = sys.executable) -> Layers:
    """Build the layers for a Python, with their Makefiles."""
    for name in NAMES:
        target = folder / name
        build_layer(f"{name.title()}Layer", ROOT / "layers" / name, target, Path(python))
    return Layers(*(folder / name / "python" for name in NAMES))


def run(
    code: str,
    *paths: Path,
    environment: Mapping[str, str] | None = None,
    python: str = sys.executable,
) -> str:
    """Run a program with only these folders on its path; return its output.

    It gets no environment but the given one. Raises AssertionError with its errors.
    """
    done = subprocess.run(
        [python, *ALONE, PATH + code, *map(str, paths)],
        env=dict(environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
