"""Errors of `make` and `make up`: one line, and the exit status."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.settings import HOST, ROOT, LocalStackError, Ports, require_free

PORTS = ("EMULATOR_PORT", "GATEWAY_PORT", "CARRIER_PORT", "PLATFORM_PORT")
SOURCES = ("Makefile", "pyproject.toml", "template.yaml", "local", "layers")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a folder like a fresh clone's local stack: nothing is installed."""
    for name in SOURCES:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, tmp_path / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*PORTS, "SAMPLE", "CARRIER", "MAKEFLAGS", "MAKELEVEL"):
        monkeypatch.delenv(name, raising=False)


def run(clone: Path, *command: str, **environment: str) -> tuple[int, str]:
    """Return the status of a command, and all its output."""
    done = subprocess.run(
        command,
        cwd=clone,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    return done.returncode, done.stdout


def make(clone: Path, *arguments: str) -> tuple[int, str]:
    return run(clone, "make", *arguments)


def files(folder: Path) -> Iterator[str]:
    return (str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_down_needs_nothing_installed(clone: Path) -> None:
    # -S: without the packages of the venv that runs this test.
    assert make(clone, "down", f"PYTHON={sys.executable} -S") == (0, "nothing is running\n")
    assert not (clone / ".venv").exists()
    assert not (clone / ".local").exists()


@pytest.mark.parametrize("note", ["", "{", '{"pid"'])
def test_down_understands_a_note_that_a_crash_cut_short(clone: Path, note: str) -> None:
    (clone / ".local").mkdir()
    (clone / ".local/running.json").write_text(note)
    (clone / ".local/emulator.pid").write_text("")
    assert make(clone, "down", f"PYTHON={sys.executable}") == (0, "nothing is running\n")


@pytest.mark.parametrize("target", ["up", "down", "lint"])
@pytest.mark.parametrize("python", ["no-such-python", "false"])
def test_without_a_python_that_is_new_enough_it_says_so(
    clone: Path, target: str, python: str
) -> None:
    status, payload = make(clone, target, f"PYTHON={python}")
    first, *_ = payload.splitlines()
    assert status == 2
    assert first == (
        f"make: Python 3.11 or later is needed and {python} is not: name one with PYTHON=..."
    )
    assert not (clone / ".venv").exists()


@pytest.mark.parametrize("python", [sys.executable, "no-such-python"])
def test_clean_leaves_the_sources_and_nothing_else(clone: Path, python: str) -> None:
    sources = set(files(clone))
    made = [
        ".local/state/dynamodb.json", ".venv/lib/x.py", ".aws-sam/build/x", ".mypy_cache/x",
        ".ruff_cache/x", ".pytest_cache/v/x", ".hypothesis/examples/x", ".coverage",
        ".coverage.1.2", "coverage.xml", "harkara.egg-info/PKG-INFO", "local/__pycache__/up.pyc",
        "layers/core/harkara/submit/__pycache__/x.pyc",
    ]  # fmt: skip
    for name in made:
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text("")
    status, payload = make(clone, "clean", f"PYTHON={python}")
    assert (status, payload.splitlines()[-1]) == (
        0,
        "removed .local, .venv, .aws-sam and all caches",
    )
    assert set(files(clone)) == sources
    assert make(clone, "clean", f"PYTHON={python}")[0] == 0


@pytest.mark.parametrize(
    ("name", "value", "payload"),
    [
        ("CARRIER_PORT", "abc", "CARRIER_PORT is 'abc': give a port from 1 to 65535"),
        ("GATEWAY_PORT", "8092",
         "GATEWAY_PORT and PLATFORM_PORT are both 8092: each needs a port of its own"),
        ("SAMPLE", "no", "SAMPLE is 'no': give 1 or 0"),
        ("CARRIER", "smpp", "CARRIER is 'smpp': give sim or kannel"),
    ],
)  # fmt: skip
def test_up_refuses_what_the_environment_chooses_wrongly(
    clone: Path, name: str, value: str, payload: str
) -> None:
    command = (sys.executable, "-m", "local.up")
    status, printed = run(clone, *command, **{name: value})
    assert (status, " ".join(printed.split())) == (1, f"make up: {payload}")
    assert not (clone / ".local").exists()


@pytest.mark.parametrize("name", PORTS)
@pytest.mark.parametrize("value", ["abc", "0", "70000"])
def test_each_port_is_refused_by_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(LocalStackError) as refused:
        Ports.from_environment()
    assert str(refused.value) == f"{name} is '{value}': give a port from 1 to 65535"


def test_up_says_where_it_cannot_write(clone: Path) -> None:
    (clone / ".local").write_text("")
    status, payload = run(clone, sys.executable, "-m", "local.up")
    assert status == 1
    assert payload.startswith("make up: ")
    assert "Traceback" not in payload


@pytest.mark.parametrize(
    "value", ["-1", "8080.5", "80 80", "0x50", "８０８０", "9" * 5000, "65536"]
)
def test_a_port_is_a_number_that_a_socket_takes(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("CARRIER_PORT", value)
    with pytest.raises(LocalStackError, match="^CARRIER_PORT is "):
        Ports.from_environment()


def test_ports_are_the_environments_or_the_default_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMULATOR_PORT", "1")
    monkeypatch.setenv("GATEWAY_PORT", "65535")
    monkeypatch.setenv("CARRIER_PORT", "")
    assert Ports.from_environment() == Ports(1, 65535, 8091, 8092)


def test_a_port_in_use_says_by_which_name_another_is_chosen() -> None:
    free = Ports.free()
    with socket.socket() as taken:
        taken.bind((HOST, free.carrier))
        taken.listen()
        with pytest.raises(LocalStackError, match=f"^port {free.carrier} .*CARRIER_PORT$"):
            require_free(free)
    require_free(free)
