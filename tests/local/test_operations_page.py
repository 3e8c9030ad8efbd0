"""Every command of docs/operations.md is run, in order and unchanged."""

import re
import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from harkara.aws.messages import DynamoMessageStore
from harkara.base.time import DAY_S
from harkara.model.messages import pack
from local.settings import ROOT
from tests.local.operators import Operator
from tests.unit import handing
from tests.unit.scripted_aws import ScriptedAws

PAGE = (ROOT / "docs" / "operations.md").read_text("utf-8")
FILES = {
    "airtel.secret": "password\n",
    "flows.json": '{"1107161234567890102": {"id": "64b1", "text": "##otp## is your code."}}',
    "headers.json": '{"X-Key": "not-a-real-key"}',
    "hooks.token": "not-a-real-token\n",
}
# Of the account and the message whose commands the page has.
BATCH = replace(handing.BATCH, id="101M80PKPVGTZQN98QP2VKS1J18")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# Operations without an action of their own in IAM, and the actions that they need.
PARTS = {
    "TransactWriteItems": ("PutItem", "UpdateItem", "DeleteItem"),
    "SendMessageBatch": ("SendMessage",),
}


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Operator:
    """Return an operator after all commands of the page, in a folder with the page's files."""
    folder = tmp_path_factory.mktemp("operations")
    for name, content in FILES.items():
        (folder / name).write_text(content)
    operator, printed = Operator(), ""
    others = ScriptedAws("dynamodb", operator.messages)
    store = DynamoMessageStore(others.client, "Messages", retention_s=DAY_S, clock=operator.clock)
    store.put_batch(BATCH.id, pack(BATCH), BATCH.due_at_ms)
    for number in range(3):
        operator.park(number, callback="own")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(folder)
        for language, content in _BLOCK.findall(PAGE):
            match language:
                case "csv":
                    Path("templates.csv").write_text(content)
                case "text":
                    assert printed == content
                case "sh":
                    for command in content.splitlines():
                        printed = run(operator, command)
                case _:
                    raise AssertionError(f"no test reads a block of {language}")
    return operator


def run(operator: Operator, command: str) -> str:
    """Run a command of the page; return its output."""
    program, *words = shlex.split(command)
    assert (program, words.pop()) == ("harkara", "--local")
    done = operator.run(words)
    assert (done.status, done.err) == (0, ""), command
    return done.out


def test_the_page_leaves_what_it_says(operator: Operator) -> None:
    account = operator.store.account("acme")
    assert account is not None
    assert (account.carrier, account.default_callback) == ("airtel", "clevertap")
    assert account.templates.keys() == {"1107161234567890101"}
    assert account.senders.keys() == {"ACMEFD"}
    assert (account.short_domain, account.link_days) == ("hk.example/ACMEFD", 60)
    assert account.shorten_urls
    own = account.callbacks["own"]
    assert (own.header_names, own.has_token, own.signed) == (("x-key",), True, True)
    assert (own.concurrency, own.rate_per_s) == (20, 100)
    assert operator.messages.items.keys() == {(BATCH.id, "batch")}
    names = [row["username"] for row in operator("credential list acme --json").json()]
    assert names == ["acme-backend", "acme-clevertap"]


def test_no_command_is_outside_a_block() -> None:
    prose = _BLOCK.sub("", PAGE)
    assert re.findall(r"`harkara \w+ \w+", prose) == []


def test_the_permissions_are_what_the_commands_need(operator: Operator) -> None:
    listed = set(re.findall(r"`(\w+:\w+)`", PAGE.partition("Where the tables")[0]))
    made = {
        f"{service}:{part}"
        for service, aws in operator.services.items()
        for operation in aws.operations
        for part in PARTS.get(operation, (operation,))
    }
    assert listed == made | {"cloudformation:DescribeStacks"}
