"""The command `harkara` itself: finding a deployment, and its errors."""

import json
import os
import socket
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
from botocore.exceptions import NoCredentialsError
from pydantic import BaseModel
from typer.core import TyperCommand, TyperGroup

import cli
from cli import deployment, local_stack
from cli.command import Target
from cli.deployment import Deployment
from harkara.carriers.settings import CarrierSettings
from harkara.model.accounts import Account, Limits
from local.settings import ROOT
from tests.local.operators import OUTPUTS, Operator
from tests.unit.scripted_aws import Refusal, ScriptedAws

ON_AWS = ["account", "list", "--stack", "harkara"]


def group_of(noun: str) -> TyperGroup:
    """Return the group of a noun."""
    found = cli.program().get_command(CONTEXT, noun)
    assert isinstance(found, TyperGroup)
    return found


def command_of(line: str) -> TyperCommand:
    """Return the command of a verb: `account set`."""
    noun, verb = line.split()
    found = group_of(noun).get_command(CONTEXT, verb)
    assert isinstance(found, TyperCommand)
    return found


CONTEXT = typer.Context(cli.program())
EVERY_VERB = [
    f"{noun} {verb}" for noun in cli.NOUNS for verb in group_of(noun).list_commands(CONTEXT)
]


def run(argv: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    status = cli.main(argv)
    captured = capsys.readouterr()
    return status, captured.out, captured.err


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


def test_it_is_installed_by_its_name() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["scripts"] == {"harkara": "cli:main"}


def test_it_runs_as_a_module() -> None:
    done = subprocess.run([sys.executable, "-m", "cli"], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "harkara: Missing command (see harkara --help)\n"


def test_help_is_quick_since_it_imports_no_library_of_aws() -> None:
    """`make bench` measures the time."""
    program = "import cli, sys; cli.main(['--help']); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert all(f"\n  {noun} " in done.stdout for noun in cli.NOUNS)
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    assert "typer" in loaded
    assert not loaded & {"boto3", "botocore", "httpx", "pydantic", "pydantic_core", "rich"}


@pytest.mark.parametrize("line", EVERY_VERB)
def test_an_option_is_in_small_letters(line: str) -> None:
    """Typer makes a flag of a metavar that is its name in capital letters."""
    names = [name for option in command_of(line).params for name in option.opts]
    assert [name for name in names if name != name.lower()] == []


@pytest.mark.parametrize("line", EVERY_VERB)
def test_a_secret_is_never_a_word_of_the_command(line: str) -> None:
    """Such words are seen in the list of processes, and kept by shells."""
    named = ("secret", "password", "token", "key")
    for option in command_of(line).params:
        if option.metavar != "FILE" and not getattr(option, "is_flag", False):
            assert not any(word in str(option.name) for word in named), option.name


@pytest.mark.parametrize("line", ["account list", "status"])
def test_the_stack_may_be_named_in_the_environment(
    line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = list[Target]()

    def open_deployment(target: Target) -> Deployment:
        opened.append(target)
        return Deployment(OUTPUTS, Operator().client)

    monkeypatch.setenv("HARKARA_STACK", "production")
    for more in ("", "--stack other", "--local"):
        assert cli.main([*line.split(), *more.split()], open_deployment) == 0
    assert [each.stack for each in opened] == ["production", "other", "production"]
    assert [each.local for each in opened] == [False, False, True]


def test_a_shell_completes_nouns_and_verbs(tmp_path: Path) -> None:
    for words, completed in (("harkara ac", "account"), ("harkara account dr", "drain")):
        environment = {
            **os.environ,
            "_HARKARA_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split()) - 1),
        }
        done = subprocess.run(
            [sys.executable, "-m", "cli"], env=environment, cwd=ROOT, capture_output=True, text=True
        )
        assert done.stdout.split() == [completed], done.stderr


@pytest.mark.parametrize("verb", EVERY_VERB)
def test_every_verb_explains_itself(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run([*verb.split(), "--help"], capsys)
    assert (status, err) == (0, "")
    assert f"Usage: harkara {verb}" in out


@pytest.mark.parametrize(
    ("verb", "kinds", "others"),
    [
        (
            "account set",
            (Account, Limits),
            {"id", "limits", "draining", "senders", "templates", "callbacks", "version"},
        ),
        (
            "carrier put",
            (CarrierSettings,),
            {"name", "secret", "receipt_url", "receipt_secret", "receipt_token_hashes"},
        ),
    ],
    ids=["account", "carrier"],
)
def test_every_field_has_an_option(
    verb: str, kinds: tuple[type[BaseModel], ...], others: set[str]
) -> None:
    options = {option.name for option in command_of(verb).params}
    fields = {name for kind in kinds for name in kind.model_fields}
    assert fields - options == others


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


def test_an_error_is_one_line_whatever_it_names() -> None:
    done = Operator().with_account().run(["template", "import", "acme", "gone\n.csv"])
    assert done.status == 1
    assert done.err.count("\n") == 1


def test_a_reader_that_has_seen_enough_ends_it_without_a_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    operator = Operator().with_account()
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        deployment = Deployment(OUTPUTS, operator.client)
        assert cli.main(ON_AWS, lambda _: deployment) == 0
        monkeypatch.undo()
    assert capsys.readouterr().err == ""


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


def test_aws_refusing_a_call_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    refusing = ScriptedAws("dynamodb", Refusal("AccessDeniedException"))

    def open_deployment(_: Target) -> Deployment:
        return Deployment(OUTPUTS, lambda _: refusing.client)

    assert cli.main(ON_AWS, open_deployment) == 1
    err = capsys.readouterr().err
    assert "AWS did not do it (AccessDeniedException)" in err
    assert err.count("\n") == 1
