"""Run the AWS emulator (ministack) as a child process, in a venv and folders of its own."""

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from local.processes import runs, stop
from local.settings import AWS_ENVIRONMENT, HOST, REGION, LocalStackError

# Limits of waiting for a slow machine; the death of a process is noticed at once.
READY_WITHIN_S = 120
STOP_WITHIN_S = 90
PROGRAM = "emulator_program.py"
DAY_S = 86_400
MEMORY = Path("/dev/shm")  # noqa: S108
MEMORY_FREE_BYTES = 2 * 1024**3
# A file that is locked as long as the emulator lives, however it ends.
HELD = "held"


@dataclass
class Emulator:
    """One emulator; its state stays in `folder` over a clean stop and start."""

    venv: Path
    folder: Path
    port: int
    # Environment of every function in addition to its own.
    functions_environment: dict[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _temporary: Path = field(default=Path(), init=False)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        return self.folder / "logs" / "emulator.log"

    @property
    def _pid_file(self) -> Path:
        return self.folder / "emulator.pid"

    def start(self) -> None:
        """Start the emulator and return when it answers."""
        self.end_orphan()
        self._require_its_port()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        remove_temporary(self.folder)
        remove_left_over()
        self._temporary = make_temporary(self.folder)
        with self.log.open("wb") as log, hold(self._temporary) as held:
            self._process = subprocess.Popen(
                # With -P, since modules beside the program would shadow the standard library's.
                [self.venv / "bin/python", "-P", Path(__file__).with_name(PROGRAM)],
                env=self._environment(),
                cwd=self._temporary,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=[held],
                # Ctrl-C is for `make up`, which stops its children in order.
                start_new_session=True,
            )
        self._pid_file.write_text(str(self._process.pid))
        deadline = time.monotonic() + READY_WITHIN_S
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise LocalStackError(f"the emulator did not start: see {self.log}")
            time.sleep(0.05)

    def save(self) -> None:
        """Ask the emulator to save its state while it runs; `saved_at` changes when it has."""
        if self._process is not None:
            self._process.send_signal(signal.SIGUSR1)

    @property
    def saved_at(self) -> float | None:
        """Return the time of the last save, in seconds since 1970; None if there is none."""
        return self._saved.lstat().st_mtime if self._saved.is_symlink() else None

    @property
    def _saved(self) -> Path:
        """Return the link to the last saved state."""
        return self.folder / "state" / "saved"

    def stop(self) -> None:
        """Stop the emulator so that it saves its state."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                print(f"the emulator did not stop in {STOP_WITHIN_S} s: killed", flush=True)
            self.kill()

    def kill(self) -> None:
        """Kill the emulator and its workers at once; unsaved state is lost."""
        if self._process is not None:
            # Workers still in a handler outlive the emulator; they are in its process group.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
            self._pid_file.unlink(missing_ok=True)
        remove_temporary(self.folder)

    def was_killed(self) -> bool:
        """Whether the last emulator in this folder ended without saving its state."""
        return self._pid_file.is_file() and not self._orphan()

    def end_orphan(self) -> bool:
        """Stop an emulator whose parent was killed, so that it saves its state."""
        pid = self._orphan()
        if pid:
            stop(pid, PROGRAM, STOP_WITHIN_S)
        if self._pid_file.is_file():
            remove_temporary(self.folder)
            self._pid_file.unlink()
        return bool(pid)

    def _orphan(self) -> int:
        """Return the process id of an emulator that runs in this folder; 0 if there is none."""
        text = self._pid_file.read_text() if self._pid_file.is_file() else ""
        # A power failure may leave an empty file.
        return int(text) if text.isdigit() and runs(int(text), PROGRAM) else 0

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def workers(self, function: str) -> list[int]:
        """Return the process ids of a function's workers, by the function's name (Linux)."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, ValueError):
                folder = (entry / "cwd").readlink().relative_to(self._temporary)
                if str(folder).startswith(f"ministack-lambda-{function}-"):
                    found.append(int(entry.name))
        return found

    def _answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/_ministack/ready", timeout=1) as answer:  # noqa: S310
                return bool(answer.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def _environment(self) -> dict[str, str]:
        """Return the emulator's environment, with only the basics of this shell's environment.

        The functions inherit it: with PYTHONDONTWRITEBYTECODE every worker would compile its
        layers, with AWS_PROFILE it would look for credentials.
        """
        inherited = {k: os.environ[k] for k in ("PATH", "HOME", "LANG") if k in os.environ}
        state = self.folder / "state"
        return {
            **inherited,
            **AWS_ENVIRONMENT,
            "MINISTACK_REGION": REGION,
            "GATEWAY_PORT": str(self.port),
            "BIND_HOST": HOST,
            "MINISTACK_HOST": HOST,
            "PERSIST_STATE": "1",
            "STATE_DIR": str(state),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(state / "s3"),
            # We remove the emulator's leftovers in the temporary folder.
            "TMPDIR": str(self._temporary),
            "LAMBDA_WARM_TTL_SECONDS": str(DAY_S),
            "PYTHONUNBUFFERED": "1",
            **self.functions_environment,
        }

    def _require_its_port(self) -> None:
        """Raise LocalStackError if the saved state belongs to another port.

        Queue URLs hold the port: on another port, the state's queues would never be polled.
        """
        note = self.folder / "state" / "port"
        if not note.is_file() or not note.read_text():
            note.parent.mkdir(parents=True, exist_ok=True)
            note.write_text(str(self.port))
        elif note.read_text() != str(self.port):
            raise LocalStackError(
                f"the saved state belongs to emulator port {note.read_text()}, not {self.port}:"
                f" set EMULATOR_PORT to it, or forget the state with `make clean`"
            )


def make_temporary(folder: Path) -> Path:
    """Return a new temporary folder for an emulator, in memory if Linux offers that.

    Every worker unpacks 3,000 files into it; disks take ten times as long.
    """
    link = folder / "tmp"
    if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_FREE_BYTES:
        target = Path(tempfile.mkdtemp(prefix="harkara-", dir=MEMORY))
        link.symlink_to(target)
        return target
    link.mkdir()
    return link


@contextlib.contextmanager
def hold(temporary: Path) -> Iterator[int]:
    """Lock a temporary folder; a process that inherits the yielded file holds the lock."""
    # The file gets its public name only once it is locked.
    hidden = temporary / f".{HELD}"
    with hidden.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        hidden.rename(temporary / HELD)
        yield file.fileno()


def remove_left_over() -> None:
    """Remove temporary folders in memory whose emulators are dead, of all stacks."""
    for temporary in MEMORY.glob("harkara-*"):
        # An error means: locked, another user's, not yet locked, or removed by another process.
        with contextlib.suppress(OSError), (temporary / HELD).open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(temporary, ignore_errors=True)


def remove_temporary(folder: Path) -> None:
    """Remove the folder that `make_temporary` made, in this run or in one that was killed."""
    link = folder / "tmp"
    shutil.rmtree(link.resolve(), ignore_errors=True)
    link.unlink(missing_ok=True)
