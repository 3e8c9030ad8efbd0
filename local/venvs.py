"""Python interpreters and virtual environments of the local stack."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

from local.settings import HOME, LocalStackError

Say = Callable[[str], None]
REQUIREMENTS = Path(__file__).parent / "requirements"
PREFERRED = (3, 13)


def find_python() -> str:
    """Return Lambda's Python version (3.13) if it is installed, else the running Python."""
    for candidate in _candidates():
        probe = [candidate, "-c", "import sys, ensurepip; print(*sys.version_info[:2])"]
        try:
            # pyenv's shims exist for versions that are not selected, and then fail.
            answer = subprocess.run(probe, capture_output=True, text=True, check=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        if tuple(map(int, answer.stdout.split())) == PREFERRED:
            return candidate
    return sys.executable


def _candidates() -> Iterator[str]:
    name = f"python{PREFERRED[0]}.{PREFERRED[1]}"
    if found := shutil.which(name):
        yield found
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from map(str, sorted(pyenv.glob(f"versions/3.13*/bin/{name}"), reverse=True))


def ensure_venv(name: str, say: Say = print, python: str = "") -> Path:
    """Return the folder of the venv `.local/<name>`, built from its lock if it is not current.

    It uses Lambda's Python version, unless `python` names another. Concurrent processes wait for
    the one that builds the venv.
    """
    HOME.mkdir(exist_ok=True)
    with (HOME / f"{name}.lock").open("w") as alone:
        fcntl.flock(alone, fcntl.LOCK_EX)
        return _ensure_venv(name, say, python or find_python())


def _ensure_venv(name: str, say: Say, python: str) -> Path:
    folder, lock = HOME / name, REQUIREMENTS / f"{name}.txt"
    stamp = folder / "installed"
    required = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.is_file() and stamp.read_text() == required and (folder / "bin/python").exists():
        return folder
    say(f"installing .local/{name} (once)")
    shutil.rmtree(folder, ignore_errors=True)
    if python == sys.executable:
        venv.create(folder, with_pip=True)
    else:
        subprocess.run([python, "-m", "venv", folder], check=True)
    # A lock is complete. Without --no-deps pip 23.2 would resolve the requirements of extras again.
    # A module is compiled once it is imported: most never are.
    install = ["install", "--quiet", "--no-compile", "--no-deps", "--require-hashes"]
    install += ["-r", str(lock)]
    done = _pip(folder, install)
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise LocalStackError(
            f"pip could not install {lock.name} (is there a network?): {' '.join(errors[-1:])}"
        )
    done = _pip(folder, ["check"])
    if done.returncode:
        (*_, lacking) = done.stdout.strip().splitlines() or [done.stderr.strip()]
        raise LocalStackError(f"{lock.name} is not complete (`make lock` renews it): {lacking}")
    stamp.write_text(required)
    return folder


def _pip(folder: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    command = [str(folder / "bin/python"), "-m", "pip", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, capture_output=True, text=True)
