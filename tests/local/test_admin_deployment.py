"""How the command finds a deployment, on AWS or on this machine."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import NoCredentialsError

import cli
from cli import deployment, local_stack
from cli.command import Target
from cli.deployment import Deployment
from tests.local.operators import OUTPUTS, Operator
from tests.local.test_admin_command import ON_AWS, run
from tests.unit.scripted_aws import Refusal, ScriptedAws


class Session:
    """A boto3 session whose CloudFormation has a scripted answer."""

    region_name = "ap-south-1"

    def __init__(self, answer: Any) -> None:
        self.requested: tuple[str | None, ...] = ()
        self.cloudformation = ScriptedAws("cloudformation", answer)
        self.accounts = Operator().with_account()

    def __call__(self, *requested: str | None) -> "Session":
        self.requested = requested
        return self

    def client(self, service: str, **_: Any) -> Any:
        if service == "cloudformation":
            return self.cloudformation.client
        return self.accounts.client(service)


def described(outputs: dict[str, str], private_callbacks: str = "false") -> dict[str, Any]:
    listed = [{"OutputKey": name, "OutputValue": value} for name, value in outputs.items()]
    return {
        "Stacks": [
            {
                "StackName": "harkara",
                "CreationTime": "2026-01-01T00:00:00Z",
                "StackStatus": "CREATE_COMPLETE",
                "Outputs": listed,
                "Parameters": [
                    {"ParameterKey": "AllowPrivateCallbacks", "ParameterValue": private_callbacks},
                    {"ParameterKey": "CallbackPorts", "ParameterValue": "443,8443"},
                ],
            }
        ]
    }


@pytest.mark.parametrize("which", [[], ["--local", "--stack", "harkara"]], ids=["none", "two"])
def test_one_deployment_is_named(which: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(["account", "list", *which], capsys)
    assert (status, out) == (2, "")
    assert err.count("\n") == 1


def test_a_stack_on_aws_is_found_by_its_outputs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    session = Session(described(OUTPUTS))
    monkeypatch.setattr(deployment, "session", session)
    argv = [*ON_AWS, "--region", "ap-south-1", "--profile", "ops", "--json"]
    status, out, err = run(argv, capsys)
    assert (status, err) == (0, "")
    assert [row["account"] for row in json.loads(out)] == ["acme"]
    assert session.requested == ("ops", "ap-south-1")
    assert session.cloudformation.requests == [("DescribeStacks", {"StackName": "harkara"})]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Refusal("ValidationError"), "there is no stack harkara in ap-south-1"),
        (Refusal("AccessDenied", 403), "AWS did not answer (AccessDenied)"),
        (NoCredentialsError(), "check --profile, --region and your AWS credentials"),
        (described({"Bucket": "x"}), "none of Harkara's"),
    ],
    ids=["no stack", "no access", "no credentials", "another stack"],
)
def test_a_stack_that_cannot_be_used_says_why(
    answer: Any,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(deployment, "session", Session(answer))
    status, out, err = run(ON_AWS, capsys)
    assert (status, out) == (1, "")
    assert says in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(("private", "status"), [("true", 0), ("false", 1)])
def test_a_callback_to_this_machine_is_for_stacks_that_allow_it(
    private: str, status: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = Session(described(OUTPUTS, private))
    session.accounts.with_account(callback_hosts=("127.0.0.1",))
    monkeypatch.setattr(deployment, "session", session)
    line = "callback add acme main --url http://127.0.0.1:8092/dlr --stack harkara"
    assert cli.main(line.split()) == status


def test_a_profile_that_is_not_there_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run([*ON_AWS, "--profile", "no-such-profile"], capsys)
    assert status == 1
    assert "no-such-profile" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("note", "says"),
    [
        (None, "no stack is running: start one with `make up` in a checkout"),
        ("{", "no stack is running: start one with `make up` in a checkout"),
        ('{"outputs": {}}', "the stack is starting: try again once `make up` says that it is up"),
        (
            '{"outputs": {"A": "B"}, "aws_url": "http://127.0.0.1:9"}',
            "no stack is running: start one with `make up` in a checkout",
        ),
    ],
    ids=["none", "half a note", "starting", "ended"],
)
def test_without_a_local_stack_it_says_how_to_start_one(
    note: str | None,
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / ".local").mkdir()
    if note is not None:
        (tmp_path / local_stack.NOTE).write_text(note)
    monkeypatch.setattr(local_stack, "HOME", tmp_path)
    monkeypatch.chdir(tmp_path)
    status, out, err = run(["account", "list", "--local"], capsys)
    assert (status, out, err) == (1, "", f"harkara: {says}\n")


def test_a_local_stack_is_found_from_a_folder_of_its_checkout(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".local").mkdir()
    (tmp_path / "docs").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as emulator:
        url = f"http://127.0.0.1:{emulator.getsockname()[1]}"
        note = {"outputs": OUTPUTS, "api_url": "http://127.0.0.1:8080", "aws_url": url}
        (tmp_path / local_stack.NOTE).write_text(json.dumps(note))
        monkeypatch.chdir(tmp_path / "docs")
        found = Deployment.open(Target(local=True))
    assert found.outputs == {**OUTPUTS, "ApiUrl": "http://127.0.0.1:8080"}
    assert found.client("sqs").meta.endpoint_url == url
    assert found.is_local
