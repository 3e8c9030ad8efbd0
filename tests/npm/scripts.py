"""Runs npm packages that the tests compare with: pinned by a lock, installed in .local."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from local.settings import HOME, LocalStackError
from local.venvs import ensure_venv

SCRIPTS = Path(__file__).parent
PACKAGES = HOME / "npm"
MANIFESTS = ("package.json", "package-lock.json")
INSTALLED_WITHIN_S = 300
RUN_WITHIN_S = 120


def run_script(name: str, given: Any) -> Any:
    """Run a script of this folder on JSON; return the JSON that it prints."""
    environment = _environment()
    _ensure_packages(environment)
    done = subprocess.run(
        ["node", SCRIPTS / name],
        env={**environment, "NODE_PATH": str(PACKAGES / "node_modules")},
        input=json.dumps(given),
        capture_output=True,
        text=True,
        check=False,
        timeout=RUN_WITHIN_S,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def package_file(path: str) -> Path:
    """Return a file of an installed package: `axe-core/axe.min.js`."""
    _ensure_packages(_environment())
    return PACKAGES / "node_modules" / path


def _environment() -> dict[str, str]:
    """Return an environment whose PATH has Node.js: this machine's, else one from PyPI."""
    if shutil.which("node") and shutil.which("npm"):
        return dict(os.environ)
    return {**os.environ, "PATH": f"{ensure_venv('node') / 'bin'}:{os.environ['PATH']}"}


def _ensure_packages(environment: dict[str, str]) -> None:
    """Install the packages of the lock if they are missing; npm compares each with its hash."""
    stamp = PACKAGES / "installed"
    required = hashlib.sha256(b"".join((SCRIPTS / name).read_bytes() for name in MANIFESTS))
    if stamp.is_file() and stamp.read_text() == required.hexdigest():
        return
    shutil.rmtree(PACKAGES, ignore_errors=True)
    PACKAGES.mkdir(parents=True)
    for name in MANIFESTS:
        shutil.copy(SCRIPTS / name, PACKAGES)
    done = subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        cwd=PACKAGES,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=INSTALLED_WITHIN_S,
    )
    if done.returncode:
        errors = [line for line in done.stderr.splitlines() if line.startswith("npm error")]
        raise LocalStackError(
            f"npm could not install tests/npm (is its registry reached?): {' '.join(errors[:3])}"
        )
    stamp.write_text(required.hexdigest())
