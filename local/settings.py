"""The local stack's folders, ports, and well-known credentials."""

import contextlib
import os
import socket
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".local"
EMULATOR_VENV = HOME / "emulator"
HOST = "127.0.0.1"
LAST_PORT = 65_535
REGION = "ap-south-1"
STACK_NAME = "harkara"

# Fake credentials: the emulator wants some, and they open nothing.
AWS_ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_REGION": REGION,
}

CARRIER_USER = "harkara"
CARRIER_PASSWORD = "carrier-secret"
RECEIPT_TOKEN = "sim-receipt-token"
# Key of the references' tags, fixed so that the receipts in events/ have valid references.
TAG_SECRET = "harkara-local-tag-secret"
# Secrets that the simulated platforms check in callbacks.
WEBENGAGE_TOKEN = "sim-webengage-token"
SIGNING_SECRET = "whsec_aGFya2FyYS1sb2NhbC1zaWduaW5nLXNlY3JldC4uLi4="
# Key of the codes in short links, fixed for those in events/.
LINK_SECRET = "harkara-local-link-secret"


class LocalStackError(Exception):
    """The stack cannot go on; the message is one line with the remedy."""


@dataclass(frozen=True)
class Ports:
    """The four ports of a stack."""

    emulator: int = 4566
    gateway: int = 8080
    carrier: int = 8091
    platform: int = 8092

    def url(self, name: str) -> str:
        return f"http://{HOST}:{getattr(self, name)}"

    @classmethod
    def from_environment(cls) -> "Ports":
        """Return the default ports, each replaced by EMULATOR_PORT, GATEWAY_PORT, ... if set.

        Raises LocalStackError if one is no port, or two are the same.
        """
        ports = replace(cls(), **{each.name: _port_of(each.name) for each in fields(cls)})
        owners: dict[int, str] = {}
        for name, port in asdict(ports).items():
            if port in owners:
                raise LocalStackError(
                    f"{_variable(owners[port])} and {_variable(name)} are both {port}: "
                    "each needs a port of its own"
                )
            owners[port] = name
        return ports

    @classmethod
    def free(cls) -> "Ports":
        """Return four ports that nothing uses now."""
        return cls(*free_ports(4))


def _variable(name: str) -> str:
    return f"{name.upper()}_PORT"


def _port_of(name: str) -> int:
    """Return the port that the environment chooses, or the default one."""
    value = os.environ.get(_variable(name)) or str(getattr(Ports, name))
    if not (value.isascii() and value.isdigit() and 1 <= int(value[:6]) <= LAST_PORT):
        raise LocalStackError(
            f"{_variable(name)} is {value[:20]!r}: give a port from 1 to {LAST_PORT}"
        )
    return int(value)


def free_ports(count: int) -> list[int]:
    """Return ports that nothing uses now."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((HOST, 0))
        return [each.getsockname()[1] for each in sockets]


def require_free(ports: Ports) -> None:
    """Raise LocalStackError if a port of the stack is in use."""
    for name in ("emulator", "gateway", "carrier", "platform"):
        port = getattr(ports, name)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except PermissionError:
                raise LocalStackError(
                    f"port {port} ({name}) is for root alone: choose one from 1024 with"
                    f" {_variable(name)}"
                ) from None
            except OSError:
                raise LocalStackError(
                    f"port {port} ({name}) is in use: stop what uses it (`make down` stops a"
                    f" running stack) or choose another with {_variable(name)}"
                ) from None
