"""Run ministack with four changes; a program for the emulator's Python.

It also saves its state on SIGUSR1, either whole or not at all: all state between two requests, on
the event loop that answers them, into a new folder, to which it then points a link. So a kill at
any moment leaves a state of one moment: tables without their secrets could not be run.

It unpacks each layer once, where ministack does so for each process of a function: 40 MB each.

It completes the streams of DynamoDB: there an INSERT of PartiQL emits no record, and an event of a
stream names no shard. A stream's records are not saved, so after a restart it begins anew; what was
not counted before stays uncounted.

It moves SQS's dead letters back, which ministack does not know: all at once, between two requests,
so that a saved state has each message once. Which moves there were is not saved.
"""

import asyncio
import contextlib
import hashlib
import logging
import os
import shutil
import signal
import tempfile
import time
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ministack import app as ministack
from ministack.core import lambda_runtime, persistence
from ministack.services import dynamodb, lambda_svc, sqs

_application = ministack.app
_load_state = ministack.load_state
_FOLDER = persistence.STATE_DIR
_LINK = Path(_FOLDER) / "saved"
# The services that change once the stack is up. The functions' code is a hundred times as much.
_CHANGING = ("dynamodb", "sqs", "secretsmanager")
# The moves of dead letters by the ARN of their queue, newest first; each is over at once.
_moves: dict[str, list[dict[str, Any]]] = {}
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
        state = _load_state(service)
    finally:
        persistence.STATE_DIR = _FOLDER
    if isinstance(state, dict):
        # Positions in streams that were not saved.
        state.pop("dynamodb_stream_positions", None)
    return state


_insert = dynamodb._partiql_insert
_execute = lambda_svc._execute_function


def _insert_into_stream(table: Any, parsed: Any) -> Any:
    answer = _insert(table, parsed)
    if answer[0] < 400:
        item = parsed["item"]
        item = item["M"] if set(item) == {"M"} else item
        dynamodb._emit_stream_event(table["TableName"], "INSERT", None, item)
    return answer


def _execute_of_shard(function: Any, event: Any, *rest: Any, **named: Any) -> Any:
    records = event.get("Records") if isinstance(event, dict) else None
    if records and records[0].get("eventSource") == "aws:dynamodb":
        event = {**event, "state": {}, "shardId": "shardId-00000000000000000000-local"}
    return _execute(function, event, *rest, **named)


def _start_move(request: Any, _: str) -> Any:
    arn, destination_arn = request["SourceArn"], request["DestinationArn"]
    source, destination = sqs._queue_by_arn(arn), sqs._queue_by_arn(destination_arn)
    if source is None or destination is None:
        raise sqs._Err("ResourceNotFoundException", "There is no such queue.")
    messages = [each for each in source["messages"] if each["visible_at"] <= time.time()]
    for each in messages:
        group = {"MessageGroupId": each["group_id"]} if each["group_id"] else {}
        sent = {"QueueUrl": destination["url"], "MessageBody": each["body"], **group}
        sqs._act_send_message(sent, "")
    source["messages"] = [each for each in source["messages"] if each not in messages]
    move = {
        "SourceArn": arn,
        "DestinationArn": destination_arn,
        "Status": "COMPLETED",
        "StartedTimestamp": int(time.time() * 1000),
        "ApproximateNumberOfMessagesMoved": len(messages),
        "ApproximateNumberOfMessagesToMove": len(messages),
    }
    _moves.setdefault(arn, []).insert(0, move)
    return {"TaskHandle": arn}


def _list_moves(request: Any, _: str) -> Any:
    return {"Results": _moves.get(request["SourceArn"], [])[: request.get("MaxResults", 1)]}


def _save() -> None:
    services = ministack._build_persistence_save_dict()
    if _done:
        services = {name: services[name] for name in _CHANGING if name in services}
    else:
        _done.append(True)
    _save_all(services)


class _UnpackedOnce(zipfile.ZipFile):
    """A zip file whose content stands in one folder, to which each place of extraction links."""

    def namelist(self) -> list[str]:
        # ministack resolves each name to see that it stays in its folder: extracting ensures it.
        return []

    def extractall(self, path: Any = None, members: Any = None, pwd: Any = None) -> None:
        content = Path(str(self.filename)).read_bytes()
        unpacked = Path(tempfile.gettempdir()) / f"unpacked-{hashlib.sha256(content).hexdigest()}"
        if not unpacked.exists():
            unfinished = tempfile.mkdtemp(dir=unpacked.parent)
            super().extractall(unfinished, super().namelist())
            with contextlib.suppress(OSError):  # another worker was earlier
                Path(unfinished).rename(unpacked)
        Path(path).rmdir()
        Path(path).symlink_to(unpacked)


async def _app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "lifespan":
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, _save)
    await _application(scope, receive, send)


if __name__ == "__main__":
    _LINK.parent.mkdir(parents=True, exist_ok=True)
    ministack.load_state = _load
    ministack.save_all = _save_all
    ministack.app = _app
    lambda_runtime.zipfile = SimpleNamespace(**vars(zipfile) | {"ZipFile": _UnpackedOnce})
    dynamodb._partiql_insert = _insert_into_stream
    lambda_svc._execute_function = _execute_of_shard
    sqs._HANDLERS["StartMessageMoveTask"] = _start_move
    sqs._HANDLERS["ListMessageMoveTasks"] = _list_moves
    ministack.main()
