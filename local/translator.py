"""SAM's own parser and transform, run in a venv of their own, each result kept by its content.

aws-sam-translator and the functions want different releases of pydantic, so one venv cannot hold
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
    """Return what the program makes of `given`, from an earlier run where there was one."""
    request = json.dumps(given)
    lock = (REQUIREMENTS / "translator.txt").read_text()
    # A dictionary's order decides the order of what is made, so it counts as well.
    decides = (step, REGION, request, lock, PROGRAM.read_text())
    kept = KEPT / f"{step}-{hashlib.sha256(repr(decides).encode()).hexdigest()[:16]}.json"
    if not kept.is_file():
        _keep(kept, _translate(step, request, say))
    template: Template = json.loads(kept.read_text())
    return template


def _translate(step: str, request: str, say: Say) -> str:
    python = ensure_venv("translator", say) / "bin" / "python"
    # -I: neither this project nor another one's PYTHONPATH is there.
    command = [str(python), "-I", str(PROGRAM), step, REGION]
    done = subprocess.run(command, input=request, capture_output=True, text=True, check=False)
    if done.returncode:
        (*_, reason) = done.stderr.strip().splitlines() or ["it said nothing"]
        raise LocalStackError(f"template.yaml: SAM's translator could not {step} it: {reason}")
    return done.stdout


def _keep(path: Path, text: str) -> None:
    """Write a file that appears when it is whole: two processes may want it at a time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(f".{os.getpid()}")
    unfinished.write_text(text)
    unfinished.replace(path)
