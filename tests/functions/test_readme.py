"""README.md's way from clone to first message: its commands run, its requests are accepted."""

import json
import re
import shlex
from pathlib import Path

import pytest

from harkara.api.authentication import Authenticator, presented
from harkara.model.accounts import Scope
from local.settings import ROOT
from tests.functions.handlers import Gateway
from tests.functions.invoking import SECRET, http_event
from tests.functions.pages import is_like
from tests.local.operators import NOW, PEPPER, Operator
from tests.support.documents import PAGES, section, shell_lines, table
from tests.template.reading import template

SECTION = section(PAGES["README.md"], "## Deploy it to AWS")
LINES = re.findall(r"^(\d+)\. (.+)$", SECTION, re.MULTILINE)
COMMANDS = {int(number): line.strip("`") for number, line in LINES}


def test_there_are_ten_lines() -> None:
    assert list(COMMANDS) == list(range(1, 11))


def test_the_operators_lines_end_with_a_key_that_may_send(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("airtel.secret").write_text("password\n")
    operator, printed = Operator(), {}
    for number, line in COMMANDS.items():
        if line.startswith("harkara "):
            *words, option, stack = shlex.split(line)[1:]
            assert (option, stack) == ("--stack", "harkara")
            printed[number] = operator.run([*words, "--json"]).json()
    assert "receipt_url" in printed[5]
    key = printed[8]["api_key"]
    authenticator = Authenticator(operator.store, PEPPER, lambda: NOW)
    caller = authenticator.authenticate(presented({"x-api-key": key}), Scope.SEND, "203.0.113.7")
    assert (caller.account.id, caller.account.carrier) == ("acme", "airtel")


def test_the_requests_are_taken(gateway: Gateway) -> None:
    send = shlex.split(COMMANDS[9])
    headers = dict(
        each.lower().split(": ", 1) for at, each in enumerate(send) if send[at - 1] == "-H"
    )
    headers["x-api-key"] = f"sandbox.{SECRET}"
    event = http_event("POST", send[2].removeprefix("API_URL"), send[-1], headers)
    answer = gateway.call("send", event)
    assert answer["statusCode"] == 200
    mid = json.loads(answer["body"])["mid"]
    path = shlex.split(COMMANDS[10])[2].removeprefix("API_URL").replace("MID", mid)
    answer = gateway.call("manage", http_event("GET", path, None, headers))
    assert (answer["statusCode"], json.loads(answer["body"])["mid"]) == (200, mid)


def test_the_parameters_and_names_are_those_of_the_template_and_of_sams_defaults() -> None:
    overrides = shlex.split(COMMANDS[3])[3:]
    names = {each.partition("=")[0] for each in overrides}
    assert names
    assert names <= template()["Parameters"].keys()
    assert 'stack_name = "harkara"' in (ROOT / "samconfig.toml").read_text()
    assert "ApiUrl" in template()["Outputs"]


def test_it_counts_what_the_template_creates() -> None:
    kinds = [each["Type"].rpartition("::")[2] for each in template()["Resources"].values()]
    for kind, says in (
        ("Function", {13: "thirteen functions"}),
        ("LayerVersion", {4: "four layers"}),
        ("Table", {4: "four tables"}),
        ("Queue", {11: "eleven queues"}),
        ("Bucket", {1: "a bucket"}),
        ("Secret", {3: "three secrets"}),
    ):
        assert says[kinds.count(kind)] in SECTION


def test_every_parameter_of_the_template_is_listed_with_its_default() -> None:
    written = {
        name.strip("`"): default.strip("`")
        for names, default, _ in table(PAGES["README.md"], "parameter")
        for name in names.split(", ")
    }
    parameters = template()["Parameters"]
    assert written == {name: str(each["Default"]) for name, each in parameters.items()}


def test_the_first_message_on_this_machine_is_answered_as_there(gateway: Gateway) -> None:
    (line,) = [each for each in shell_lines(PAGES["README.md"]) if "8080/datasend" in each]
    words = shlex.split(line)
    url, body = words[2], words[words.index("-d") + 1]
    assert url == "http://127.0.0.1:8080/datasend"
    answer = gateway.call("send", http_event("POST", "/datasend", body))
    (written,) = re.findall(r"^ {4}(\[\{\"to\".*\])$", PAGES["README.md"], re.MULTILINE)
    assert is_like(json.loads(written), json.loads(answer["body"]))
