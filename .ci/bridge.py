"""A way from the functions' containers to the emulator, which listens on loopback only.

It listens on Docker's bridge, so it is reached by this machine and its containers, nobody else.
"""

import fcntl
import socket
import struct
import subprocess
import threading

SIOCGIFADDR = 0x8915


def bridge_address() -> str:
    """Return this machine's address on Docker's default bridge (Linux)."""
    option = '{{index .Options "com.docker.network.bridge.name"}}'
    done = subprocess.run(  # noqa: S603 - a command of our own
        ["docker", "network", "inspect", "bridge", "--format", option],  # noqa: S607
        capture_output=True,
        text=True,
        check=True,
    )
    interface = struct.pack("256s", done.stdout.strip().encode())
    with socket.socket() as any_socket:
        answer = fcntl.ioctl(any_socket, SIOCGIFADDR, interface)
    return socket.inet_ntoa(answer[20:24])


class Bridge:
    """Forwards TCP connections from the bridge to a port of 127.0.0.1, while it is open."""

    def __init__(self, port: int) -> None:
        self._target = ("127.0.0.1", port)
        self._server = socket.create_server((bridge_address(), 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Where containers reach the port."""
        host, port = self._server.getsockname()
        return f"http://{host}:{port}"

    def __enter__(self) -> "Bridge":
        return self

    def __exit__(self, *_: object) -> None:
        self._server.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._server.accept()
            except OSError:  # closed
                return
            far = socket.create_connection(self._target)
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:  # either side went away; the other pump ends by that too
        source.close()
        sink.close()
