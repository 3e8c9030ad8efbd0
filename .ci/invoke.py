"""Invokes every sample event with `sam local invoke`, in containers, and compares the answers.

    python .ci/invoke.py <sam> <image>     after `sam build`; Docker's engine has the image, in
                                           which the layers are

`sam local invoke` exits 0 when a handler raised, so the answer itself is what counts.
"""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from bridge import Bridge

from local.settings import AWS_ENVIRONMENT, ROOT
from local.stack import Stack, StackSettings
from local.translator import load
from tests.events import SampleEvent, differences, sample_events

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
        options = ["--template", str(template), "--env-vars", str(environment)]
        options += ["--invoke-image", image, "--skip-pull-image"]
        # SAM asks for the account's number before each invocation, four times where nobody answers.
        around = {**os.environ, **AWS_ENVIRONMENT, "AWS_ENDPOINT_URL_STS": stack.aws_url}
        samples = sample_events()
        # Those of one function in turn: one may change what the next one reads.
        functions: dict[str, list[SampleEvent]] = {}
        for sample in samples:
            functions.setdefault(sample.logical_id, []).append(sample)

        def invoke_all(logical_id: str) -> int:
            command = [sam, "local", "invoke", *options]
            return sum(invoke_one(command, around, sample) for sample in functions[logical_id])

        largest_first = sorted(functions, key=lambda each: -len(functions[each]))
        with ThreadPoolExecutor(AT_ONCE) as pool:
            failed = sum(pool.map(invoke_all, largest_first))
    print(f"{len(samples) - failed} passed, {failed} failed", flush=True)
    return failed


def invoke_one(command: list[str], around: dict[str, str], sample: SampleEvent) -> bool:
    """Invoke one event and print what came of it; return whether that is wrong."""
    started = time.monotonic()
    wrong = invoke(command, around, sample)
    verdict = "FAILED" if wrong else "passed"
    lines = [f"  {verdict}  {sample.name} ({time.monotonic() - started:.0f} s)"]
    print("\n".join([*lines, *(f"          {line}" for line in wrong)]), flush=True)
    return bool(wrong)


def for_containers(url: str) -> dict[str, Any]:
    """Return the built template, its functions led to the emulator.

    SAM passes on only variables that the template declares. This one is declared in this copy
    alone: on AWS there is nothing of it.
    """
    template = load((BUILD / "template.yaml").read_text())
    shared = template["Globals"]["Function"]
    shared["Environment"]["Variables"]["AWS_ENDPOINT_URL"] = url
    del shared["Layers"]  # the image holds them
    for resource in template["Resources"].values():
        for name in ("CodeUri", "ContentUri"):
            if name in resource.get("Properties", {}):
                resource["Properties"][name] = str(BUILD / resource["Properties"][name])
    return template


def environments(stack: Stack) -> dict[str, dict[str, str]]:
    """Return each function's environment as it was deployed to the emulator."""
    functions = stack.client("lambda")
    found = {}
    for output, name in stack.outputs.items():
        if output.endswith("FunctionName"):
            configuration = functions.get_function_configuration(FunctionName=name)
            found[output.removesuffix("Name")] = configuration["Environment"]["Variables"]
    return found


def invoke(command: list[str], around: dict[str, str], sample: SampleEvent) -> list[str]:
    """Invoke one event in a container; return what is wrong with its answer.

    `around` is the environment of the command, not of the function.
    """
    try:
        done = subprocess.run(  # noqa: S603 - a command of our own
            [*command, sample.logical_id, "--event", "-"],
            input=json.dumps(sample.event),
            env=around,
            capture_output=True,
            text=True,
            check=False,
            timeout=INVOKED_WITHIN_S,
        )
    except subprocess.TimeoutExpired:
        return [f"no answer in {INVOKED_WITHIN_S} s"]
    lines = done.stdout.strip().splitlines()
    log = [line[:500] for line in done.stderr.strip().splitlines()[-5:]]
    try:
        answer = json.loads(lines[-1] if lines else "")
    except ValueError:
        return ["no answer in JSON", *lines[-3:], *log]
    wrong = differences(sample.expected, answer)
    return [*wrong, *log] if wrong else []


if __name__ == "__main__":
    sys.exit(min(main(*sys.argv[1:]), 1))
