"""A proxy between the functions and the emulator that records every AWS call and injects faults.

with FaultProxy(emulator_url) as proxy:
    rule = proxy.add(Rule("submit", "claim", Fault.KILL_AFTER, campaign="a-campaign"))
    ...
    assert rule.victims

A call is identified by its function (the process at the other end of the connection), and by the
kind of its record: the kind of a ledger entry (`batch`, `claim`, `final`, ...), `due` for a row of
the Due table, or the kind of a task that it enqueues (`submit`, `receipts`, `callback`, `check`).
"""

import asyncio
import base64
import os
import signal
import threading
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from pathlib import Path
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp import web
from pydantic_core import from_json

from harkara.model.messages import unpack
from tests.stack.threads import in_thread

HOST = "127.0.0.1"
# Headers that aiohttp's client would add by itself.
NOTHING_ADDED = ("User-Agent", "Accept", "Accept-Encoding", "Content-Type")


class Fault(Enum):
    """A fault injected into a call."""

    KILL_BEFORE = auto()
    """Kill the process before AWS receives the call."""
    KILL_AFTER = auto()
    """Do the call, then kill the process before it gets the answer."""
    LOSE_ANSWER = auto()
    """Do the call, then break the connection instead of answering."""


class Worker(NamedTuple):
    """A process that runs a function."""

    pid: int
    function: str


class Call(NamedTuple):
    """A function's call to AWS: ("submit", "BatchExecuteStatement INSERT", "<table>")."""

    function: str
    operation: str
    resource: str


@dataclass
class Rule:
    """Applies a fault to the first `times` calls of a function that write `puts` for a campaign."""

    function: str
    puts: str
    fault: Fault
    campaign: str
    times: int = 1
    victims: list[int] = field(default_factory=list)
    """The process of each call that got the fault."""


class Reply(NamedTuple):
    """AWS's answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


PassOn = Callable[[bytes | None], Awaitable[Reply]]
"""Forwards a call to AWS, with another body or, for None, with its own."""
Storm = Callable[[str, Any, PassOn], Awaitable[Reply | None]]
"""Answers an operation with its parameters, with or without AWS; None breaks the connection."""


class FaultProxy:
    """Serves in a thread of its own, on a free port. A `storm` gets the calls of all functions."""

    def __init__(self, upstream: str) -> None:
        self.storm: Storm | None = None
        self._upstream = upstream
        self._rules: list[Rule] = []
        self._lock = threading.Lock()
        self.calls: Counter[Call] = Counter()
        self.killed: list[Worker] = []
        self.batches: defaultdict[str, list[str]] = defaultdict(list)
        """Ids of the message batches that `send` stored, by campaign."""
        # The ids by which a later call is assigned to a campaign: message batches, and task ids of
        # their final states.
        self._names: defaultdict[str, set[str]] = defaultdict(set)
        self._workers: WeakKeyDictionary[asyncio.BaseTransport, Worker] = WeakKeyDictionary()
        self._running = ExitStack()
        self.url = ""

    def __enter__(self) -> "FaultProxy":
        self.url = self._running.enter_context(in_thread(self._serve()))
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def add(self, rule: Rule) -> Rule:
        """Put a rule in force; return it."""
        with self._lock:
            self._rules.append(rule)
        return rule

    def kill(self, worker: Worker) -> None:
        """Kill a process."""
        os.kill(worker.pid, signal.SIGKILL)
        self.killed.append(worker)

    @asynccontextmanager
    async def _serve(self) -> AsyncIterator[str]:
        app = web.Application(client_max_size=8 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        await web.TCPSite(runner, HOST, 0, backlog=1024).start()
        async with aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            auto_decompress=False,
            skip_auto_headers=NOTHING_ADDED,
        ) as self._session:
            yield f"http://{HOST}:{runner.addresses[0][1]}"
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        worker = self._worker(request)
        _, _, operation = request.headers.get("X-Amz-Target", request.path).rpartition(".")
        asked = from_json(body) if body.startswith(b"{") else {}
        fault = self._fault(worker, operation, asked, body)
        if fault is Fault.KILL_BEFORE:
            return self._end(request, worker)

        async def pass_on(other: bytes | None) -> Reply:
            headers = request.headers.copy()
            headers.popall("Content-Length", None)
            async with self._session.request(
                request.method,
                self._upstream + request.path_qs,
                headers=headers,
                data=body if other is None else other,
            ) as upstream:
                answer = upstream.headers.copy()
                answer.popall("Transfer-Encoding", None)
                return Reply(upstream.status, answer, await upstream.read())

        try:
            reply = await (self.storm(operation, asked, pass_on) if self.storm else pass_on(None))
        except aiohttp.ClientError:  # the stack stops
            reply = None
        if reply is None:
            return self._end(request, None)
        for verb, resource in _actions(operation, asked, reply.body):
            self.calls[Call(worker.function, verb, resource)] += 1
        if fault is Fault.KILL_AFTER:
            return self._end(request, worker)
        if fault is Fault.LOSE_ANSWER:
            return self._end(request, None)
        return web.Response(status=reply.status, headers=reply.headers, body=reply.body)

    def _end(self, request: web.Request, victim: Worker | None) -> web.Response:
        """Kill the victim, if there is one, and break the connection of a request."""
        if victim is not None:
            self.kill(victim)
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    def _fault(self, worker: Worker, operation: str, asked: Any, body: bytes) -> Fault | None:
        """Return the fault for a call, and record the ids that belong to its campaign."""
        puts = ""
        if operation == "BatchExecuteStatement":
            puts = self._put(asked["Statements"])
        elif operation == "SendMessageBatch":
            puts = from_json(asked["Entries"][0]["MessageBody"])["kind"]
        text = body.decode()
        with self._lock:
            for rule in self._rules:
                if (
                    (rule.function, rule.puts) == (worker.function, puts)
                    and len(rule.victims) < rule.times
                    and any(name in text for name in self._names[rule.campaign])
                ):
                    rule.victims.append(worker.pid)
                    return rule.fault
        return None

    def _put(self, statements: list[Any]) -> str:
        """Return the kind of the written records."""
        kind = ""
        for statement in statements:
            (partition, sort_key, third, *_) = statement["Parameters"]
            if partition["S"].startswith("shard#"):
                return "due"
            kind = sort_key["S"].partition("#")[0]
            if kind == "batch":
                batch = unpack(partition["S"], base64.b64decode(third["B"]))
                campaign = batch.messages[0].client_ref.rpartition("-")[0]
                if batch.id not in self._names[campaign]:
                    self._names[campaign].add(batch.id)
                    self.batches[campaign].append(batch.id)
            elif kind == "final":
                for names in self._names.values():
                    if partition["S"] in names:
                        names.add(third["S"])
        return kind

    def _worker(self, request: web.Request) -> Worker:
        """Return the process that makes a request."""
        transport = request.transport
        if transport is None:
            return Worker(0, "gone")
        if transport not in self._workers:
            own, peer = transport.get_extra_info("sockname"), transport.get_extra_info("peername")
            self._workers[transport] = find_worker(peer[1], own[1])
        return self._workers[transport]


def find_worker(port: int, proxy_port: int) -> Worker:
    """Return the process that has a TCP connection from `port` to `proxy_port` (Linux)."""
    ends = f":{port:04X}", f":{proxy_port:04X}"
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if (fields[1][-5:], fields[2][-5:]) == ends:
            socket = f"socket:[{fields[9]}]"
            break
    else:
        return Worker(0, "gone")
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(str(fd.readlink()) == socket for fd in (process / "fd").iterdir()):
                return Worker(int(process.name), _function(process))
        except OSError:  # it has just ended, or belongs to another user
            continue
    return Worker(0, "gone")


def _function(process: Path) -> str:
    for variable in (process / "environ").read_bytes().split(b"\0"):
        name, _, value = variable.partition(b"=")
        if name == b"POWERTOOLS_SERVICE_NAME":
            return value.decode()
    return "none"


def _actions(operation: str, asked: Any, answer: bytes) -> set[tuple[str, str]]:
    """Return (verb, resource) pairs of a call. Policies list the parts of a transaction."""
    if "TransactItems" in asked:
        parts = (part for action in asked["TransactItems"] for part in action.items())
        return {(f"{verb}Item", params["TableName"]) for verb, params in parts}
    return {(_verb(operation, asked), resource) for resource in _resources(asked, answer)}


def _verb(operation: str, asked: Any) -> str:
    """Return the operation, with the verbs of a batch."""
    if operation == "BatchExecuteStatement":
        verbs = {statement["Statement"].split()[0] for statement in asked["Statements"]}
        return f"{operation} {' '.join(sorted(verbs))}"
    if operation == "BatchWriteItem":
        requests = (each for table in asked["RequestItems"].values() for each in table)
        return f"{operation} {' '.join(sorted({verb for each in requests for verb in each}))}"
    return operation


def _resources(asked: Any, answer: bytes) -> set[str]:
    """Return the tables, the queue, the secret or the key of a call."""
    if "Statements" in asked:
        return {statement["Statement"].split('"')[1] for statement in asked["Statements"]}
    if "RequestItems" in asked:
        return set(asked["RequestItems"])
    for name in ("TableName", "QueueUrl", "SecretId"):
        if name in asked:
            return {asked[name]}
    # For a ciphertext only KMS's answer names the key.
    return {from_json(answer).get("KeyId", "") if answer.startswith(b"{") else ""}
