"""SnapStart's snapshot of a function, shared by all processes, has no data of a single process."""

import re
from functools import cache
from pathlib import Path

import pytest

from local.settings import AWS_ENVIRONMENT
from tests.built.artefact import FUNCTIONS, Layers, run
from tests.template.reading import functions

WITH_SNAPSHOT = sorted(name for name, each in functions().items() if "SnapStart" in each)
SNAP_START = {**AWS_ENVIRONMENT, "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}

LOAD_AS_FOR_A_SNAPSHOT = """
import os, socket

drawn = []
urandom = os.urandom
os.urandom = lambda size: drawn.append(size) or urandom(size)
# boto3 imports it through s3transfer. Its key is for connections between processes: there are none.
import multiprocessing.process
assert drawn == [32]

def refuse(*_):
    raise AssertionError("drew randomness or connected while it was loaded")

kept = os.urandom, socket.socket.connect
os.urandom = socket.socket.connect = refuse
import app
from harkara.aws.clients import session
assert session()._session._credentials is None
os.urandom, socket.socket.connect = kept
for name, module in list(sys.modules.items()):
    if name == "app" or name.partition(".")[0] in ("harkara", "console"):
        print(getattr(module, "__file__", None) or "")
"""
# Its state is in the snapshot: all processes would draw the same numbers.
SHARED_GENERATOR = re.compile(r"\brandom\.(?!SystemRandom\b)\w|\bfrom random\b")
COUNT_READ_FILES = """
import app
from harkara.aws.clients import session
read = []
sys.addaudithook(lambda event, args: event == "open" and read.append(str(args[0])))
for service in SERVICES:
    session().client(service)
print(sum("botocore/data" in path for path in read))
"""


def services_of(layers: Layers, function: str) -> list[str]:
    """Return the AWS services that a function's wiring has clients of."""
    wiring = layers.core / "harkara" / "wiring" / f"{function}.py"
    source = wiring.read_text() if wiring.exists() else ""
    services = set(re.findall(r'\bclient\("(\w+)"\)', source))
    if "secret_keys(" in source:
        services.add("secretsmanager")
    return sorted(services)


def reads(layers: Layers, function: str) -> str:
    """Return a program that prints how many service descriptions a function's clients read."""
    return COUNT_READ_FILES.replace("SERVICES", repr(services_of(layers, function)))


@cache
def loaded(layers: Layers, function: str) -> tuple[list[str], int]:
    """Load a function as for a snapshot; return its own files, and the descriptions read later.

    Raises AssertionError if loading draws randomness, connects or finds credentials.
    """
    code = LOAD_AS_FOR_A_SNAPSHOT + reads(layers, function)
    *files, read = run(code, *layers, FUNCTIONS / function, environment=SNAP_START).splitlines()
    return files, int(read)


@pytest.mark.parametrize("function", WITH_SNAPSHOT)
def test_a_snapshot_holds_no_randomness_connection_or_credentials(
    layers: Layers, function: str
) -> None:
    assert loaded(layers, function)


@pytest.mark.parametrize("function", WITH_SNAPSHOT)
def test_a_function_with_a_snapshot_never_uses_the_shared_generator(
    layers: Layers, function: str
) -> None:
    files, _ = loaded(layers, function)
    assert f"{FUNCTIONS / function / 'app.py'}" in files
    assert not [file for file in files if SHARED_GENERATOR.search(Path(file).read_text())]


@pytest.mark.parametrize("function", WITH_SNAPSHOT)
def test_a_restored_process_reads_no_service_description(layers: Layers, function: str) -> None:
    _, restored = loaded(layers, function)
    code = reads(layers, function)
    started = run(code, *layers, FUNCTIONS / function, environment=AWS_ENVIRONMENT)
    assert restored == 0
    assert (int(started) > 0) == bool(services_of(layers, function))
