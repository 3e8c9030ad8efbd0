"""The HTTP client and TLS: no data is sent until the server has proved its identity."""

import asyncio
import shutil
import subprocess
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext

import pytest

from harkara.base.errors import ExchangeUnreachable
from harkara.net.client import HttpClient
from tests.functions.exchanges import BODY, answering, post, run
from tests.functions.servers import answer, serving

# Writes a key, and a certificate signed by the same key.
OPENSSL = """openssl req -x509 -nodes -days 1 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1
    -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -keyout key -out certificate"""


def test_a_server_without_tls_took_nothing() -> None:
    """The handshake fails before any part of the request is sent."""
    got: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.read(1000))
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    with pytest.raises(ExchangeUnreachable):
        run(script, lambda exchange, url: post(exchange, url.replace("http:", "https:")))
    assert BODY not in b"".join(got)


@pytest.mark.skipif(not shutil.which("openssl"), reason="needs openssl")
def test_a_server_for_which_nobody_vouches_took_nothing(tmp_path: Path) -> None:
    subprocess.run(OPENSSL.split(), cwd=tmp_path, check=True, capture_output=True)
    tls = SSLContext(PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(tmp_path / "certificate", tmp_path / "key")
    requests: list[bytes] = []

    async def main() -> None:
        async with serving(answering(answer(), requests), tls) as url, HttpClient(1) as exchange:
            await post(exchange, url)

    with pytest.raises(ExchangeUnreachable) as error:
        asyncio.run(main())
    assert str(error.value) == "the certificate is not valid: self-signed certificate"
    assert requests == []
