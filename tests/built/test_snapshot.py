"""What SnapStart keeps of a function and hands to every process: nothing of one process alone."""

import pytest

from local.settings import AWS_ENVIRONMENT
from tests.built.artefact import FUNCTIONS, Layers, run
from tests.template.reading import functions

WITH_SNAPSHOT = sorted(name for name, each in functions().items() if "SnapStart" in each)
SNAP_START = {**AWS_ENVIRONMENT, "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"}

REFUSE_WHAT_IS_OF_ONE_PROCESS = """
import os, socket

def refuse(*_):
    raise AssertionError("drew randomness or connected while it was loaded")

os.urandom = socket.socket.connect = refuse
import app
from harkara.aws.clients import _session
assert _session()._credentials is None
"""
# Its state is in the snapshot: all processes would draw the same numbers.
FIND_THE_SHARED_GENERATOR = """
import app, random
for name, module in sys.modules.items():
    if name == "app" or name.partition(".")[0] == "harkara":
        for each in vars(module).values():
            if each is random or getattr(each, "__self__", None) is random._inst:
                print(name)
"""
COUNT_READ_FILES = """
import app
from harkara.aws.clients import client
read = []
sys.addaudithook(lambda event, args: event == "open" and read.append(str(args[0])))
for service in ("dynamodb", "secretsmanager", "sqs"):
    client(service)
print(sum("botocore/data" in path for path in read))
"""


@pytest.mark.parametrize("function", WITH_SNAPSHOT)
def test_a_snapshot_holds_no_randomness_connection_or_credentials(
    layers: Layers, function: str
) -> None:
    run(REFUSE_WHAT_IS_OF_ONE_PROCESS, *layers, FUNCTIONS / function, environment=SNAP_START)


@pytest.mark.parametrize("function", WITH_SNAPSHOT)
def test_a_function_with_a_snapshot_never_uses_the_shared_generator(
    layers: Layers, function: str
) -> None:
    assert run(FIND_THE_SHARED_GENERATOR, *layers, FUNCTIONS / function) == ""


@pytest.mark.parametrize("function", WITH_SNAPSHOT)
def test_a_restored_process_reads_no_service_description(layers: Layers, function: str) -> None:
    def count(environment: dict[str, str]) -> int:
        program = (COUNT_READ_FILES, *layers, FUNCTIONS / function)
        return int(run(*program, environment=environment))

    assert count(SNAP_START) == 0
    assert count(AWS_ENVIRONMENT) > 0
