"""The command `harkara` itself: finding a deployment, and its errors."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import typer
from pydantic import BaseModel
from typer.core import TyperCommand, TyperGroup

import cli
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
            assert {*str(option.name).split("_")}.isdisjoint(named), option.name


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
            {"id", "limits", "draining", "version"}
            | {"senders", "templates", "callbacks", "answers"},
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


def test_aws_refusing_a_call_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    refusing = ScriptedAws("dynamodb", Refusal("AccessDeniedException"))

    def open_deployment(_: Target) -> Deployment:
        return Deployment(OUTPUTS, lambda _: refusing.client)

    assert cli.main(ON_AWS, open_deployment) == 1
    err = capsys.readouterr().err
    assert "AWS did not do it (AccessDeniedException)" in err
    assert err.count("\n") == 1
