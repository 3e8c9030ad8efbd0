"""docs/operations.md, "Restoring a table": the commands in order, on a table of a stack."""

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.deploy import client
from local.emulator import Emulator
from local.settings import ROOT, Ports
from local.venvs import ensure_venv
from tests.template.reading import template

STACK = "one-table"
SECTION = (ROOT / "docs" / "operations.md").read_text().partition("## Restoring a table\n")[2]
COMMANDS = re.findall(r"^    aws dynamodb (.+)$", SECTION.partition("\n## ")[0], re.MULTILINE)
TIME = "2026-11-29T10:00:00Z"


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    emulator = Emulator(ensure_venv("emulator"), tmp_path, Ports.free().emulator)
    emulator.start()
    yield emulator.url
    emulator.kill()


def body(**more: Any) -> str:
    """Return the template reduced to one table, as CloudFormation takes it."""
    parts = {name: template()[name] for name in ("Parameters", "Conditions")}
    table = {"Messages": template()["Resources"]["MessagesTable"]}
    outputs = {"Table": {"Value": {"Ref": "Messages"}}}
    return json.dumps({**parts, "Resources": table, "Outputs": outputs, **more})


def run(dynamodb: Any, command: str, names: dict[str, str]) -> Any:
    """Run a command of the AWS CLI through the SDK's method of the same name."""
    for name, value in names.items():
        command = re.sub(rf"\b{name}\b", value, command)
    operation, *words = shlex.split(command)
    waits = operation == "wait" and words.pop(0)
    options = dict(zip(words[::2], words[1::2], strict=True))
    fields = {
        "".join(part.title() for part in option.removeprefix("--").split("-")): of_cli(value)
        for option, value in options.items()
    }
    if waits:
        return dynamodb.get_waiter(waits.replace("-", "_")).wait(**fields)
    return getattr(dynamodb, operation.replace("-", "_"))(**fields)


def of_cli(value: str) -> Any:
    """Parse a CLI value; `a=b,c=true` is a structure."""
    if "=" not in value:
        return value
    pairs = (pair.split("=") for pair in value.split(","))
    return {name: each == "true" if each in ("true", "false") else each for name, each in pairs}


def test_a_restored_table_is_the_stacks_as_before(url: str) -> None:
    """Restore before the damage is done: the emulator keeps no past states."""
    cloudformation, dynamodb = client("cloudformation", url), client("dynamodb", url)
    cloudformation.create_stack(StackName=STACK, TemplateBody=body())
    cloudformation.get_waiter("stack_create_complete").wait(StackName=STACK)
    (stack,) = cloudformation.describe_stacks(StackName=STACK)["Stacks"]
    table = stack["Outputs"][0]["OutputValue"]
    kept = {"pk": {"S": "kept"}, "sk": {"S": "1"}, "data": {"S": "x"}}
    key = {name: kept[name] for name in ("pk", "sk")}
    dynamodb.put_item(TableName=table, Item=kept)
    described = dynamodb.describe_table(TableName=table)["Table"]

    names = {"TABLE": table, "TIME": TIME}
    for command in COMMANDS:
        answer = run(dynamodb, command, names)
        if command.startswith("restore-table-to-point-in-time"):
            dynamodb.delete_item(TableName=table, Key=key)
        if command.startswith("create-backup"):
            names["BACKUP"] = answer["BackupDetails"]["BackupArn"]

    assert dynamodb.get_item(TableName=table, Key=key)["Item"] == kept
    restored = dynamodb.describe_table(TableName=table)["Table"]
    for same in ("TableArn", "KeySchema", "AttributeDefinitions"):
        assert restored[same] == described[same]
    lives = dynamodb.describe_time_to_live(TableName=table)["TimeToLiveDescription"]
    assert lives["AttributeName"] == "ttl"
    backups = dynamodb.describe_continuous_backups(TableName=table)["ContinuousBackupsDescription"]
    recovery = backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"]
    assert recovery == "ENABLED"
    assert dynamodb.list_tables()["TableNames"] == [table]

    cloudformation.update_stack(StackName=STACK, TemplateBody=body(Description="another"))
    cloudformation.get_waiter("stack_update_complete").wait(StackName=STACK)
    assert dynamodb.get_item(TableName=table, Key=key)["Item"] == kept


def test_the_runbook_ends_with_all_that_the_template_says_of_a_table() -> None:
    properties = template()["Resources"]["MessagesTable"]["Properties"]
    words = " ".join(COMMANDS)
    assert "update-time-to-live" in words
    assert properties["TimeToLiveSpecification"] == {"AttributeName": "ttl", "Enabled": True}
    assert "PointInTimeRecoveryEnabled=true" in words
