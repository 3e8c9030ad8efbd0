"""docs/carriers.md: its options are those that there are, and its examples work."""

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from cli import preset_files as presets
from harkara.base.errors import HttpAnswer, Outside, TextAnswer
from harkara.carriers.contract import Submission, Taken
from harkara.carriers.http_exchange_options import AnswerOptions, LoginOptions, RevokeOptions
from harkara.carriers.http_options import (
    HttpOptions,
    InboundOptions,
    ReceiptOptions,
    SuggestionOptions,
    TemplateOptions,
    ValidityOptions,
)
from harkara.carriers.http_placeholders import PLACEHOLDERS
from harkara.carriers.kinds import KINDS, connect
from harkara.carriers.settings import AwsOptions, CarrierSecrets, CarrierSettings, KannelOptions
from harkara.model.messages import Category, Message
from harkara.model.suppressions import Source
from harkara.model.tasks import QueueName, ReceiptsTask, decode_dlr
from local import kannel
from tests.functions.handlers import Gateway
from tests.functions.integrating import PE_ID, TEMPLATE_ID, TEXT
from tests.functions.invoking import NOW
from tests.functions.pages import event_of, fill, message_of
from tests.local.command_pages import commands, run, write_files
from tests.local.operators import Operator
from tests.support.command_line import COMMON, verbs
from tests.support.documents import PAGES, blocks, section, table
from tests.support.google import service_account
from tests.support.option_tables import cells
from tests.unit.carrier_cases import MID, REFERENCE, SIGNER, ScriptedExchange

PAGE = PAGES["docs/carriers.md"]
MODELS: dict[str, type[BaseModel]] = {
    "kannel option": KannelOptions,
    "aws option": AwsOptions,
    "http option": HttpOptions,
    "answer option": AnswerOptions,
    "login option": LoginOptions,
    "receipts option": ReceiptOptions,
    "inbound option": InboundOptions,
    "validity option": ValidityOptions,
    "template option": TemplateOptions,
    "revoke option": RevokeOptions,
    "suggestions option": SuggestionOptions,
}
MESSAGE = Message("919876543210", "ACMEBK", TEXT, "order-4711", None, 1, PE_ID, TEMPLATE_ID)
TWO_DAYS_S = 2 * 86_400


@pytest.mark.parametrize("title", MODELS)
def test_a_table_of_options_is_that_of_the_model(title: str) -> None:
    written = {name.strip("`"): rest[:2] for name, *rest in table(PAGE, title)}
    assert written == cells(MODELS[title])


def test_the_settings_are_the_options_of_the_command() -> None:
    put = verbs()["carrier put"]
    options = {
        parameter: words[0] for parameter, words in put.items() if words and parameter not in COMMON
    }
    written = {name.strip("`"): rest[:2] for name, *rest in table(PAGE, "option")}
    assert written.keys() == set(options.values())
    fields = cells(CarrierSettings) | {
        "kind": ["`datasend`", ", ".join(f"`{kind}`" for kind in KINDS)]
    }
    for parameter, option in options.items():
        if parameter in fields and parameter not in KINDS:
            assert sorted(written[option][1].split()) == sorted(fields[parameter][1].split())
            assert written[option][0] == fields[parameter][0]


def test_the_presets_are_those_that_the_command_knows() -> None:
    written = [
        [name.strip("`"), provider, username, secret]
        for name, provider, username, secret, _ in table(PAGE, "preset")
    ]
    known = [(name, presets.read_preset(name)) for name in presets.NAMES]
    assert written == [[name, each.provider, each.username, each.secret] for name, each in known]
    for (*_, variables), (_, preset) in zip(table(PAGE, "preset"), known, strict=True):
        assert all(f"`{name}`" in variables for name in preset.variables)
        assert all(f"(`{value}`)" in variables for value in preset.defaults.values())


def test_the_placeholders_are_those_that_there_are() -> None:
    written = " ".join(names for names, _ in table(PAGE, "placeholder"))
    assert {each.strip("`{},") for each in written.split()} == PLACEHOLDERS


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_files(tmp_path, PAGE)
    (tmp_path / "service-account.json").write_text(service_account().file)
    (tmp_path / "client-token").write_text("cl1ent-t0ken")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_all_commands_of_the_page_are_done() -> None:
    operator = Operator()
    for line in commands(PAGE):
        run(operator, line)
    other = operator.store.carrier("other")
    assert other is not None
    assert other.signature_header == "x-signature"


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("kind", KINDS)
def test_the_example_of_a_kind_is_sent_answered_reported_and_replied_to(
    kind: str, gateway: Gateway
) -> None:
    text, operator = section(PAGE, f"## {kind}"), Operator()
    (put, *_) = commands(text)
    receipt_url = run(operator, put, "--json").json()["receipt_url"]
    name = put.split()[3]
    settings = operator.store.carrier(name)
    assert settings is not None
    assert settings.kind == kind
    found = dict(blocks(_filled(text, receipt_url)))
    outcome, sent = _submitted(settings, found, receipt_url)
    assert outcome == Taken("" if kind == "kannel" else "C1")
    assert sent == _written(found["json sent" if kind == "aws" else "http sent"])
    gateway.signer, gateway.clock = SIGNER, lambda: NOW + 60  # type: ignore[method-assign]
    gateway.accounts.carriers[name] = settings.model_copy(update={"inbound": {"56161": "sandbox"}})
    assert gateway.call("receipt", event_of(found["http receipt"]))["statusCode"] == 200
    (task,) = map(decode_dlr, gateway.bodies(QueueName.RECEIPT))
    assert isinstance(task, ReceiptsTask)
    ((mid, _, state, at_s, *_),) = task.receipts
    assert (mid, state, at_s) == (MID, "delivered", 1_767_258_002)
    assert gateway.call("inbound", event_of(found["http inbound"]))["statusCode"] == 200
    (entry,) = gateway.suppressions.entries("sandbox", [MESSAGE.to])
    assert entry.source is Source.OPT_OUT


def _filled(text: str, receipt_url: str) -> str:
    values = {"RECEIPT_URL": receipt_url, "TOKEN": receipt_url.rpartition("/")[2]}
    for name, value in {**values, "REFERENCE": REFERENCE}.items():
        text = text.replace(name, value)
    return text


def _submitted(
    settings: CarrierSettings, found: Mapping[str, str], receipt_url: str
) -> tuple[object, Any]:
    """Submit the page's message; return the outcome and what was sent."""
    line, headers, body = message_of(found.get("http answer", "200"))
    exchange, calls = ScriptedExchange(HttpAnswer(int(line), headers, body.encode())), list[Any]()

    async def texts(region: str, request: Mapping[str, Any], timeout_s: float) -> TextAnswer:
        calls.append(request)
        return TextAnswer(200, message_id="C1")

    carrier = connect(settings, CarrierSecrets("PASSWORD", receipt_url), Outside(exchange, texts))
    expires_at_s = 1_767_258_000 + TWO_DAYS_S
    category = Category.SERVICE_IMPLICIT
    submission = Submission(REFERENCE, MESSAGE, "", category, "acme", TWO_DAYS_S, (), expires_at_s)
    (outcome,) = asyncio.run(carrier.submit([submission]))
    for each in exchange.requests:
        calls.append(
            [f"{each['method']} {each['url']}", each["headers"], _json_or_text(each["body"])]
        )
    (sent,) = calls
    return outcome, sent


def _written(block: str) -> Any:
    if block.startswith("{"):
        return json.loads(block)
    line, headers, body = message_of(block)
    return [line, headers, _json_or_text(body)]


def _json_or_text(body: str) -> Any:
    return json.loads(body) if body.startswith("{") else body


def test_kannels_configuration_is_that_of_the_tests_with_kannel_itself() -> None:
    (written,) = [content for marks, content in blocks(PAGE) if marks == "ini"]
    configured = kannel._CONFIGURATION + kannel._TLV_GROUPS
    tried = [set(group.splitlines()) for group in configured.split("\n\n")]
    values = {"{user}": "harkara", "{password}": "PASSWORD", "{max_messages}": "10"}
    tried = [{fill(line, values) for line in group} for group in tried]
    for group in written.split("\n\n"):
        assert any(set(group.strip().splitlines()) <= each for each in tried)
