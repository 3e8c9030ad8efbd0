"""The layers as deployed: complete, compiled, and without packages that no function imports."""

import re
from base64 import urlsafe_b64decode
from functools import cache
from pathlib import Path

import pytest
from pydantic_core import from_json

from local.settings import AWS_ENVIRONMENT
from tests.built.artefact import FUNCTIONS, Layers, run
from tests.template.reading import ROOT, services

MEGABYTE = 1_000_000
NAMES = sorted(services())

PRINT_FILES = """
for module in list(sys.modules.values()):
    print(getattr(module, "__file__", None))
"""
# Modules imported on first use: at a foreign number, and at an HTTP request.
LATE_IMPORTS = r"""
import asyncio
from harkara.net.client import HttpClient
from harkara.text.phone_numbers import normalise

async def answer(reader, writer):
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")

async def exchange():
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with HttpClient(1) as client:
        answered = await client("GET", f"http://127.0.0.1:{port}", {}, b"", 5)
    assert answered.status == 200
    server.close()

assert normalise("+447400123456") == ("447400123456", "GB")
asyncio.run(exchange())
"""
SIGN = """
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from harkara.base.json import encode
from harkara.carriers.service_account import assertion

key = generate_private_key(65537, 2048)
pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
file = {"type": "service_account", "client_email": "rbm@acme.example", "private_key": pem}
print(assertion(encode(file).decode(), "https://oauth2.example/token", "scope", 0))
"""
# Compiled modules have the name of their file; `-P` and the like compile strings without one.
REFUSE_TO_COMPILE = """
def refuse(event, arguments):
    name = str(arguments[1]) if event == "compile" else ""
    if name.endswith(".py") and name.startswith(tuple(sys.argv[1:4])):
        raise AssertionError(f"{arguments[1]} was compiled")

sys.addaudithook(refuse)
"""


def megabytes(folder: Path) -> float:
    files = (path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return sum(files) / MEGABYTE


@cache
def imported(layers: Layers, function: str) -> set[str]:
    """Load a function with the layers alone; return the names that it imported from `deps`.

    Raises AssertionError if a module is missing, or is compiled anew.
    """
    code = f"{REFUSE_TO_COMPILE}import app; assert callable(app.handler)\n"
    files = run(code + LATE_IMPORTS + PRINT_FILES, *layers, FUNCTIONS / function).splitlines()
    inside = f"{layers.deps}/"
    return {
        file.removeprefix(inside).partition("/")[0] for file in files if file.startswith(inside)
    }


def clients_in(folder: Path) -> set[str]:
    """Return the AWS services for which the sources create clients."""
    sources = (path.read_text() for path in folder.rglob("*.py"))
    return {name for source in sources for name in re.findall(r'\bclient\("([\w-]+)"', source)}


@pytest.mark.parametrize("function", NAMES)
def test_a_function_imports_from_the_layers_alone_and_compiles_nothing(
    layers: Layers, function: str
) -> None:
    assert imported(layers, function)


def test_no_distribution_is_there_that_no_function_imports(layers: Layers) -> None:
    there = {path.name for path in layers.deps.iterdir() if path.suffix != ".dist-info"}
    assert there - {"__pycache__"} == set().union(*(imported(layers, each) for each in NAMES))


def test_nothing_traces(layers: Layers) -> None:
    assert not [path for path in layers.deps.iterdir() if "xray" in path.name]
    sources = [
        *(ROOT / "functions").rglob("*.py"),
        *layers.core.rglob("*.py"),
        *layers.console.rglob("*.py"),
    ]
    assert not [path for path in sources if re.search(r"\bTracer\b|xray", path.read_text())]


def test_botocore_knows_the_services_that_are_used_and_no_other(layers: Layers) -> None:
    data = layers.deps / "botocore" / "data"
    used = clients_in(FUNCTIONS) | clients_in(layers.core)
    assert {path.name for path in data.iterdir() if path.is_dir()} == used
    code = f"from harkara.aws.clients import session; list(map(session().client, {sorted(used)}))"
    run(code, *layers, environment=AWS_ENVIRONMENT)


def test_the_layers_have_the_description_and_all_of_its_page(layers: Layers) -> None:
    code = "from harkara.api import docs; print(docs.document().status_code)"
    assert run(f"{code}; print(docs.page(packed=True).status_code)", *layers) == "200\n200\n"


def test_the_layers_are_small(layers: Layers) -> None:
    assert megabytes(layers.deps / "botocore") <= 8
    assert megabytes(layers.deps) <= 50
    assert megabytes(layers.core) <= 5
    assert megabytes(layers.console) <= 3
    assert megabytes(layers.signing) <= 18


def test_a_login_is_signed_from_the_layers_alone(layers: Layers) -> None:
    code = f"{REFUSE_TO_COMPILE}{SIGN}"
    claims = run(code, *layers).strip().split(".")[1]
    assert from_json(urlsafe_b64decode(claims + "=="))["iss"] == "rbm@acme.example"


def test_the_layers_hold_bytecode_that_is_never_checked_against_times(layers: Layers) -> None:
    for layer in layers:
        compiled = list(layer.rglob("*.pyc"))
        assert len(compiled) == len(list(layer.rglob("*.py")))
        for path in compiled:
            # PEP 552: flags 1 is hash-based and unchecked.
            assert path.read_bytes()[4:8] == b"\x01\0\0\0"
