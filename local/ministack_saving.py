"""Runs ministack so that it saves its state on SIGUSR1 too, not only where it ends.

A program for the emulator's Python. All is saved between two requests, on the loop that answers
them: what is on the disk is the state of one moment.
"""

import asyncio
import signal
from typing import Any

from ministack import app as ministack
from ministack.core.persistence import save_all

_application = ministack.app


def _save() -> None:
    save_all(ministack._build_persistence_save_dict())


async def _app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, _save)
    await _application(scope, receive, send)


if __name__ == "__main__":
    ministack.app = _app
    ministack.main()
