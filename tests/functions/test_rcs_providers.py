"""RCS providers with presets, by their public pages: requests, answers, receipts, revocations."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from harkara.base.codes import Code
from harkara.base.errors import HttpAnswer, Outside
from harkara.base.ids import uuid_of
from harkara.carriers.contract import Refused, Revocation, Submission
from harkara.carriers.generic_http import parse_receipts
from harkara.carriers.kinds import connect
from harkara.carriers.receipts import ReceiptRequest
from harkara.carriers.settings import CarrierSecrets
from harkara.model.messages import Message
from harkara.model.rcs import Channel, read_rcs
from tests.support.fakes import no_texts
from tests.support.google import CLIENT_TOKEN, service_account, signed_event
from tests.support.preset_cases import RCS_CASES, SECRET, SetUp, put
from tests.support.tokens import tokens
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


def secret_of(name: str) -> str:
    """Return a carrier's secret, the key of a service account where the provider takes one."""
    return service_account().file if "login" in RCS_CASES[name] else SECRET


def set_up(name: str, folder: Path) -> SetUp:
    (folder / "client-token").write_text(CLIENT_TOKEN)
    signed = ("--receipt-secret-file", str(folder / "client-token"))
    return put(
        folder, name, *(signed if "login" in RCS_CASES[name] else ()), secret=secret_of(name)
    )


class Talk:
    """A carrier whose provider gives these answers, after those to logins."""

    def __init__(self, name: str, folder: Path, *answers: HttpAnswer) -> None:
        self.carrier = set_up(name, folder)
        login = RCS_CASES[name].get("login")
        self.exchange = ScriptedExchange(*([given(200, login)] if login else []), *answers)
        secrets = CarrierSecrets(secret_of(name), self.carrier.receipt_url)
        outside = Outside(self.exchange, no_texts, tokens())
        self.connected = connect(self.carrier.settings, secrets, outside)

    def submit(self, content: Any) -> list[Any]:
        submission = Submission(REFERENCE, message(content), validity_s=300)
        return asyncio.run(self.connected.submit([submission]))

    @property
    def sent(self) -> list[dict[str, Any]]:
        """The requests without logins, as in the rows."""
        names = ("method", "url", "headers")
        return [
            {**{name: each[name] for name in names}, **({"json": json.loads(body)} if body else {})}
            for each in self.exchange.requests
            for body in [each["body"]]
            if "assertion=" not in body
        ]


def given(status: int, body: Any) -> HttpAnswer:
    return HttpAnswer(status, {}, json.dumps(body).encode())


@pytest.mark.parametrize("name", RCS_CASES)
def test_the_rcs_content_is_sent_as_the_provider_takes_it(name: str, tmp_path: Path) -> None:
    case = RCS_CASES[name]
    taken = case["answers"]["taken"]
    talk = Talk(name, tmp_path, given(taken["status"], taken["body"]))
    assert talk.submit(case["rcs"]) == [KINDS_OF_OUTCOME["taken"](*taken["outcome"][1:])]
    sent = json.dumps(case["sent"]).replace("$HOOK", talk.carrier.receipt_url)
    assert talk.sent == [json.loads(sent)]


@pytest.mark.parametrize("name", RCS_CASES)
def test_content_that_the_provider_does_not_take_is_refused_unsent(
    name: str, tmp_path: Path
) -> None:
    talk = Talk(name, tmp_path)
    assert talk.submit(RCS_CASES[name]["not_taken"]) == [Refused(Code.TEMPLATE_NOT_REGISTERED, "")]
    assert talk.exchange.requests == []


@pytest.mark.parametrize(
    ("name", "key"), [(name, key) for name, case in RCS_CASES.items() for key in case["answers"]]
)
def test_an_answer_is_read(name: str, key: str, tmp_path: Path) -> None:
    case = RCS_CASES[name]
    row = case["answers"][key]
    kind, *rest = row["outcome"]
    talk = Talk(name, tmp_path, given(row["status"], row["body"]))
    assert talk.submit(case["rcs"]) == [KINDS_OF_OUTCOME[kind](*rest)]


@pytest.mark.parametrize(
    ("name", "key"), [(name, key) for name, case in RCS_CASES.items() for key in case["receipts"]]
)
def test_a_receipt_is_read(name: str, key: str, tmp_path: Path) -> None:
    settings, row = set_up(name, tmp_path).settings, dict(RCS_CASES[name]["receipts"][key])
    expected = row.pop("is")
    request = ReceiptRequest("POST", {}, {}, json.dumps(row).encode())
    if "login" in RCS_CASES[name]:
        request = signed_event(**row)
    found = parse_receipts(request, settings, SIGNER)
    assert (found.foreign_count, found.unknown_count) == (0, 0)
    if expected is None:
        assert (found.receipts, found.intermediate_count) == ([], 1)
        return
    (receipt,) = found.receipts + [each for _, each in found.by_carrier_id]
    state, at_s, code, carrier_code, read = expected
    whose = (MID, 2) if settings.echoes_reference else ("", 0)
    assert receipt[:6] == (*whose, state, at_s, code, carrier_code)
    assert (receipt.channel, receipt.read) == (Channel.RCS, read)
    assert settings.echoes_reference or found.by_carrier_id[0][0] == uuid_of(REFERENCE)


@pytest.mark.parametrize("name", RCS_CASES)
@pytest.mark.parametrize(
    ("status", "said"),
    [(200, Revocation.REVOKED), (404, Revocation.KEPT), (500, Revocation.UNKNOWN)],
)
def test_a_provider_with_a_request_to_revoke_answers_it_and_another_keeps_what_it_took(
    name: str, status: int, said: Revocation, tmp_path: Path
) -> None:
    revoked = RCS_CASES[name].get("revoked")
    talk = Talk(name, tmp_path, given(status, {}))
    submission = Submission(REFERENCE, message(RCS_CASES[name]["rcs"]))
    found = asyncio.run(talk.connected.revoke(submission, 10))
    assert found == (said if revoked else Revocation.KEPT)
    assert talk.sent == ([revoked] if revoked else [])
