"""Run one stack: emulator, gateway, both simulators, and the deployed template.

with Stack(StackSettings(batch_timeout_s=3)) as stack:
    httpx.post(f"{stack.endpoint}/datasend", json=...)
    stack.client("dynamodb").scan(TableName=stack.outputs["MessagesTableName"])
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from local.carrier import CarrierSettings
from local.deploy import TEMPLATE, Deployer, client
from local.emulator import Emulator
from local.seed import seed
from local.servers import ServersConfig
from local.settings import HOME, RECEIPT_TOKEN, ROOT, LocalStackError, Ports, require_free
from local.venvs import Say, ensure_venv
from local.warm import warm

SERVERS_STOP_WITHIN_S = 10


@dataclass(frozen=True)
class StackSettings:
    """Settings that differ between the stack of `make up` and the stacks of tests."""

    # Timeout of submit and dlr; the queues' visibility timeout is six times this.
    batch_timeout_s: int = 60
    receipt_wait_s: int = 60
    log_level: str = "INFO"
    # More than two executions per event source mapping only compete for the cores here.
    concurrency: int = 2
    # Further template parameters.
    parameters: Mapping[str, str] = field(default_factory=dict)
    carrier: CarrierSettings = field(default_factory=CarrierSettings)
    # Fields of the carrier's item in Accounts: a short timeout, since 9007 never answers.
    carrier_fields: Mapping[str, Any] = field(default_factory=lambda: {"timeout_s": 5})
    # The AWS URL of the functions: a fault proxy, or None for the emulator itself.
    functions_aws_url: str | None = None
    # Environment of every function in addition to its own.
    functions_environment: Mapping[str, str] = field(default_factory=dict)
    # Workers of each function that are started before `start` returns; 0 starts none.
    warm_workers: int = 1

    def template_parameters(self) -> dict[str, str]:
        return {
            "Stage": "local",
            "AllowPrivateCallbacks": "true",
            "BatchTimeoutSeconds": str(self.batch_timeout_s),
            "ReceiptWaitSeconds": str(self.receipt_wait_s),
            "LogLevel": self.log_level,
            "SubmitConcurrency": str(self.concurrency),
            "PriorityConcurrency": str(self.concurrency),
            "DlrConcurrency": str(self.concurrency),
            "CallbackConcurrency": str(self.concurrency),
            "EventFileDays": "7",
            **self.parameters,
        }


class Stack:
    """A stack with its own ports and folder; `stop` keeps its state, `start` loads it again.

    Without a folder it uses a temporary one, which `__exit__` removes.
    """

    def __init__(
        self,
        settings: StackSettings | None = None,
        *,
        folder: Path | None = None,
        ports: Ports | None = None,
        template: Path = TEMPLATE,
        say: Say = lambda _: None,
    ) -> None:
        self.settings = settings or StackSettings()
        self.ports = ports or Ports.free()
        self.outputs: dict[str, str] = {}
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        if folder is None:
            HOME.mkdir(exist_ok=True)
            self._temporary = tempfile.TemporaryDirectory(dir=HOME, prefix="stack-")
            folder = Path(self._temporary.name)
        self.folder = folder.resolve()
        self._template = template
        self._say = say
        self._emulator: Emulator | None = None
        self._servers: subprocess.Popen[str] | None = None

    @property
    def endpoint(self) -> str:
        """Return the URL of the API for platforms and carriers (the gateway)."""
        return self.ports.url("gateway")

    @property
    def carrier_url(self) -> str:
        return self.ports.url("carrier")

    @property
    def platform_url(self) -> str:
        return self.ports.url("platform")

    @property
    def aws_url(self) -> str:
        """Return the URL of the emulator itself, past any fault proxy."""
        return self.ports.url("emulator")

    @property
    def log(self) -> Path:
        """Return the emulator's log, which includes the functions' lines."""
        return self.emulator.log

    @property
    def emulator(self) -> Emulator:
        if self._emulator is None:
            raise LocalStackError("the stack was not started")
        return self._emulator

    def client(self, service: str) -> Any:
        """Return a boto3 client of the emulator."""
        return client(service, self.aws_url)

    def functions(self, code: str) -> list[str]:
        """Return the names of the functions that run some code: two for `Submit`, else one."""
        return [
            name
            for output, name in self.outputs.items()
            if output.startswith(code) and output.endswith("FunctionName")
        ]

    def workers(self, code: str) -> list[int]:
        """Return the process ids of the functions that run some code: `Send`, `Submit`, ...

        On Linux only.
        """
        return [pid for name in self.functions(code) for pid in self.emulator.workers(name)]

    def start(self) -> None:
        """Start everything, with the state of an earlier run in the same folder.

        A start that fails, or is interrupted, leaves that state unchanged: a state saved during a
        deployment could not be deployed over.
        """
        venv = ensure_venv("emulator", self._say)
        environment = dict(self.settings.functions_environment)
        if self.settings.functions_aws_url:
            environment["AWS_ENDPOINT_URL"] = self.settings.functions_aws_url
        self._emulator = Emulator(venv, self.folder, self.ports.emulator, environment)
        if self._emulator.was_killed():
            self._say(f"the emulator was killed: {self.what_is_lost()}")
        self._emulator.end_orphan()
        require_free(self.ports)
        try:
            self._say("starting the emulator")
            self._emulator.start()
            parameters = self.settings.template_parameters()
            deployer = Deployer(self.aws_url, venv / "bin/python", parameters, self._template)
            self.outputs = deployer.deploy(self._say)
            self._say("starting gateway, carrier and platform")
            self._start_servers()
            self._say("seeding the accounts demo and sandbox and the carrier sim")
            seed(self.aws_url, self.outputs, self.ports, self.settings.carrier_fields)
            if self.settings.warm_workers:
                self._say("warming the functions")
                workers = self.settings.warm_workers
                warm(self.aws_url, self.endpoint, self.outputs, workers)
        except BaseException:
            self._stop_servers()
            self._emulator.kill()
            raise

    def stop(self) -> None:
        """Stop everything in order; the state stays in the folder."""
        # The servers first: the carrier would post receipts to a gateway that is gone.
        self._stop_servers()
        if self._emulator is not None:
            self._emulator.stop()

    def what_is_lost(self) -> str:
        """Return a text that says which state is lost if the emulator ended without saving."""
        saved_at = self.emulator.saved_at
        if saved_at is None:
            return "nothing had been saved, all is lost"
        moment = time.strftime("%H:%M:%S on %d %B", time.localtime(saved_at))
        return f"what came after {moment} is lost"

    def _stop_servers(self) -> None:
        if self._servers is not None:
            with self._servers as servers:  # closes its pipes
                servers.terminate()
                try:
                    servers.wait(SERVERS_STOP_WITHIN_S)
                except subprocess.TimeoutExpired:
                    servers.kill()
            self._servers = None

    def __enter__(self) -> "Stack":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self._temporary is not None:
            self._temporary.cleanup()

    def is_running(self) -> bool:
        """Whether none of its processes has ended by itself."""
        servers_run = self._servers is not None and self._servers.poll() is None
        return servers_run and self.emulator.is_running()

    def _start_servers(self) -> None:
        receipt_url = f"{self.endpoint}/receipts/sim/{RECEIPT_TOKEN}"
        fields = self.settings.carrier_fields
        waits = {"submit_timeout_s": fields["timeout_s"]} if "timeout_s" in fields else {}
        config = ServersConfig(
            self.ports,
            f"{self.aws_url}/_aws/execute-api/{self.outputs['ApiId']}/$default",
            replace(self.settings.carrier, receipt_url=receipt_url, **waits),
        )
        log = self.folder / "logs" / "servers.log"
        with log.open("w") as stderr:
            self._servers = subprocess.Popen(
                [sys.executable, "-m", "local.servers", config.to_json()],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                start_new_session=True,
            )
        if self._servers.stdout is None or self._servers.stdout.readline() != "ready\n":
            raise LocalStackError(f"gateway and simulators did not start: see {log}")
