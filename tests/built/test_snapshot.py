"""SnapStart's snapshot of a function, shared by all processes, has no data of a single process."""

import re
from functools import cache
from pathlib import Path

import pytest

from local.settings import AWS_ENVIRONMENT
from tests.built.artefact import FUNCTIONS, Layers, run
from tests.template.reading import environment, functions

WITH_SNAPSHOT = sorted(name for name, each in functions().items() if "SnapStart" in each)

LOAD_AS_FOR_A_SNAPSHOT = """
import os, random, socket
from botocore.credentials import CredentialResolver
# boto3 imports it through s3transfer. Its key is for connections between processes: there are none.
drawn, urandom = [], os.urandom
os.urandom = lambda size: drawn.append(size) or urandom(size)
import multiprocessing.process
assert drawn == [32]

def refuse(*_):
    raise AssertionError("drew randomness, connected or found credentials while it was loaded")

kept = urandom, random._urandom, socket.socket.connect, CredentialResolver.load_credentials
os.urandom = random._urandom = refuse
socket.socket.connect = CredentialResolver.load_credentials = refuse
import app
os.urandom, random._urandom, socket.socket.connect, CredentialResolver.load_credentials = kept
"""
# Its state is in the snapshot: all processes would draw the same numbers.
SHARED_GENERATOR = re.compile(r"\brandom\.(?!SystemRandom\b)\w|\bfrom random\b")
LIST_FILES = """
for name, module in list(sys.modules.items()):
    if name == "app" or name.partition(".")[0] in ("harkara", "console"):
        print(getattr(module, "__file__", None) or "")
"""
LOAD_FOR_AN_INVOCATION = """
import app
"""
COUNT_NEW_CLIENTS = """
import gc
import boto3
made = []
make = boto3.Session.client
boto3.Session.client = lambda *args, **kwargs: made.append(args) or make(*args, **kwargs)
if hasattr(app, "services"):  # `fallback` has none
    app.services()
print(len(made), gc.get_freeze_count())
"""


def started(layers: Layers, function: str, code: str, **variables: str) -> list[str]:
    """Run a program with a function on its path, and its variables set; return its output."""
    own = [name for name in environment(function) if not name.startswith("POWERTOOLS")]
    # "1" is valid as a number, a boolean and a name.
    settings = {**dict.fromkeys(own, "1"), **AWS_ENVIRONMENT, **variables}
    return run(code, *layers, FUNCTIONS / function, environment=settings).splitlines()


@cache
def loaded(layers: Layers, function: str) -> tuple[list[str], int, int]:
    """Load a function as for a snapshot.

    Return its own files, how many clients it makes later, and how many objects are frozen.

    Raises AssertionError if loading draws randomness, connects or finds credentials.
    """
    code = LOAD_AS_FOR_A_SNAPSHOT + LIST_FILES + COUNT_NEW_CLIENTS
    *files, counts = started(layers, function, code, AWS_LAMBDA_INITIALIZATION_TYPE="snap-start")
    made, frozen = map(int, counts.split())
    return files, made, frozen


@pytest.mark.parametrize("function", WITH_SNAPSHOT)
def test_a_snapshot_holds_no_randomness_connection_or_credentials(
    layers: Layers, function: str
) -> None:
    assert loaded(layers, function)


@pytest.mark.parametrize("function", WITH_SNAPSHOT)
def test_a_function_with_a_snapshot_never_uses_the_shared_generator(
    layers: Layers, function: str
) -> None:
    files, _, _ = loaded(layers, function)
    assert f"{FUNCTIONS / function / 'app.py'}" in files
    assert not [file for file in files if SHARED_GENERATOR.search(Path(file).read_text())]


@pytest.mark.parametrize("function", WITH_SNAPSHOT)
def test_a_restored_process_makes_no_clients(layers: Layers, function: str) -> None:
    _, restored, _ = loaded(layers, function)
    (counts,) = started(layers, function, LOAD_FOR_AN_INVOCATION + COUNT_NEW_CLIENTS)
    made, frozen = map(int, counts.split())
    assert (restored, frozen) == (0, 0)
    assert (made > 0) == (function != "fallback")


@pytest.mark.parametrize("function", sorted({*WITH_SNAPSHOT} - {"fallback"}))
def test_the_collector_leaves_a_snapshot_alone(layers: Layers, function: str) -> None:
    _, _, frozen = loaded(layers, function)
    assert frozen > 10_000
