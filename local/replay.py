"""`make replay EVENT=events/<file>.json`: run a function's handler on an event, in this process.

The handler gets the environment of the function in the running stack; the event's file name begins
with the function's name.
"""

import importlib.util
import json
import os
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from local import running
from local.deploy import client
from local.settings import AWS_ENVIRONMENT, ROOT, LocalStackError

FUNCTIONS = (
    *("send", "manage", "submit", "receipt", "inbound", "link", "dlr", "activity", "files"),
    "sweep",
    "fallback",
)


class Context:
    """The context that Lambda passes to a handler."""

    function_version = "$LATEST"
    memory_limit_in_mb = 1024

    def __init__(self, function: str, arn: str, timeout_s: int) -> None:
        self.function_name = function
        self.invoked_function_arn = arn
        self.aws_request_id = str(uuid.uuid4())
        self._ends = time.monotonic() + timeout_s

    def get_remaining_time_in_millis(self) -> int:
        return max(0, int((self._ends - time.monotonic()) * 1000))


def replay(path: Path) -> Any:
    """Return the handler's answer to the event in a file."""
    function = path.name.partition(".")[0].partition("-")[0]
    if function not in FUNCTIONS:
        raise LocalStackError(f"{path.name} begins with no function's name: {', '.join(FUNCTIONS)}")
    if not path.is_file():
        raise LocalStackError(f"there is no {path}")
    stack = running.read()
    if stack is None:
        raise LocalStackError("no stack is running: start one with `make up`")
    name = stack["outputs"][f"{function.title()}FunctionName"]
    deployed = client("lambda", stack["aws_url"]).get_function_configuration(FunctionName=name)
    os.environ.update(AWS_ENVIRONMENT)
    os.environ.update(deployed["Environment"]["Variables"])
    os.environ["AWS_ENDPOINT_URL"] = stack["aws_url"]
    os.environ["AWS_LAMBDA_FUNCTION_NAME"] = name

    source = ROOT / "functions" / function / "app.py"
    spec = importlib.util.spec_from_file_location("app", source)
    if spec is None or spec.loader is None:
        raise LocalStackError(f"there is no {source}")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    context = Context(name, deployed["FunctionArn"], deployed["Timeout"])
    return module.handler(json.loads(path.read_text()), context)


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1]:
        sys.exit("make replay: say which event, as in `make replay EVENT=events/sweep.json`")
    try:
        print(json.dumps(replay(Path(sys.argv[1])), indent=2, ensure_ascii=False), flush=True)
        # A function keeps its connections open as long as its process lives, so end at once.
        os._exit(0)
    except LocalStackError as error:
        sys.exit(f"make replay: {error}")
