"""SAM's translator runs in a venv of its own, once for each template."""

from pathlib import Path
from typing import Any, NoReturn

import pytest

from local import translator
from local.settings import ROOT, LocalStackError
from local.venvs import REQUIREMENTS
from tests.template.reading import template

TEXT = "Resources:\n  Queue: {Type: 'AWS::SQS::Queue', Properties: {QueueName: !Ref Stage}}\n"


def refuse(*_: object) -> NoReturn:
    raise AssertionError("the translator was asked")


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(translator, "KEPT", tmp_path / "kept")
    return tmp_path / "kept"


def test_the_template_is_read_as_any_reader_of_short_forms_has_it() -> None:
    assert translator.load((ROOT / "template.yaml").read_text()) == template()


def test_a_date_stays_a_text() -> None:
    assert translator.load("Version: 2012-10-17") == {"Version": "2012-10-17"}


def test_what_was_made_once_is_not_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = translator.load(TEXT)
    made = translator.to_cloudformation(loaded)
    monkeypatch.setattr(translator, "ensure_venv", refuse)
    assert translator.load(TEXT) == loaded
    assert translator.to_cloudformation(loaded) == made
    with pytest.raises(AssertionError, match="was asked"):
        translator.load(f"# a note\n{TEXT}")


@pytest.mark.parametrize("changed", ["translator.txt", "program.py"])
def test_another_translator_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, changed: str
) -> None:
    lock, program = tmp_path / "translator.txt", tmp_path / "program.py"
    lock.write_text((REQUIREMENTS / "translator.txt").read_text())
    program.write_text(translator.PROGRAM.read_text())
    monkeypatch.setattr(translator, "REQUIREMENTS", tmp_path)
    monkeypatch.setattr(translator, "PROGRAM", program)
    translator.load(TEXT)
    monkeypatch.setattr(translator, "ensure_venv", refuse)
    translator.load(TEXT)
    (tmp_path / changed).write_text((tmp_path / changed).read_text() + "# changed\n")
    with pytest.raises(AssertionError, match="was asked"):
        translator.load(TEXT)


NO_CODE: dict[str, Any] = {
    "Resources": {
        "SendFunction": {
            "Type": "AWS::Serverless::Function",
            "Properties": {"CodeUri": "functions/send", "Handler": "app.handler"},
        }
    }
}


def test_a_template_that_cannot_be_read_or_translated_is_named_with_its_fault(kept: Path) -> None:
    with pytest.raises(LocalStackError, match=r"template\.yaml.* load .*expected"):
        translator.load("Resources: [")
    with pytest.raises(LocalStackError, match=r"template\.yaml.* translate .*SendFunction"):
        translator.to_cloudformation(NO_CODE)
    assert not kept.exists()
