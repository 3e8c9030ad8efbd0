"""Run ministack so that it also saves its state on SIGUSR1, either whole or not at all.

A program for the emulator's Python. It saves all state between two requests, on the event loop that
answers them, into a new folder, and then points a link to that folder. So a kill at any moment
leaves a state of one moment: tables without their secrets could not be run.
"""

import asyncio
import logging
import os
import shutil
import signal
import tempfile
from pathlib import Path
from typing import Any

from ministack import app as ministack
from ministack.core import persistence

_application = ministack.app
_load_state = ministack.load_state
_FOLDER = persistence.STATE_DIR
_LINK = Path(_FOLDER) / "saved"
# The services that change once the stack is up. The functions' code is a hundred times as much.
_CHANGING = ("dynamodb", "sqs", "secretsmanager")
# Holds an entry once all has been saved since the start.
_done: list[bool] = []


class _Failures(logging.Handler):
    """Records whether saving failed, which ministack only logs."""

    happened = False

    def emit(self, record: logging.LogRecord) -> None:
        self.happened |= record.levelno >= logging.ERROR


def _save_all(services: Any) -> None:
    before = _LINK.resolve() if _LINK.is_symlink() else None
    whole = Path(tempfile.mkdtemp(dir=_LINK.parent, prefix="saved-"))
    # A service that was not used since the start writes nothing, so its old state is kept.
    for path in before.glob("*.json") if before else ():
        os.link(path, whole / path.name)
    failures = _Failures()
    persistence.logger.addHandler(failures)
    persistence.STATE_DIR = str(whole)
    try:
        persistence.save_all(services)
    finally:
        persistence.STATE_DIR = _FOLDER
        persistence.logger.removeHandler(failures)
    if failures.happened:
        shutil.rmtree(whole)
        return
    named = _LINK.with_name("next")
    named.unlink(missing_ok=True)
    named.symlink_to(whole.name)
    named.replace(_LINK)
    for old in _LINK.parent.glob("saved-*"):
        if old != whole:
            shutil.rmtree(old)


def _load(service: str) -> Any:
    # Only while loading: the functions' code lies in the folder itself, under its hashes.
    persistence.STATE_DIR = str(_LINK)
    try:
        return _load_state(service)
    finally:
        persistence.STATE_DIR = _FOLDER


def _save() -> None:
    services = ministack._build_persistence_save_dict()
    if _done:
        services = {name: services[name] for name in _CHANGING if name in services}
    else:
        _done.append(True)
    _save_all(services)


async def _app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, _save)
    await _application(scope, receive, send)


if __name__ == "__main__":
    _LINK.parent.mkdir(parents=True, exist_ok=True)
    ministack.load_state = _load
    ministack.save_all = _save_all
    ministack.app = _app
    ministack.main()
