"""Both layers as they are deployed, and programs that find nothing beside them."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from local.package import build_layer
from local.settings import ROOT

# -I and -S leave the standard library alone on the path: what is missing in a layer is missing.
# -B writes no bytecode: what a layer lacks is compiled every time.
ALONE = ("-I", "-S", "-B", "-W", "error", "-c")
PATH = "import sys; sys.path[:0] = sys.argv[1:]\n"
FUNCTIONS = ROOT / "functions"


class Layers(NamedTuple):
    """The folders that Lambda puts on the path."""

    core: Path
    deps: Path


def build(folder: Path, python: str = sys.executable) -> Layers:
    """Build both layers for a Python, with their Makefiles."""
    for name in ("core", "deps"):
        target = folder / name
        build_layer(f"{name.title()}Layer", ROOT / "layers" / name, target, Path(python))
    return Layers(folder / "core" / "python", folder / "deps" / "python")


def run(
    code: str,
    *paths: Path,
    environment: Mapping[str, str] | None = None,
    python: str = sys.executable,
) -> str:
    """Run a program with these folders and no others on its path; return what it prints.

    It has no environment but the given one. Raises AssertionError with its errors.
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
