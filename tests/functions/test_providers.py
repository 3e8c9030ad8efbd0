"""Providers with presets, over HTTP: requests, answers, receipts and replies.

Each provider is a server (`tests.functions.documented`) that enforces its public pages.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from harkara.aws.carriers import CarrierDirectory
from harkara.base.errors import Outside
from harkara.carriers.contract import NotTaken, Outcome, Submission, Taken
from harkara.carriers.kinds import connect
from harkara.carriers.settings import CarrierSecrets, CarrierSettings
from harkara.model.messages import Category, Message
from harkara.model.suppressions import OPT_OUT_CATEGORIES
from harkara.model.tasks import CarrierReceiptsTask, QueueName, Receipt, ReceiptsTask, decode_dlr
from harkara.net.client import HttpClient
from harkara.text.segments import measure
from tests.functions.documented import Provider, online
from tests.functions.handlers import Gateway
from tests.functions.invoking import NOW
from tests.functions.posting import trust
from tests.support.fakes import no_texts
from tests.support.preset_cases import CASES, SECRET, TEXTS, SetUp, put, rows, sent
from tests.support.tokens import tokens
from tests.unit.carrier_cases import KINDS_OF_OUTCOME, MESSAGE, MID, REFERENCE, SIGNER
from tests.unit.carriers.test_signatures import token

T = TypeVar("T")
ENGLISH = MESSAGE._replace(text=TEXTS["english"])


@pytest.fixture(autouse=True)
def _trusting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    trust(monkeypatch, tmp_path)


def speak(provider: Provider, gateway: Gateway, talk: Callable[[HttpClient], Awaitable[T]]) -> T:
    """Run a conversation with a provider and our API, a minute after the message was accepted."""
    gateway.clock = lambda: NOW + 60  # type: ignore[method-assign]
    gateway.signer = SIGNER

    async def main() -> T:
        async with online(provider, gateway) as client:
            return await talk(client)

    return asyncio.run(main())


async def submit(client: HttpClient, carrier: SetUp, message: Message = ENGLISH) -> Outcome:
    """Submit a message as functions/submit does, with the stored settings."""
    outside = Outside(client, no_texts, tokens())
    connected = await CarrierDirectory(carrier.store, carrier.operator.client("kms"), outside)(
        "acme"
    )
    submission = Submission(REFERENCE, message, "", Category.OTP, "acme", 3600, (), int(NOW) + 3600)
    (outcome,) = await connected.carrier.submit([submission])
    return outcome


def outcome_of(name: str, answer: str) -> Outcome:
    kind, *rest = CASES[name]["answers"][answer]["outcome"]
    return KINDS_OF_OUTCOME[kind](*rest)


def queued(gateway: Gateway) -> list[tuple[str, Receipt]]:
    """Return the queued receipts, each with the carrier's id if it has no reference of ours."""
    found: list[tuple[str, Receipt]] = []
    for task in map(decode_dlr, gateway.bodies(QueueName.RECEIPT)):
        if isinstance(task, CarrierReceiptsTask):
            found += task.receipts
        else:
            assert isinstance(task, ReceiptsTask)
            found += [("", receipt) for receipt in task.receipts]
    return found


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("language", TEXTS)
def test_a_text_is_delivered_in_the_cheapest_encoding(
    name: str, language: str, gateway: Gateway, tmp_path: Path
) -> None:
    provider, carrier, text = Provider(CASES[name]), put(tmp_path, name), TEXTS[language]
    message = MESSAGE._replace(text=text)
    outcome = speak(provider, gateway, lambda client: submit(client, carrier, message))
    assert provider.complaints == []
    assert outcome == outcome_of(name, "taken")
    assert provider.visible == [(MESSAGE.to, text, measure(text).encoding)]
    assert provider.requests == [sent(name, language, carrier.receipt_url)]


@pytest.mark.parametrize("name", CASES)
def test_a_refusal_is_named(name: str, gateway: Gateway, tmp_path: Path) -> None:
    provider, carrier = Provider(CASES[name]), put(tmp_path, name)
    wrong = ENGLISH._replace(**CASES[name]["protocol"].get("wrong", {"to": "919876"}))
    outcome = speak(provider, gateway, lambda client: submit(client, carrier, wrong))
    assert outcome == outcome_of(name, "refused")
    assert (provider.requests, len(provider.complaints)) == ([], 1)


@pytest.mark.parametrize("name", CASES)
def test_no_message_is_lost_by_a_wrong_secret(name: str, gateway: Gateway, tmp_path: Path) -> None:
    provider, carrier = Provider(CASES[name]), put(tmp_path, name, secret="another")
    outcome = speak(provider, gateway, lambda client: submit(client, carrier))
    assert (outcome, provider.requests) == (outcome_of(name, "stranger"), [])
    assert CASES[name]["answers"]["stranger"]["outcome"][0] in ("not taken", "failed")


@pytest.mark.parametrize(("name", "key"), rows("answers", "taken", "refused", "stranger"))
def test_an_answer_is_read(name: str, key: str, gateway: Gateway, tmp_path: Path) -> None:
    provider, carrier = Provider(CASES[name], condition=key), put(tmp_path, name)
    outcome = speak(provider, gateway, lambda client: submit(client, carrier))
    expected = outcome_of(name, key)
    assert (type(outcome), outcome) == (type(expected), expected)


@pytest.mark.parametrize("name", CASES)
def test_a_provider_holds_us_to_its_pages(name: str, gateway: Gateway, tmp_path: Path) -> None:
    """It refuses a message that lacks a required field, or comes by another URL or method."""
    provider, carrier = Provider(CASES[name]), put(tmp_path, name)
    settings, secrets = carrier.settings, CarrierSecrets(SECRET, carrier.receipt_url)
    lacking = [_without(settings, each) for each in CASES[name]["protocol"]["body"]["required"]]
    elsewhere = [
        settings.model_copy(update={"url": f"{settings.url}x"}),
        _asking(settings, method="PUT"),
        _asking(settings, headers={"Content-Type": "text/plain"}),
    ]

    async def talk(client: HttpClient) -> list[Outcome]:
        outside = Outside(client, no_texts, tokens())
        submission = Submission(REFERENCE, ENGLISH)
        found = []
        for each in [*elsewhere, *lacking]:
            found += await connect(each, secrets, outside).submit([submission])
        return found

    outcomes = speak(provider, gateway, talk)
    assert outcomes[:3] == [NotTaken(failed=True)] * 3
    assert set(outcomes[3:]) <= {outcome_of(name, "refused"), outcome_of(name, "stranger")}
    assert provider.requests == []


def _without(settings: CarrierSettings, field: str) -> CarrierSettings:
    """Return settings whose requests lack a field."""
    assert settings.http is not None
    if xml := settings.http.xml_body:
        return _asking(settings, xml_body=xml.replace(field, f"{field}2"))
    body = "form" if settings.http.form else "json_body"
    fields: dict[str, Any] = getattr(settings.http, body)
    left = {name: value for name, value in fields.items() if name != field}
    assert left != fields
    return _asking(settings, **{body: left})


def _asking(settings: CarrierSettings, **options: Any) -> CarrierSettings:
    """Return settings with other options of its requests, unchecked."""
    assert settings.http is not None
    return settings.model_copy(update={"http": settings.http.model_copy(update=options)})


@pytest.mark.parametrize(("name", "key"), rows("receipts"))
def test_a_receipt_is_read(name: str, key: str, gateway: Gateway, tmp_path: Path) -> None:
    provider, carrier = Provider(CASES[name]), put(tmp_path, name)
    gateway.accounts.carriers["acme"] = carrier.settings
    row = CASES[name]["receipts"][key]

    async def talk(client: HttpClient) -> tuple[Outcome, int]:
        outcome = await submit(client, carrier)
        url = provider.receipt_url(carrier.receipt_url)
        return outcome, (await provider.post(client, url, row)).status

    outcome, status = speak(provider, gateway, talk)
    assert isinstance(outcome, Taken)
    assert status == 200
    if row["is"] is None:
        assert queued(gateway) == []
        return
    ((carrier_id, receipt),) = queued(gateway)
    echoes = carrier.settings.echoes_reference
    assert carrier_id == ("" if echoes else outcome.carrier_message_id)
    state, at_s, code, carrier_code = row["is"]
    whose = (MID, 2) if echoes else ("", 0)
    assert receipt[:6] == (*whose, state, at_s or NOW + 60, code, carrier_code)
    assert bool(receipt.segment) == (name == "vonage")
    assert receipt.words == row.get("words", receipt.words)
    assert bool(receipt.words) == (state != "delivered")


@pytest.mark.parametrize("name", CASES)
def test_a_reply_is_taken(name: str, gateway: Gateway, tmp_path: Path) -> None:
    row = CASES[name]["reply"]
    sender, receiver, *_ = row["is"]
    provider = Provider(CASES[name])
    carrier = put(tmp_path, name, "--inbound", f"{receiver.lstrip('+')}=sandbox")
    gateway.accounts.carriers["acme"] = carrier.settings
    url = carrier.receipt_url.replace("/receipts/", "/inbound/")
    answer = speak(provider, gateway, lambda client: provider.post(client, url, row))
    assert (answer.status, answer.body) == (200, b"")
    (entry,) = gateway.suppressions.entries("sandbox", [sender.lstrip("+")])
    assert (entry.categories, entry.since_s) == (OPT_OUT_CATEGORIES, row["is"][3] or NOW + 60)


def test_only_what_vonage_signed_is_let_in(gateway: Gateway, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("signature secret\n")
    more = ("--receipt-signature", "vonage", "--receipt-secret-file", str(secret))
    carrier, provider = put(tmp_path, "vonage", *more), Provider(CASES["vonage"])
    gateway.accounts.carriers["acme"] = carrier.settings
    row = CASES["vonage"]["receipts"]["delivered"]
    body, key = json.dumps(row["json"]).encode(), carrier.settings.receipt_secret

    async def talk(client: HttpClient) -> list[int]:
        tokens = (token(body, key), token(body, b"another"), token(b"{}", key), "")
        rows = [{**row, "headers": {"authorization": each}} for each in tokens]
        return [(await provider.post(client, carrier.receipt_url, each)).status for each in rows]

    assert speak(provider, gateway, talk) == [200, 401, 401, 401]
    assert len(queued(gateway)) == 1
