"""Generate a client from openapi.json and read with it the answer to a single send.

Generators of clients pass over much of JSON Schema, and of several schemas for an answer a client
takes the first that fits. What must hold in openapi.json, tests/unit/api/test_openapi.py says.
"""

import os
import shutil
import subprocess

from harkara.api.docs import DOCUMENT
from local.settings import HOME
from local.venvs import ensure_venv

CLIENT = HOME / "client_of_api"
READ_MID = """
import httpx
from client_of_api.api.send import datasend, send_messages, smpp_post
from client_of_api.client import Client

ics = {"status": "accepted", "to": "919876543210", "from": "ACMEBK", "mid": "1X", "smsgid": ""}
element = {"mid": "1X", "client_ref": "", "to": "919876543210", "country": "IN"}
element |= {"encoding": "GSM7", "segments": 1, "template_id": None, "category": "otp"}
element |= {"price": None, "warning": None, "error": None}
native = {"status": "accepted", **element, "messages": [element]}
for operation, body in ((datasend, ics), (smpp_post, ics), (send_messages, native)):
    answer = httpx.Response(200, json=body)
    client = Client(base_url="http://127.0.0.1")
    mid = operation._parse_response(client=client, response=answer).mid
    assert mid == "1X", operation.__name__
    print(operation.__name__.rpartition(".")[2], "answers the mid", mid)
"""


def main() -> None:
    """Raise CalledProcessError if the client cannot be generated, or does not read a mid."""
    venv = ensure_venv("client")
    shutil.rmtree(CLIENT, ignore_errors=True)
    generator = venv / "bin" / "openapi-python-client"
    options = ["--path", str(DOCUMENT), "--output-path", str(CLIENT), "--meta", "none"]
    path = f"{generator.parent}{os.pathsep}{os.environ['PATH']}"  # it formats with ruff
    subprocess.run([generator, "generate", *options], env={**os.environ, "PATH": path}, check=True)
    subprocess.run([venv / "bin" / "python", "-c", READ_MID], cwd=HOME, check=True)


if __name__ == "__main__":
    main()
