"""A venv is built by one process, while others that want it wait."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local import venvs


def test_a_venv_is_built_by_one_at_a_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    together = threading.Barrier(2)

    def build(name: str, say: venvs.Say) -> Path:
        with pytest.raises(threading.BrokenBarrierError):
            together.wait(0.1)
        return tmp_path / name

    monkeypatch.setattr(venvs, "HOME", tmp_path)
    monkeypatch.setattr(venvs, "_ensure_venv", build)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(venvs.ensure_venv, ["emulator", "emulator"]))
    assert found == [tmp_path / "emulator"] * 2
