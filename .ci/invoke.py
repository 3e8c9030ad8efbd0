"""Invokes every sample event with `sam local invoke`, in containers, and compares the answers.

    python .ci/invoke.py <sam> <image>     after `sam build`; Docker's engine has the image, in
                                           which the layers are

`sam local invoke` exits 0 when a handler raised, so the answer itself is what counts.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from bridge import Bridge

from local.settings import AWS_ENVIRONMENT, ROOT
from local.stack import Stack, StackSettings
from local.translator import load
from tests.support.events import SampleEvent, differences, sample_events

BUILD = ROOT / ".aws-sam" / "build"
INVOKED_WITHIN_S = 120
# Of functions that are invoked side by side.
AT_ONCE = 3


def main(sam: str, image: str) -> int:
    """Invoke all; print a line each and a closing line; return how many failed."""
    print("starting a local stack for the functions in the containers", flush=True)
    with Stack(StackSettings(warm_workers=0)) as stack, Bridge(stack.ports.emulator) as bridge:
        template = stack.folder / "template.json"
        environment = stack.folder / "environment.json"
        template.write_text(json.dumps(for_containers(bridge.url)))
        environment.write_text(json.dumps(environments(stack)))
        options = ["local", "invoke", "--template", str(template), "--env-vars", str(environment)]
        options += ["--invoke-image", image, "--skip-pull-image"]
        # SAM asks for the account's number before each invocation, four times where nobody answers.
        around = {**os.environ, **AWS_ENVIRONMENT, "AWS_ENDPOINT_URL_STS": stack.aws_url}
        samples = sample_events()
        # Those of one function in turn: one may change what the next one reads.
        functions: dict[str, list[SampleEvent]] = {}
        for sample in samples:
            functions.setdefault(sample.logical_id, []).append(sample)
        # Each thread takes the next one when it is done.
        largest_first = iter(sorted(functions.values(), key=len, reverse=True))

        def invoke_next(_: int) -> int:
            with Sam(sam, around) as command:
                return sum(
                    invoke_one(command, options, sample)
                    for of_a_function in largest_first
                    for sample in of_a_function
                )

        with ThreadPoolExecutor(AT_ONCE) as pool:
            failed = sum(pool.map(invoke_next, range(AT_ONCE)))
    print(f"{len(samples) - failed} passed, {failed} failed", flush=True)
    return failed


class Sam:
    """A process that runs one command of SAM after the other: `.ci/sam.py`."""

    def __init__(self, sam: str, environment: dict[str, str]) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._process = subprocess.Popen(  # noqa: S603 - a program of our own
            [Path(sam).with_name("python"), Path(__file__).with_name("sam.py")],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> "Sam":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()
        self._folder.cleanup()

    def run(self, arguments: Iterable[str], given: str) -> tuple[int, str, str]:
        """Return a command's exit status, its output and its errors."""
        files = [Path(self._folder.name, name) for name in ("input", "output", "errors")]
        files[0].write_text(given)
        command = [[*arguments], INVOKED_WITHIN_S, *map(str, files)]
        print(json.dumps(command), file=self._process.stdin, flush=True)
        status = int(next(iter(self._process.stdout or ())))
        return status, files[1].read_text(), files[2].read_text()


def invoke_one(sam: Sam, options: list[str], sample: SampleEvent) -> bool:
    """Invoke one event and print what came of it; return whether that is wrong."""
    started = time.monotonic()
    wrong = invoke(sam, options, sample)
    verdict = "FAILED" if wrong else "passed"
    lines = [f"  {verdict}  {sample.name} ({time.monotonic() - started:.0f} s)"]
    print("\n".join([*lines, *(f"          {line}" for line in wrong)]), flush=True)
    return bool(wrong)


def for_containers(url: str) -> dict[str, Any]:
    """Return the functions of the built template, led to the emulator.

    SAM passes on only variables that the template declares. This one is declared in this copy
    alone: on AWS there is nothing of it. SAM reads the template before each invocation, its nested
    stack in YAML and each function's routes and policies: these are left out, as no function has
    anything of them here.
    """
    template = load((BUILD / "template.yaml").read_text())
    shared = template["Globals"]["Function"]
    shared["Environment"]["Variables"]["AWS_ENDPOINT_URL"] = url
    del shared["Layers"]  # the image holds them
    functions = {
        name: resource
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Serverless::Function"
    }
    for resource in functions.values():
        properties = resource["Properties"]
        # On a busy machine a cold start alone may take longer than the function may on AWS.
        properties["Timeout"] = INVOKED_WITHIN_S
        properties["CodeUri"] = str(BUILD / properties["CodeUri"])
        properties.pop("Layers", None)
        properties.pop("Events", None)
        properties.pop("Policies", None)
    return {**template, "Resources": functions, "Outputs": {}}


def environments(stack: Stack) -> dict[str, dict[str, str]]:
    """Return each function's environment as it was deployed to the emulator."""
    functions = stack.client("lambda")
    found = {}
    for output, name in stack.outputs.items():
        if output.endswith("FunctionName"):
            configuration = functions.get_function_configuration(FunctionName=name)
            found[output.removesuffix("Name")] = configuration["Environment"]["Variables"]
    return found


def invoke(sam: Sam, options: list[str], sample: SampleEvent) -> list[str]:
    """Invoke one event in a container; return how its answer differs from the expected one."""
    arguments = [*options, sample.logical_id, "--event", "-"]
    status, output, errors = sam.run(arguments, json.dumps(sample.event))
    if status == -signal.SIGALRM:
        return [f"no answer in {INVOKED_WITHIN_S} s"]
    # Not splitlines: JSON does not escape U+2028, which the page at /docs holds.
    lines = output.strip().split("\n")
    log = [line[:500] for line in errors.strip().splitlines()[-5:]]
    try:
        answer = json.loads(lines[-1] if lines else "")
    except ValueError:
        return ["no answer in JSON", *lines[-3:], *log]
    wrong = differences(sample.expected, answer)
    return [*wrong, *log] if wrong else []


if __name__ == "__main__":
    sys.exit(min(main(*sys.argv[1:]), 1))
