"""The CPU of a cold start of the built `send`: imports and everything the first request constructs.

The reference, in alternation, is a bare botocore with two clients of the same layer. Each runs in a
fresh process of the Python that runs the functions (3.13 if installed), with only the layers and
the function on its path. Only the network is stubbed.
"""

import shutil
import statistics
import tempfile
from pathlib import Path

from harkara.runtime.settings import SendSettings
from local.settings import AWS_ENVIRONMENT
from local.venvs import find_python
from tests.bench.report import Row
from tests.built.artefact import FUNCTIONS, build, run

ROUNDS = 15
# "1" is valid as a number, a boolean and a name.
ENVIRONMENT = {name.upper(): "1" for name in SendSettings.model_fields} | AWS_ENVIRONMENT

TIMED = """
import time
began = time.process_time()
{}
print(time.process_time() - began)
"""
BARE = TIMED.format("""
import botocore.session
session = botocore.session.get_session()
session.create_client("dynamodb")
session.create_client("sqs")
""")
SEND = TIMED.format("""
import app
from botocore.awsrequest import AWSResponse
from botocore.httpsession import URLLib3Session

class Secret:
    def stream(self, *_, **__):
        return [b'{"SecretString": "pepper"}']

URLLib3Session.send = lambda _, request: AWSResponse(request.url, 200, {}, Secret())
app.services()
""")


def measure() -> list[Row]:
    """Return the rows of this part."""
    with tempfile.TemporaryDirectory() as folder:
        python = find_python()
        function = Path(folder, "send")
        # Lambda gets only the source of a function, and compiles it.
        shutil.copytree(FUNCTIONS / "send", function, ignore=shutil.ignore_patterns("*cache*"))
        paths = (*build(Path(folder), python), function)

        def cpu_s(program: str) -> float:
            return float(run(program, *paths, environment=ENVIRONMENT, python=python))

        pairs = [(cpu_s(BARE), cpu_s(SEND)) for _ in range(ROUNDS)]
    bare_s, send_s = (statistics.median(column) for column in zip(*pairs, strict=True))
    return [
        Row(
            "cold start of send / of a bare botocore with two clients",
            statistics.median(send / bare for bare, send in pairs),
            "x",
            2.3,
            note=f"{send_s * 1000:.0f} ms / {bare_s * 1000:.0f} ms, median of {ROUNDS} pairs",
        )
    ]
