"""Package functions and layers in zips that are named after their content and built once."""

import hashlib
import os
import subprocess
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from local.settings import HOME, LocalStackError
from local.transform import Template
from local.venvs import Say

BUILDS = HOME / "build"
# Zips store times; a fixed time makes equal content an equal file.
ZIP_TIME = (2020, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Packager:
    """Packages for one Python interpreter: the emulator's, which runs the functions."""

    python: Path
    root: Path
    say: Say

    def package(self, template: Template) -> dict[str, Path]:
        """Return the zip of every function and layer of a SAM template, by logical id."""
        zips = {}
        for name, resource in template["Resources"].items():
            properties = resource.get("Properties", {})
            if resource["Type"] == "AWS::Serverless::Function":
                zips[name] = self._function(name, self.root / properties["CodeUri"])
            elif resource["Type"] == "AWS::Serverless::LayerVersion":
                zips[name] = self.layer(name, self.root / properties["ContentUri"])
        return zips

    def _function(self, name: str, folder: Path) -> Path:
        target = BUILDS / f"{name}-{fingerprint(folder)}.zip"
        if not target.exists():
            write_zip(folder, source_files(folder), target)
        return target

    def layer(self, name: str, folder: Path) -> Path:
        """Return the zip of a layer, built by its Makefile unless one of this content is there."""
        # Wheels and bytecode fit one Python, and a rebuilt venv may have another.
        settings = (self.python.parent.parent / "pyvenv.cfg").read_text()
        version = next(line for line in settings.splitlines() if line.startswith("version"))
        target = BUILDS / f"{name}-{fingerprint(folder, version)}.zip"
        if not target.exists():
            self.say(f"building the layer {name}")
            BUILDS.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=BUILDS) as built:
                build_layer(name, folder, Path(built), self.python)
                files = sorted(path for path in Path(built).rglob("*") if path.is_file())
                write_zip(Path(built), files, target)
        return target


def build_layer(name: str, folder: Path, built: Path, python: Path) -> None:
    """Build a layer for an interpreter by the layer's Makefile, which `sam build` runs too."""
    done = subprocess.run(
        ["make", "-s", "-C", folder, f"build-{name}", f"ARTIFACTS_DIR={built}", f"PYTHON={python}"],
        # Without the variables of a `make` that may have started this process.
        env={k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        output = [line for line in done.stdout.splitlines() if not line.startswith("make")]
        raise LocalStackError(f"layer {name} could not be built: {' '.join(output[-1:])}")


def source_files(folder: Path) -> list[Path]:
    """Return the files of a source folder, sorted, without bytecode."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.relative_to(folder).parts
    )


def fingerprint(folder: Path, *also: str) -> str:
    """Return a short hash of the files' paths and contents, and of `also`."""
    digest = hashlib.sha256(repr(also).encode())
    for path in source_files(folder):
        digest.update(f"{path.relative_to(folder)}\0{path.stat().st_size}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def write_zip(folder: Path, files: list[Path], target: Path) -> None:
    """Zip files of a folder; `target` appears only when it is complete."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(f".{os.getpid()}")
    with zipfile.ZipFile(unfinished, "w") as archive:
        for path in files:
            entry = zipfile.ZipInfo(str(path.relative_to(folder)), ZIP_TIME)
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, compresslevel=1)
    unfinished.replace(target)
