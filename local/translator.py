"""Run SAM's own parser and transform in a venv of their own, caching results by content.

aws-sam-translator and the functions need different releases of pydantic, so one venv cannot hold
both.
"""

import hashlib
import json
import os
import subprocess
from pathlib import Path
from typing import Any

from local.settings import HOME, REGION, LocalStackError
from local.transform import Template
from local.venvs import REQUIREMENTS, Say, ensure_venv

PROGRAM = Path(__file__).parent / "translator_program.py"
KEPT = HOME / "build"


def load(text: str, say: Say = print) -> Template:
    """Parse a template in YAML with CloudFormation's short forms."""
    return _run("load", text, say)


def to_cloudformation(template: Template, say: Say = print) -> Template:
    """Apply SAM's own transform, as CloudFormation does on AWS."""
    return _run("translate", template, say)


def _run(step: str, given: Any, say: Say) -> Template:
    """Return the program's result for `given`, from an earlier run if there was one."""
    request = json.dumps(given)
    lock = (REQUIREMENTS / "translator.txt").read_text()
    # A dictionary's order decides the order of the result, so the hash includes it.
    decides = (step, REGION, request, lock, PROGRAM.read_text())
    kept = KEPT / f"{step}-{hashlib.sha256(repr(decides).encode()).hexdigest()[:16]}.json"
    if not kept.is_file():
        _keep(kept, _translate(step, request, say))
    template: Template = json.loads(kept.read_text())
    return template


def _translate(step: str, request: str, say: Say) -> str:
    python = ensure_venv("translator", say) / "bin" / "python"
    # -I: neither this project nor the packages of PYTHONPATH can be imported.
    command = [str(python), "-I", str(PROGRAM), step, REGION]
    done = subprocess.run(command, input=request, capture_output=True, text=True, check=False)
    if done.returncode:
        (*_, reason) = done.stderr.strip().splitlines() or ["it said nothing"]
        raise LocalStackError(f"template.yaml: SAM's translator could not {step} it: {reason}")
    return done.stdout


def _keep(path: Path, text: str) -> None:
    """Write a file that appears only when it is complete: two processes may need it at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}")
    unfinished.write_text(text)
    unfinished.replace(path)
