"""The Makefiles work with macOS's make 3.81, and stop at the step that fails."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from local.settings import ROOT

LAYERS = ("console", "signing")
MAKEFILES = ("Makefile", *(f"layers/{name}/Makefile" for name in (*LAYERS, "core", "deps")))
# Special targets, assignments and functions of later releases. 3.81 does not refuse the first: it
# ignores them, so that a recipe continues after its failed steps.
LATER = re.compile(r"\.ONESHELL|\.SHELLFLAGS|^\w+ *(!|::|:::)=|\$\(file |^undefine|^private", re.M)

# Stands for an interpreter and the programs of its venvs: records each call, and fails at the one
# that matches FAILS.
PROGRAM = """#!/bin/bash
call="${0##*/} $*"
echo "$call" >>"$CALLS"
[[ $call == *"$FAILS"* ]] && exit 7
case $call in
  *' -m venv '*)
    mkdir -p "${!#}/bin"
    for name in pip pip-compile python; do cp "$0" "${!#}/bin/$name"; done ;;
  *' -m pip install '*' --target '*)
    folder=${call#* --target }
    folder=${folder%% *}
    machine=${call##*manylinux_2_28_}
    mkdir -p "$DATA" "$folder"
    touch "$folder/${COMPILED:-of-${machine%% *}.so}" ;;
esac
exit 0
"""
NEVER = "no call has this in it"
LAYER_STEPS = ["-m pip install", "-m compileall"]
VENV_STEPS = [
    "-c import sys",
    "-m venv",
    "--requirement local/requirements/dev.txt",
    "--editable",
    "pip check",
]
LOCKS = ("checkov", "client", "dev", "emulator", "mutants", "node", "sam", "translator")


@pytest.mark.parametrize("name", MAKEFILES)
def test_a_makefile_has_nothing_that_make_3_81_lacks(name: str) -> None:
    assert not LATER.findall((ROOT / name).read_text())


class Sandbox:
    """The Makefiles in a folder of their own, run with programs that do nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in MAKEFILES:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
        shutil.copy(ROOT / "layers/deps/build.sh", folder / "layers/deps/build.sh")
        (folder / "layers/core/harkara").mkdir()
        for name in ("local/requirements/dev.txt", "pyproject.toml", "layers/core/harkara/one.py"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).touch()
        self.python = folder / "python3"
        self.python.write_text(PROGRAM)
        self.python.chmod(0o755)

    def make(
        self, *arguments: str, fails: str = NEVER, data: str = "none"
    ) -> tuple[int, list[str]]:
        """Return the status, and the calls that were made."""
        calls = self.folder / "calls"
        calls.write_text("")
        done = subprocess.run(
            ["make", *arguments, f"PYTHON={self.python}"],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "CALLS": str(calls), "FAILS": fails, "DATA": data},
            capture_output=True,
            check=False,
        )
        return done.returncode, calls.read_text().splitlines()


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    return Sandbox(tmp_path)


def build(
    sandbox: Sandbox, layer: str, fails: str = NEVER, data: str = "botocore/data"
) -> tuple[int, list[str]]:
    built = sandbox.folder / "built"
    return sandbox.make(
        "-C",
        f"layers/{layer}",
        f"build-{layer.title()}Layer",
        f"ARTIFACTS_DIR={built}",
        fails=fails,
        data=str(built / "python" / data),
    )


def test_a_layer_is_built_of_its_steps(sandbox: Sandbox) -> None:
    status, calls = build(sandbox, "deps")
    assert (status, len(calls)) == (0, len(LAYER_STEPS))
    assert all(step in call for step, call in zip(LAYER_STEPS, calls, strict=True))
    assert "--platform" not in calls[0]
    status, calls = build(sandbox, "core")
    assert (status, len(calls)) == (0, 1)
    assert (sandbox.folder / "built/python/harkara/one.py").is_file()


@pytest.mark.parametrize("step", LAYER_STEPS)
def test_a_layer_whose_step_fails_is_not_built(sandbox: Sandbox, step: str) -> None:
    status, calls = build(sandbox, "deps", fails=step)
    assert status != 0
    assert step in calls[-1]


def test_a_layer_that_cannot_be_stripped_is_not_built(sandbox: Sandbox) -> None:
    status, calls = build(sandbox, "deps", data="elsewhere")
    assert status != 0
    assert "compileall" not in calls[-1]


@pytest.mark.parametrize("missing", ["compiler", "sources"])
def test_the_layer_of_our_own_package_stops_as_well(sandbox: Sandbox, missing: str) -> None:
    if missing == "sources":
        shutil.rmtree(sandbox.folder / "layers/core/harkara")
    status, calls = build(
        sandbox, "core", fails="-m compileall" if missing == "compiler" else NEVER
    )
    assert status != 0
    assert len(calls) == (missing == "compiler")


def build_for_lambda(sandbox: Sandbox, **also: str) -> subprocess.CompletedProcess[str]:
    programs = sandbox.folder / "programs"
    programs.mkdir()
    shutil.copy(sandbox.python, programs / "python3.13")
    target = sandbox.folder / "built"
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "ARTIFACTS_DIR": str(target),
        "PYTHON": "another",
        "CALLS": str(sandbox.folder / "calls"),
        "FAILS": NEVER,
        "DATA": str(target / "python/botocore/data"),
        **also,
    }
    return subprocess.run(
        ["make", "-C", sandbox.folder / "layers/deps", "build-DepsLayer"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_layer_for_lambda_has_the_wheels_of_both_processors(sandbox: Sandbox) -> None:
    done = build_for_lambda(sandbox)
    assert done.returncode == 0, done.stderr
    *installs, compiled = (sandbox.folder / "calls").read_text().splitlines()
    assert len(installs) == 2
    for machine, install in zip(("x86_64", "aarch64"), installs, strict=True):
        assert f"--platform manylinux_2_28_{machine} " in install
        assert (sandbox.folder / f"built/python/of-{machine}.so").is_file()
    assert compiled.startswith("python3.13 -m compileall")


def test_a_compiled_file_that_has_one_name_for_both_processors_is_refused(
    sandbox: Sandbox,
) -> None:
    done = build_for_lambda(sandbox, COMPILED="stable.abi3.so")
    assert done.returncode != 0
    assert "both processors would have stable.abi3.so: build a layer for each" in done.stderr
    assert "compileall" not in (sandbox.folder / "calls").read_text()


def test_the_venv_is_made_of_its_steps(sandbox: Sandbox) -> None:
    status, calls = sandbox.make(".venv/installed")
    assert (status, len(calls)) == (0, len(VENV_STEPS))
    assert all(step in call for step, call in zip(VENV_STEPS, calls, strict=True))
    assert (sandbox.folder / ".venv/installed").is_file()


@pytest.mark.parametrize("step", VENV_STEPS)
def test_a_venv_whose_step_fails_is_made_anew_the_next_time(sandbox: Sandbox, step: str) -> None:
    status, calls = sandbox.make(".venv/installed", fails=step)
    assert status != 0
    assert step in calls[-1]
    assert not (sandbox.folder / ".venv/installed").exists()


def test_all_locks_are_renewed(sandbox: Sandbox) -> None:
    status, calls = sandbox.make("lock")
    assert status == 0
    compiled = [call for call in calls if call.startswith("pip-compile")]
    assert all(" --upgrade " in call and " --generate-hashes " in call for call in compiled)
    required = [
        "requirements.txt",
        *(f"layers/{name}/requirements.txt" for name in LAYERS),
        *(f"local/requirements/{name}.txt" for name in LOCKS),
    ]
    assert [re.findall(r"--output-file (\S+)", call)[0] for call in compiled] == required
    assert {path.stem for path in (ROOT / "local/requirements").glob("*.in")} == set(LOCKS)


@pytest.mark.parametrize(
    "name", ["requirements", *(f"{name}/requirements" for name in LAYERS), *LOCKS]
)
def test_a_lock_that_cannot_be_made_ends_the_renewal(sandbox: Sandbox, name: str) -> None:
    status, calls = sandbox.make("lock", fails=f"{name}.txt")
    assert status != 0
    assert f"{name}.txt" in calls[-1]
