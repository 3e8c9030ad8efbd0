"""Providers that are set up by name, spoken with as their public pages say.

tests/cases/presets has a file for each: a request, answers, receipts and a reply, with the pages'
titles. `$TO`, `$TEXT`, `$REF`, `$HOOK` stand for a message's number, text and reference, and for
the URL of receipts.
"""

import asyncio
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from _pytest.mark import ParameterSet

from harkara.carrier_settings import CarrierSecrets, CarrierSettings
from harkara.carriers import connect, parse_inbound, parse_receipts
from harkara.exchanges import Outside
from harkara.messages import Category
from harkara.received import InboundMessage, ReceiptRequest
from harkara.submissions import Submission, Taken
from harkara.tasks import Receipt
from local.admin import preset_files as presets
from tests.fakes import no_texts
from tests.local.operators import Operator
from tests.unit.carrier_cases import (
    KINDS_OF_OUTCOME,
    MESSAGE,
    MID,
    RECEIPT_URL,
    REFERENCE,
    SIGNER,
    ScriptedExchange,
)
from tests.unit.test_carriers import http_answer, submit

FOLDER = Path(__file__).parent.parent / "cases" / "presets"
TEXTS = {"english": "123456 is your code", "hindi": "123456 आपका कोड है"}
SECRETS = CarrierSecrets("s3cret", RECEIPT_URL)


def load(name: str) -> dict[str, Any]:
    text = (FOLDER / f"{name}.json").read_text()
    for placeholder, value in {"$TO": MESSAGE.to, "$REF": REFERENCE, "$HOOK": RECEIPT_URL}.items():
        text = text.replace(placeholder, value)
    case: dict[str, Any] = json.loads(text)
    return case


CASES = {path.stem: load(path.stem) for path in sorted(FOLDER.glob("*.json"))}


def rows(section: str) -> list[ParameterSet]:
    return [
        pytest.param(name, row, id=f"{name}: {key}")
        for name, case in CASES.items()
        for key, row in case[section].items()
    ]


def put(operator: Operator, folder: Path, name: str, *more: str) -> CarrierSettings:
    """Return the carrier that the command sets up by a preset."""
    case = CASES[name]
    words = ["carrier", "put", "acme", "--preset", name, "--secret-file", "-", "--json"]
    if presets.read_preset(name).username:
        words += ["--username", case["username"]]
    if "with" in case:
        words += ["--with", *case["with"]]
    if "templates" in case:
        (folder / "templates.json").write_text(json.dumps(case["templates"]))
        words += ["--templates", str(folder / "templates.json")]
    done = operator.run([*words, *more], io.StringIO("s3cret\n"))
    assert (done.status, done.err) == (0, "")
    carrier = operator.store.carrier("acme")
    assert carrier is not None
    return carrier


@pytest.fixture(scope="module")
def carriers(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, CarrierSettings]:
    folder = tmp_path_factory.mktemp("presets")
    return {name: put(Operator(), folder, name) for name in CASES}


def test_every_preset_has_cases() -> None:
    assert set(CASES) == set(presets.NAMES)
    assert len(CASES) >= 13


# The command


def test_presets_are_listed_without_a_deployment() -> None:
    operator = Operator()
    listed = operator("carrier presets --json").json()
    assert [row["preset"] for row in listed] == presets.NAMES
    assert all(row["provider"] and row["secret"] for row in listed)
    assert operator.services == {}
    one = operator("carrier presets exotel --json").json()
    assert "Send SMS; SMS Status Codes" in one["source"]
    assert [each["with"] for each in one["variables"]] == ["sid", "host"]
    assert [each["otherwise"] for each in one["variables"]] == ["", "api.in.exotel.com"]
    assert "ExoPhone" in one["at the provider"]


@pytest.mark.parametrize("name", presets.NAMES)
def test_a_preset_names_its_pages_and_what_it_asks_for(name: str) -> None:
    preset = presets.read_preset(name)
    assert preset.source == CASES[name]["source"]
    used = set(presets.variables_in(preset.carrier))
    assert used == preset.variables.keys()
    assert preset.defaults.keys() <= preset.variables.keys()
    assert bool(preset.username) == bool(CASES[name]["username"])


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("--preset exotel", "the preset exotel takes --with sid=... (Account SID"),
        ("--preset exotel --with sid=a zone=b", "has no variable zone: it has sid, host"),
        ("--preset exotel --with sid", "write it as sid=acme1"),
        ("--preset exotel --with sid=", "write it as sid=acme1"),
        ("--preset twilio --with sid=a", "has no variable sid: it has none"),
        ("--preset nobody", "invalid choice: 'nobody'"),
        ("--with sid=a", "--with is for the variables of a --preset"),
        ("--preset twilio", "it takes --username, --secret-file"),
        ("--preset textlocal", "it takes --secret-file"),
        ("--preset exotel --with sid={to}", "it takes --username"),
        ("--preset msg91-flow --secret-file -", "takes the provider's templates (--templates)"),
    ],
)
def test_what_a_preset_lacks_is_said_in_a_line(line: str, says: str) -> None:
    operator = Operator()
    done = operator(f"carrier put acme {line}")
    assert (done.status, done.out, done.err.count("\n")) == (2, "", 1)
    assert says in done.err
    assert operator.table.items == {}


def test_what_is_given_goes_before_the_preset(tmp_path: Path) -> None:
    carrier = put(
        Operator(), tmp_path, "textlocal", "--url", "https://here.example/", "--timeout", "7"
    )
    assert (carrier.url, carrier.timeout_s) == ("https://here.example/", 7)
    assert carrier.http is not None
    assert carrier.http.form["apikey"] == "{password}"


def test_braces_of_a_variable_are_no_placeholders() -> None:
    fields = presets.carrier_fields("exotel", {"sid": "{to}"})
    assert fields["url"] == "https://api.in.exotel.com/v1/Accounts/{{to}}/Sms/send.json"


def test_the_notes_say_what_to_do_at_the_provider() -> None:
    operator = Operator()
    done = operator("carrier put acme --preset msg91 --secret-file - --json", "s3cret\n").json()
    assert "SMS, Webhook" in done["at the provider"]
    assert done["receipt_url"].startswith("https://api.example/receipts/acme/")


# The protocol


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("language", TEXTS)
def test_a_message_goes_out_as_documented_in_the_cheapest_encoding(
    name: str, language: str, carriers: Mapping[str, CarrierSettings]
) -> None:
    case, text = CASES[name], TEXTS[language]
    exchange = ScriptedExchange(http_answer(case["answers"]["taken"]))
    message = MESSAGE._replace(text=text)
    submission = Submission(REFERENCE, message, "", Category.OTP, "acme", 3600)
    carrier = connect(carriers[name], SECRETS, Outside(exchange, no_texts))
    outcomes = asyncio.run(carrier.submit([submission]))
    assert outcomes == [Taken(case["answers"]["taken"]["outcome"][1])]
    (request,) = exchange.requests
    sent = case["sent"]
    assert (request["method"], request["url"]) == ("POST", sent["url"])
    assert request["headers"].items() >= sent.get("headers", {}).items()
    body = dict(parse_qsl(request["body"])) if "form" in sent else json.loads(request["body"])
    expected = json.loads(
        json.dumps(sent.get("form", sent.get("json")))
        .replace("$TEXT", text)
        .replace("$WORDS", text[7:])
    )
    if language == "hindi":
        for pointer, value in case["hindi"].items():
            *parents, last = pointer.strip("/").split("/")
            place = expected
            for parent in parents:
                place = place[int(parent)] if isinstance(place, list) else place[parent]
            place[last] = value
    assert body == expected


@pytest.mark.parametrize(("name", "row"), rows("answers"))
def test_an_answer_is_read(
    name: str, row: Mapping[str, Any], carriers: Mapping[str, CarrierSettings]
) -> None:
    kind, *rest = row["outcome"]
    expected = KINDS_OF_OUTCOME[kind](*rest)
    submission = Submission(REFERENCE, MESSAGE._replace(text=TEXTS["english"]))
    (outcome,) = submit(carriers[name], ScriptedExchange(http_answer(row)), submission)
    assert (type(outcome), outcome) == (type(expected), expected)


def request_of(row: Mapping[str, Any]) -> ReceiptRequest:
    if "query" in row:
        return ReceiptRequest("GET", {}, {name: [row["query"][name]] for name in row["query"]}, b"")
    if "form" in row:
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return ReceiptRequest("POST", headers, {}, urlencode(row["form"]).encode())
    headers = {"content-type": "application/json"}
    return ReceiptRequest("POST", headers, {}, json.dumps(row["json"]).encode())


@pytest.mark.parametrize(("name", "row"), rows("receipts"))
def test_a_receipt_is_read(
    name: str, row: Mapping[str, Any], carriers: Mapping[str, CarrierSettings]
) -> None:
    received = parse_receipts(request_of(row), carriers[name], SIGNER)
    if row["is"] is None:
        assert (received.intermediate_count, received.unknown_count) == (1, 0)
        return
    if carriers[name].echoes_reference:
        (receipt,) = received.receipts
        assert (receipt.mid, receipt.attempt) == (MID, 2)
    else:
        ((carrier_id, receipt),) = received.by_carrier_id
        assert carrier_id == CASES[name]["answers"]["taken"]["outcome"][1]
    assert receipt[:-1] == Receipt(receipt.mid, receipt.attempt, *row["is"])[:-1]
    assert bool(receipt.segment) == (name == "vonage")


@pytest.mark.parametrize("name", CASES)
def test_a_reply_is_read(name: str, carriers: Mapping[str, CarrierSettings]) -> None:
    row = CASES[name]["reply"]
    received = parse_inbound(request_of(row), carriers[name])
    assert list(received.messages) == [InboundMessage(*row["is"])]


@pytest.mark.parametrize("name", CASES)
def test_each_provider_delivers_fails_refuses_and_throttles(name: str) -> None:
    case = CASES[name]
    assert {"delivered", "failed"} <= case["receipts"].keys()
    outcomes = {row["outcome"][0] for row in case["answers"].values()}
    assert {"taken", "refused", "not taken"} <= outcomes
