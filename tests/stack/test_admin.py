"""An account set up with the command `harkara` sends, on the real tables and functions."""

import io
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic_core import from_json

import cli
from cli import local_stack
from cli.command import Target
from cli.deployment import Deployment
from harkara.activity.exports import ExportTask
from harkara.api.authentication import Authenticator, presented
from harkara.aws.carriers import DynamoCarrierStore
from harkara.base.errors import RequestRefused
from harkara.model.accounts import Scope
from local import running
from local.settings import AWS_ENVIRONMENT, HOST, STACK_NAME
from tests.stack.campaigns import Lab, metas_of, record, wait_until

pytestmark = pytest.mark.stack

CALLED_BACK_WITHIN_S = 180
TEMPLATES = """Entity ID,Header,Template ID,Template Name,Content,Type,Status
1101172974420810001,OPERAT,1107161234567890077,Parcel,Parcel {#var#} is here. OPERATED,SI,Approved
"""
REGISTERED = {"from": "OPERAT", "smstext": "Parcel 7 is here. OPERATED"}
Run = Callable[[str], Any]


@pytest.fixture(scope="module")
def run(lab: Lab) -> Iterator[Run]:
    """Return `harkara` for the lab's stack, found as CloudFormation describes it."""

    def run(line: str) -> Any:
        with redirect_stdout(io.StringIO()) as out:
            assert cli.main([*line.split(), "--stack", STACK_NAME, "--json"]) == 0
        return from_json(out.getvalue())

    with pytest.MonkeyPatch.context() as environment:
        for name, value in {**AWS_ENVIRONMENT, "AWS_ENDPOINT_URL": lab.stack.aws_url}.items():
            environment.setenv(name, value)
        yield run


@pytest.fixture(scope="module")
def api_key(lab: Lab, run: Run, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Set up the account `operated` command by command; return the printed API key."""
    file = tmp_path_factory.mktemp("operated") / "templates.csv"
    file.write_text(TEMPLATES)
    run(f"account create operated --carrier sim --callback-hosts {HOST}")
    run(f"callback add operated platform --url {lab.callback_url('operated')}")
    run("account set operated --default-callback platform")
    run("sender add operated OPERAT --categories service_implicit --pe-id 1101172974420810001")
    assert run(f"template import operated {file}")["created"] == 1
    return str(run("credential create operated operated")["api_key"])


def send(lab: Lab, key: str, client_ref: str, **fields: str) -> httpx.Response:
    return httpx.post(
        f"{lab.stack.endpoint}/datasend",
        json={"smstosend": [record(client_ref, **fields)]},
        headers={"X-Api-Key": key},
        timeout=30,
    )


def opens(lab: Lab, key: str) -> bool:
    """Whether a key is valid, without the cache that `send` keeps for a minute."""
    outputs = lab.stack.outputs
    secrets = lab.stack.client("secretsmanager")
    pepper = secrets.get_secret_value(SecretId=outputs["PepperSecretId"])["SecretString"]
    store = DynamoCarrierStore(lab.stack.client("dynamodb"), outputs["AccountsTableName"])
    authenticator = Authenticator(store, pepper.split()[0].encode(), time.time)
    try:
        authenticator.authenticate(presented({"x-api-key": key}), Scope.SEND, HOST)
    except RequestRefused:
        return False
    return True


def test_an_account_that_was_set_up_sends_with_the_printed_key(lab: Lab, api_key: str) -> None:
    assert send(lab, api_key, "operated", **REGISTERED).status_code == 200
    other_text = {**REGISTERED, "smstext": "Something else"}
    assert send(lab, api_key, "other", **other_text).json()["Error"] == "TEMPLATE_NOT_FOUND"

    def called_back() -> list[str]:
        return [post["path"] for post in lab.callbacks() if metas_of(post) == ["operated"]]

    assert wait_until(called_back, CALLED_BACK_WITHIN_S)
    assert called_back() == ["/clevertap/operated"]


@pytest.mark.usefixtures("api_key")
def test_both_secrets_send_while_one_is_rotated_out_and_neither_when_it_is_revoked(
    lab: Lab, run: Run
) -> None:
    # `send` has no cached entry for this user name, so its first use reads the current one.
    keys = [run("credential create operated rotated")["api_key"]]
    keys.append(run("credential rotate rotated --overlap 1h")["api_key"])
    assert [send(lab, key, "rotated", **REGISTERED).status_code for key in keys] == [200, 200]
    assert [opens(lab, key) for key in keys] == [True, True]
    run("credential revoke --yes rotated")
    assert [opens(lab, key) for key in keys] == [False, False]


@pytest.mark.usefixtures("api_key")
def test_a_revoked_credential_does_not_send(lab: Lab, run: Run) -> None:
    key = run("credential create operated revoked")["api_key"]
    run("credential revoke --yes revoked")
    assert send(lab, key, "revoked", **REGISTERED).status_code == 401


@pytest.mark.usefixtures("api_key")
def test_a_rotation_without_overlap_ends_the_old_secret(lab: Lab, run: Run) -> None:
    old = run("credential create operated once")["api_key"]
    new = run("credential rotate once --overlap 0s")["api_key"]
    statuses = [send(lab, key, "once", **REGISTERED).status_code for key in (old, new)]
    assert statuses == [401, 200]


def test_the_running_stack_is_found_by_its_note(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".local").mkdir()
    monkeypatch.setattr(running, "NOTE", tmp_path / local_stack.NOTE)
    running.note(lab.stack)
    monkeypatch.chdir(tmp_path)
    assert cli.main(["account", "list", "--local", "--json"]) == 0
    rows = {row["account"]: row for row in from_json(capsys.readouterr().out)}
    assert rows["demo"]["carrier"] == "sim"
    # A callback to this machine, which a stack on AWS would refuse.
    line = f"callback add sandbox operated --url {lab.callback_url('operated')} --local"
    assert cli.main(line.split()) == 0
    assert cli.main(["callback", "remove", "sandbox", "operated", "--yes", "--local"]) == 0
    people = Deployment.open(Target(local=True)).people
    session = people.person(people.sign_in_by_link(people.sign_in_link("sandbox")))
    assert session is not None
    assert session.account_id == "sandbox"


def test_an_invitation_that_many_use_at_once_lets_one_in_until_it_is_disabled(
    lab: Lab, run: Run
) -> None:
    token = run("user invite demo asha@acme.example --role admin")["link"].partition("token=")[2]
    people = Deployment(lab.stack.outputs, lab.stack.client).people

    def accept(number: int) -> str:
        try:
            return people.accept_invitation(token, f"a long enough password {number}")
        except RequestRefused as refused:
            return refused.code

    with ThreadPoolExecutor(4) as pool:
        came = [*pool.map(accept, range(4))]
    assert came.count("NOT_FOUND") == 3
    (number,) = (number for number, each in enumerate(came) if each != "NOT_FOUND")
    assert people.person(came[number])
    password = f"a long enough password {number}"
    cookie = people.sign_in("asha@acme.example", password, "", HOST)
    session = people.person(cookie)
    assert session is not None
    assert people.begin_totp(session).startswith("otpauth://")
    run("user disable --yes asha@acme.example")
    assert people.person(cookie) is None
    assert run("user audit demo")[0]["action"] == "user.disable"


def test_dead_letters_are_looked_at_and_moved_back(lab: Lab, run: Run) -> None:
    """The export is none, so that its task does nothing once it is back."""
    url = lab.stack.outputs["ExportDeadLettersUrl"]
    body = ExportTask("sandbox", "none").encode()
    lab.stack.client("sqs").send_message(QueueUrl=url, MessageBody=body)
    for _ in range(2):
        (dead,) = run("queue show export")["dead_letters"]
        assert (dead["kind"], dead["account"]) == ("export", "sandbox")
    assert run("queue redrive export --yes") == {"redriven": "export"}
    shown = run("queue show export")
    assert (shown["dead"], shown["redrives"][0]["moved"]) == (0, 1)
    assert wait_until(lambda: run("queue show export")["waiting"] == 0, 60)
