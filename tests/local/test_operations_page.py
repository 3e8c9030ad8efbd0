"""Every command of docs/operations.md is run, in order and unchanged."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from harkara.aws.messages import DynamoMessageStore
from harkara.base.time import DAY_S
from harkara.model.accounts import Account, Limits
from harkara.model.messages import pack
from tests.local.command_pages import run, write_files
from tests.local.operators import Operator
from tests.support.command_line import COMMON, verbs
from tests.support.documents import PAGES, blocks, section, table
from tests.support.option_tables import cells
from tests.unit import dispatching
from tests.unit.scripted_aws import ScriptedAws

PAGE = PAGES["docs/operations.md"]
# Of the account and the message whose commands the page has.
BATCH = replace(dispatching.BATCH, id="101M80PKPVGTZQN98QP2VKS1J18")
# Operations without an action of their own in IAM, and the actions that they need.
PARTS = {
    "TransactWriteItems": ("PutItem", "UpdateItem", "DeleteItem"),
    "SendMessageBatch": ("SendMessage",),
}


@pytest.fixture(scope="module")
def operator(tmp_path_factory: pytest.TempPathFactory) -> Operator:
    """Return an operator after all commands of the page, in a folder with the page's files."""
    folder = tmp_path_factory.mktemp("operations")
    write_files(folder, PAGE)
    operator, printed = Operator(), ""
    others = ScriptedAws("dynamodb", operator.messages)
    store = DynamoMessageStore(others.client, "Messages", retention_s=DAY_S, clock=operator.clock)
    store.put_batch(BATCH.id, pack(BATCH), BATCH.due_at_ms)
    for number in range(3):
        operator.park(number, callback="own")
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.chdir(folder)
        for marks, content in blocks(PAGE):
            language, _, file = marks.partition(" ")
            match language:
                case "csv":
                    assert Path(file).read_text() == content
                case "text":
                    assert printed == content
                case "sh":
                    for command in content.splitlines():
                        printed = run(operator, command).out
                case _:
                    raise AssertionError(f"no test reads a block of {language}")
    return operator


def test_the_page_leaves_what_it_says(operator: Operator) -> None:
    account = operator.store.account("acme")
    assert account is not None
    assert (account.carrier, account.default_callback) == ("airtel", "clevertap")
    assert account.templates.keys() == {"1107161234567890101", "1107161234567890104"}
    assert account.senders.keys() == {"ACMEFD"}
    assert (account.short_domain, account.link_days) == ("hk.example/{header}", 60)
    assert account.shorten_urls
    own = account.callbacks["own"]
    assert (own.header_names, own.has_token, own.signed) == (("x-key",), True, True)
    assert (own.concurrency, own.rate_per_s) == (20, 100)
    assert operator.messages.items.keys() == {(BATCH.id, "batch")}
    names = [row["username"] for row in operator("credential list acme --json").json()]
    assert names == ["acme-backend", "acme-clevertap"]


def test_no_command_is_outside_a_block() -> None:
    prose = PAGE
    for each in blocks(PAGE):
        prose = prose.replace(each.content, "")
    assert re.findall(r"`harkara \w+ \w+", prose) == []


def test_the_permissions_are_what_the_commands_need(operator: Operator) -> None:
    listed = set(re.findall(r"`(\w+:\w+)`", PAGE.partition("Where the tables")[0]))
    made = {
        f"{service}:{part}"
        for service, aws in operator.services.items()
        for operation in aws.operations
        for part in PARTS.get(operation, (operation,))
    }
    # The page erases nothing that is under way: that is cancelled by PartiQL's INSERT.
    others = {"dynamodb:PartiQLInsert", "s3:ListBucket", "s3:DeleteObject"}
    # SQS moves dead letters in the name of whoever asks for it.
    others |= {"sqs:DeleteMessage"}
    assert listed == made | {"cloudformation:DescribeStacks"} | others


def test_the_table_of_an_account_has_each_option_with_its_default() -> None:
    written = {
        option.strip("`"): default
        for option, default, _ in table(section(PAGE, "## An account"), "option")
    }
    durations = dict.fromkeys(("duplicate_window_s", "otp_cooldown_s"), ["`0s`"])
    fields = {**cells(Account), **cells(Limits), **durations}
    assert written == {
        words[0]: fields[parameter][0]
        for parameter, words in verbs()["account set"].items()
        if words and parameter not in COMMON
    }
