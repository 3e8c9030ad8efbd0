"""Run a real Kannel on this machine: bearerbox and smsbox, with fakesmsc as the operator.

    Debian: apt-get install kannel kannel-extras

All listen on loopback, in a folder of their own. fakesmsc takes every message, and Kannel itself
creates a receipt "delivered" for each.
"""

import contextlib
import os
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from local.settings import CARRIER_PASSWORD, CARRIER_USER, HOST, LocalStackError, free_ports

FAKESMSC = Path("/usr/lib/kannel/test/fakesmsc")
# Debian installs them in /usr/sbin, which a user's PATH may lack.
_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin"))
MAX_MESSAGES = 10
READY_WITHIN_S = 20
# The log level: at the others Kannel logs the messages' texts.
WARNINGS = "2"
STOP_WITHIN_S = 10

_CONFIGURATION = """
group = core
admin-port = {admin}
admin-interface = {host}
admin-password = {password}
smsbox-port = {smsbox}
smsbox-interface = {host}
box-allow-ip = {host}
store-type = spool
store-location = {folder}/spool
dlr-storage = internal

{operator}

{tlvs}

group = smsbox
bearerbox-host = {host}
sendsms-port = {sendsms}
sendsms-interface = {host}
max-pending-requests = {pending}
http-request-retry = 60
http-queue-delay = 1

group = sendsms-user
username = {user}
password = {password}
max-messages = {max_messages}
concatenation = true

group = sms-service
keyword = default
text = ""
omit-empty = true
"""
_FAKE = """
group = smsc
smsc = fake
smsc-id = fake
our-host = {host}
host = {host}
port = {smsc}
connect-allow-ip = {host}
"""
_CENTRE = """
group = smsc
smsc = smpp
smsc-id = centre
host = {host}
port = {smsc}
transceiver-mode = true
smsc-username = {user}
smsc-password = {password}
system-type = ""
max-pending-submits = 100
reconnect-delay = 1
"""
_TLV = """
group = smpp-tlv
name = {name}
tag = {tag:#06x}
type = octetstring
length = {length}
"""
TLVS = {"peid": 0x1400, "templateid": 0x1401, "chainhash": 0x1402, "operator": 0x1411}
"""The tags of DLT's parameters in SMPP by their names here; that of the chain hash differs."""
_LENGTHS = {"chainhash": 64}
_ID_LENGTH = 19
_TLV_GROUPS = "".join(
    _TLV.format(name=name, tag=tag, length=_LENGTHS.get(name, _ID_LENGTH))
    for name, tag in TLVS.items()
)
# `Got message 7: <HARKAR 919876543210 udh %05%00%03%01%02%01 data ...>`
_GOT = re.compile(r"Got message \d+: <(\S+) (\d+) (\S+) (\S*)")


class Got(NamedTuple):
    """A message that fakesmsc received, or one of its segments by its header, with the number."""

    to: str
    header: str


@dataclass(frozen=True)
class _Ports:
    admin: int
    smsbox: int
    smsc: int
    sendsms: int


def is_installed() -> bool:
    """Whether this machine has Kannel and fakesmsc."""
    return FAKESMSC.is_file() and all(map(_find, ("bearerbox", "smsbox")))


class Kannel:
    """A Kannel that runs inside a `with`; it posts `receipts_at_a_time` receipts concurrently.

    With `centre_port`, its operator is not fakesmsc, but an SMPP centre that listens there.
    """

    def __init__(
        self, folder: Path, receipts_at_a_time: int = 64, centre_port: int | None = None
    ) -> None:
        self.folder = folder
        self._receipts_at_a_time = receipts_at_a_time
        self._ports = _Ports(*free_ports(4))
        self._centre_port = centre_port
        self._running = contextlib.ExitStack()

    @property
    def url(self) -> str:
        """Return the URL that takes messages."""
        return f"http://{HOST}:{self._ports.sendsms}/cgi-bin/sendsms"

    @property
    def log(self) -> Path:
        """Return the log of messages that fakesmsc took."""
        return self.folder / "fakesmsc.log"

    def start(self) -> None:
        """Start Kannel; return once it takes messages. Raises LocalStackError."""
        if not is_installed():
            raise LocalStackError("Kannel is not installed: apt-get install kannel kannel-extras")
        (self.folder / "spool").mkdir(parents=True, exist_ok=True)
        configuration = self.folder / "kannel.conf"
        configuration.write_text(self._configuration())
        try:
            self._run("bearerbox", _find("bearerbox"), "-v", WARNINGS, str(configuration))
            self._wait_until("running")
            if self._centre_port is None:
                # With -m 0 it sends no messages itself.
                port = str(self._ports.smsc)
                options = ("-H", HOST, "-r", port, "-m", "0", "0 0 text 0")
                self._run("fakesmsc", str(FAKESMSC), *options)
            self._run("smsbox", _find("smsbox"), "-v", WARNINGS, str(configuration))
            self._wait_until("(online")
            self._wait_until("smsbox:")
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop its processes, the last started first."""
        self._running.close()

    def __enter__(self) -> "Kannel":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def got(self) -> Counter[Got]:
        """Return how often fakesmsc received each segment, from its log file."""
        return read_log(self.log.read_text(errors="replace"))

    def _configuration(self) -> str:
        ports = vars(self._ports) | ({"smsc": self._centre_port} if self._centre_port else {})
        values = {**ports, "host": HOST, "user": CARRIER_USER, "password": CARRIER_PASSWORD}
        return _CONFIGURATION.format(
            **values,
            operator=(_CENTRE if self._centre_port else _FAKE).format(**values),
            tlvs=_TLV_GROUPS,
            folder=self.folder,
            max_messages=MAX_MESSAGES,
            pending=self._receipts_at_a_time,
        )

    def _run(self, name: str, *command: str) -> None:
        log = self._running.enter_context((self.folder / f"{name}.log").open("w"))
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._running.callback(_end, process)

    def _wait_until(self, says: str) -> None:
        """Wait until bearerbox's status page contains a text."""
        url = f"http://{HOST}:{self._ports.admin}/status.txt?password={CARRIER_PASSWORD}"
        deadline = time.monotonic() + READY_WITHIN_S
        while True:
            with (
                contextlib.suppress(OSError, urllib.error.URLError),
                urllib.request.urlopen(url, timeout=1) as answer,
            ):
                if says in answer.read().decode(errors="replace"):
                    return
            if time.monotonic() > deadline:
                raise LocalStackError(f"Kannel did not start: see {self.folder}/*.log")
            time.sleep(0.05)


def read_log(log: str) -> Counter[Got]:
    """Return how often fakesmsc received each segment, from the text of its log."""
    return Counter(
        Got(to, header if kind == "udh" else "") for _, to, kind, header in _GOT.findall(log)
    )


def _find(name: str) -> str:
    return shutil.which(name, path=_PATH) or ""


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
