"""Deploy the real template.yaml to the emulator through CloudFormation."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.config import Config
from botocore.exceptions import ClientError

from harkara.aws.clients import session
from local.package import Packager
from local.settings import AWS_ENVIRONMENT, REGION, ROOT, STACK_NAME, LocalStackError
from local.transform import expand_http_apis, for_the_emulator, with_code, with_types
from local.translator import load, to_cloudformation
from local.venvs import REQUIREMENTS, Say

BUCKET = "harkara-code"
TRANSLATED = "template.json"
FINGERPRINT = "harkara:fingerprint"
DEPLOYED_WITHIN_S = 300
SETTLED = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
TEMPLATE = ROOT / "template.yaml"


def client(service: str, url: str) -> Any:
    """Return a boto3 client of the emulator at `url`."""
    make: Callable[..., Any] = session().client
    return make(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=AWS_ENVIRONMENT["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=AWS_ENVIRONMENT["AWS_SECRET_ACCESS_KEY"],
        config=Config(
            # The first call of a function waits until it is loaded.
            connect_timeout=60,
            read_timeout=60,
            s3={"addressing_style": "path"},
            retries={"total_max_attempts": 2},
            max_pool_connections=32,
        ),
    )


@dataclass(frozen=True)
class Deployer:
    """Deploys the stack of one template to one emulator."""

    url: str
    python: Path
    parameters: Mapping[str, str]
    template: Path = TEMPLATE

    def deploy(self, say: Say) -> dict[str, str]:
        """Deploy the sources unless the stack is up to date; return the stack's outputs."""
        if not self.template.is_file():
            raise LocalStackError(f"there is no {self.template}")
        cloudformation = client("cloudformation", self.url)
        sources = load(self.template.read_text(), say)
        zips = Packager(self.python, self.template.parent, say).package(sources)
        required = self._fingerprint(zips)
        stack = _describe(cloudformation)
        if stack and stack["StackStatus"] in SETTLED and _tags(stack).get(FINGERPRINT) == required:
            return _outputs(stack)

        say("deploying template.yaml" if stack is None else "redeploying what has changed")
        s3 = self._open_bucket()
        for path in zips.values():
            s3.put_object(Bucket=BUCKET, Key=path.name, Body=path.read_bytes())
        code = {name: {"Bucket": BUCKET, "Key": path.name} for name, path in zips.items()}
        translated = to_cloudformation(for_the_emulator(with_code(sources, code)), say)
        body = with_types(expand_http_apis(translated), self.parameters)
        # CloudFormation takes 51,200 bytes in a call, and a megabyte from a bucket.
        s3.put_object(Bucket=BUCKET, Key=TRANSLATED, Body=json.dumps(body).encode())
        if stack and "ROLLBACK" in stack["StackStatus"] and "UPDATE" not in stack["StackStatus"]:
            cloudformation.delete_stack(StackName=STACK_NAME)
            _settle(cloudformation)
            stack = None
        act = cloudformation.update_stack if stack else cloudformation.create_stack
        act(
            StackName=STACK_NAME,
            TemplateURL=f"{self.url}/{BUCKET}/{TRANSLATED}",
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value}
                for name, value in self.parameters.items()
            ],
            Capabilities=["CAPABILITY_IAM"],
            Tags=[{"Key": FINGERPRINT, "Value": required}],
        )
        stack = _settle(cloudformation)
        if stack is None or stack["StackStatus"] not in SETTLED:
            raise LocalStackError(f"the deployment failed: {_reason(cloudformation)}")
        return _outputs(stack)

    def _fingerprint(self, zips: dict[str, Path]) -> str:
        """Return a hash of all inputs of a deployment, including this program."""
        here = Path(__file__).parent
        programs = ("deploy.py", "transform.py", "translator_program.py")
        own = [(here / name).read_text() for name in programs]
        own.append((REQUIREMENTS / "translator.txt").read_text())
        names = sorted(path.name for path in zips.values())
        inputs = [self.template.read_text(), *own, *names, sorted(self.parameters.items())]
        return hashlib.sha256(repr(inputs).encode()).hexdigest()

    def _open_bucket(self) -> Any:
        """Return a client of S3, after creating the bucket for code and template if needed."""
        s3 = client("s3", self.url)
        if BUCKET not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
            constraint = {"LocationConstraint": REGION}
            s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=constraint)
        return s3


def _describe(cloudformation: Any) -> dict[str, Any] | None:
    try:
        stack: dict[str, Any] = cloudformation.describe_stacks(StackName=STACK_NAME)["Stacks"][0]
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":
            return None
        raise
    return None if stack["StackStatus"] == "DELETE_COMPLETE" else stack


def _settle(cloudformation: Any) -> dict[str, Any] | None:
    """Wait until nothing is in progress; return the stack, or None if there is none."""
    deadline = time.monotonic() + DEPLOYED_WITHIN_S
    while (stack := _describe(cloudformation)) and stack["StackStatus"].endswith("_IN_PROGRESS"):
        if time.monotonic() > deadline:
            raise LocalStackError(f"the deployment took longer than {DEPLOYED_WITHIN_S} s")
        time.sleep(0.1)
    return stack


def _reason(cloudformation: Any) -> str:
    events = cloudformation.describe_stack_events(StackName=STACK_NAME)["StackEvents"]
    for event in reversed(events):
        if event["ResourceStatus"].endswith("_FAILED"):
            return f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason')}"
    return "no resource says why"


def _tags(stack: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in stack.get("Tags", [])}


def _outputs(stack: dict[str, Any]) -> dict[str, str]:
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
