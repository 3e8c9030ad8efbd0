"""A venv is built from its lock, completely, by one process while others wait for it."""

import hashlib
import threading
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local import venvs
from local.settings import LocalStackError


def test_a_venv_is_built_by_one_at_a_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    together = threading.Barrier(2)

    def build(name: str, say: venvs.Say, python: str) -> Path:
        with pytest.raises(threading.BrokenBarrierError):
            together.wait(0.1)
        return tmp_path / name

    monkeypatch.setattr(venvs, "HOME", tmp_path)
    monkeypatch.setattr(venvs, "_ensure_venv", build)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(venvs.ensure_venv, ["emulator", "emulator"]))
    assert found == [tmp_path / "emulator"] * 2


def write_wheel(folder: Path, name: str, requires: str = "") -> str:
    """Write an empty wheel; return its line for a lock."""
    info = f"{name}-1.0.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{requires}"
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr(f"{info}/METADATA", metadata)
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


def test_a_venv_whose_lock_lacks_something_is_refused_until_it_is_complete(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(venvs, "HOME", tmp_path)
    monkeypatch.setattr(venvs, "REQUIREMENTS", tmp_path)
    lock = tmp_path / "small.txt"
    outer = write_wheel(tmp_path, "outer", "Requires-Dist: inner>=1\n")
    lock.write_text(f"--no-index\n--find-links {tmp_path}\n{outer}")
    with pytest.raises(LocalStackError, match=r"small\.txt is not complete.*inner"):
        venvs.ensure_venv("small", lambda _: None)
    assert not (tmp_path / "small" / "installed").exists()
    lock.write_text(lock.read_text() + write_wheel(tmp_path, "inner"))
    folder = venvs.ensure_venv("small", lambda _: None)
    assert len(list(folder.glob("lib/*/site-packages/*er-1.0.dist-info"))) == 2


def test_a_wheel_with_other_content_than_the_lock_has_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(venvs, "HOME", tmp_path)
    monkeypatch.setattr(venvs, "REQUIREMENTS", tmp_path)
    line = write_wheel(tmp_path, "outer")
    write_wheel(tmp_path, "outer", "Summary: another\n")
    (tmp_path / "small.txt").write_text(f"--no-index\n--find-links {tmp_path}\n{line}")
    with pytest.raises(LocalStackError, match=r"small\.txt"):
        venvs.ensure_venv("small", lambda _: None)
    assert not (tmp_path / "small" / "installed").exists()
