"""RCS providers with presets, by their public pages: requests, answers, receipts, revocations."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from harkara.base.codes import Code
from harkara.base.errors import HttpAnswer, Outside
from harkara.carriers.contract import Refused, Revocation, Submission
from harkara.carriers.kinds import connect, parse_receipts
from harkara.carriers.receipts import ReceiptRequest
from harkara.carriers.settings import CarrierSecrets
from harkara.model.messages import Message
from harkara.model.rcs import Channel, read_rcs
from tests.support.fakes import no_texts
from tests.support.preset_cases import RCS_CASES, SECRET, SetUp, put
from tests.unit.carrier_cases import (
    KINDS_OF_OUTCOME,
    MESSAGE,
    MID,
    REFERENCE,
    SIGNER,
    ScriptedExchange,
)


def message(content: Any) -> Message:
    return MESSAGE._replace(rcs=read_rcs(content))


def talk(carrier: SetUp, content: Any, *answers: HttpAnswer) -> tuple[list[Any], ScriptedExchange]:
    exchange = ScriptedExchange(*answers)
    secrets = CarrierSecrets(SECRET, carrier.receipt_url)
    connected = connect(carrier.settings, secrets, Outside(exchange, no_texts))
    submission = Submission(REFERENCE, message(content), validity_s=300)
    return asyncio.run(connected.submit([submission])), exchange


@pytest.mark.parametrize("name", RCS_CASES)
def test_the_rcs_content_is_sent_as_the_provider_takes_it(name: str, tmp_path: Path) -> None:
    carrier, case = put(tmp_path, name), RCS_CASES[name]
    taken = case["answers"]["taken"]
    outcome, exchange = talk(
        carrier, case["rcs"], HttpAnswer(taken["status"], {}, json.dumps(taken["body"]).encode())
    )
    assert outcome == [KINDS_OF_OUTCOME["taken"](*taken["outcome"][1:])]
    (request,) = exchange.requests
    sent = json.loads(json.dumps(case["sent"]).replace("$HOOK", carrier.receipt_url))
    assert {name: request[name] for name in ("method", "url", "headers")} == {
        name: sent[name] for name in ("method", "url", "headers")
    }
    assert json.loads(request["body"]) == sent["json"]


@pytest.mark.parametrize("name", RCS_CASES)
def test_content_that_the_provider_does_not_take_is_refused_unsent(
    name: str, tmp_path: Path
) -> None:
    outcome, exchange = talk(put(tmp_path, name), RCS_CASES[name]["not_taken"])
    assert outcome == [Refused(Code.TEMPLATE_NOT_REGISTERED, "")]
    assert exchange.requests == []


@pytest.mark.parametrize(
    ("name", "key"), [(name, key) for name, case in RCS_CASES.items() for key in case["answers"]]
)
def test_an_answer_is_read(name: str, key: str, tmp_path: Path) -> None:
    case = RCS_CASES[name]
    row = case["answers"][key]
    answer = HttpAnswer(row["status"], {}, json.dumps(row["body"]).encode())
    outcome, _ = talk(put(tmp_path, name), case["rcs"], answer)
    kind, *rest = row["outcome"]
    assert outcome == [KINDS_OF_OUTCOME[kind](*rest)]


@pytest.mark.parametrize(
    ("name", "key"), [(name, key) for name, case in RCS_CASES.items() for key in case["receipts"]]
)
def test_a_receipt_is_read(name: str, key: str, tmp_path: Path) -> None:
    carrier, row = put(tmp_path, name), dict(RCS_CASES[name]["receipts"][key])
    expected = row.pop("is")
    request = ReceiptRequest("POST", {}, {}, json.dumps(row).encode())
    found = parse_receipts(request, carrier.settings, SIGNER)
    if expected is None:
        assert (found.receipts, found.intermediate_count) == ([], 1)
        return
    (receipt,) = found.receipts
    state, at_s, code, carrier_code, read = expected
    assert receipt[:6] == (MID, 2, state, at_s, code, carrier_code)
    assert (receipt.channel, receipt.read) == (Channel.RCS, read)


@pytest.mark.parametrize("name", RCS_CASES)
def test_a_provider_without_a_request_to_revoke_keeps_what_it_took(
    name: str, tmp_path: Path
) -> None:
    carrier, exchange = put(tmp_path, name), ScriptedExchange()
    connected = connect(carrier.settings, CarrierSecrets(SECRET), Outside(exchange, no_texts))
    submission = Submission(REFERENCE, message(RCS_CASES[name]["rcs"]))
    said = asyncio.run(connected.revoke(submission, 10))
    assert (said, exchange.requests) == (Revocation(RCS_CASES[name]["revoke"]), [])
