"""The wheel: it is built, installed, and its command run outside of the checkout."""

import ast
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
from pathlib import Path

import pytest

import cli
from harkara.base.version import VERSION
from local.settings import ROOT


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a venv with the wheel, and without this checkout."""
    folder = tmp_path_factory.mktemp("installed")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob(f"harkara-{VERSION}-*.whl")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    (packages,) = folder.glob("venv/lib/*/site-packages")
    # The libraries come from here: a path in a .pth file leaves out that folder's own .pth files,
    # and so the editable installation.
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "venv"), "install", "--quiet"]
    options = ["--no-deps", "--no-index", "--no-compile", "--disable-pip-version-check"]
    subprocess.run([*pip, *options, "--ignore-installed", str(wheel)], check=True)
    return folder


def run(installed: Path, *words: str) -> subprocess.CompletedProcess[str]:
    program = installed / "venv" / "bin" / "harkara"
    return subprocess.run([program, *words], cwd=installed, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("line", "status", "says"),
    [
        ("--version", 0, f"harkara {VERSION}"),
        ("--help", 0, "carrier"),
        ("carrier presets exotel", 0, "Exotel"),
        ("account list --local", 1, "no stack is running"),
        ("account", 2, "harkara account --help"),
    ],
)
def test_the_command_runs_without_the_checkout(
    line: str, status: int, says: str, installed: Path
) -> None:
    done = run(installed, *line.split())
    assert done.returncode == status, done.stderr
    assert says in done.stdout + done.stderr


def test_every_file_of_both_packages_is_in_the_wheel(installed: Path) -> None:
    (packages,) = installed.glob("venv/lib/*/site-packages")
    for source in (ROOT / "cli", ROOT / "layers" / "core" / "harkara"):
        files = {path.relative_to(source.parent) for path in source.rglob("*.*") if path.is_file()}
        missing = {path for path in files if not (packages / path).exists()}
        assert {path for path in missing if path.suffix != ".pyc"} == set()


def test_the_command_imports_only_what_an_installation_brings() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {re.split(r"[\[<>=~ ]", each)[0] for each in project["dependencies"]}
    imported = set[str]()
    for path in Path(cli.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                imported |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                imported.add(node.module or "")
    roots = {name.partition(".")[0] for name in imported} - sys.stdlib_module_names
    # boto3 brings botocore.
    assert roots <= declared | {"botocore", "cli", "harkara"}
