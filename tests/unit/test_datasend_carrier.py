"""A carrier that speaks datasend: what is sent, what an answer means, what a receipt says."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from pydantic_core import from_json, to_json

from harkara.carrier_settings import CarrierSecrets, CarrierSettings, hash_token
from harkara.carriers import connect
from harkara.codes import Code
from harkara.errors import ExchangeOutcomeUnknown, ExchangeUnreachable
from harkara.ids import ReferenceSigner, mid_of, new_chunk_id
from harkara.messages import Message
from harkara.ports import (
    Carrier,
    HttpAnswer,
    InDoubt,
    NotTaken,
    Outcome,
    Outside,
    Refused,
    Submission,
    Taken,
)
from tests.cases.reading import rows
from tests.fakes import no_texts

SETTINGS = CarrierSettings(
    name="sim",
    kind="datasend",
    url="https://carrier.example/datasend",
    username="harkara",
    secret=b"ciphertext",
    receipt_token_hashes=(hash_token("token"),),
    records_per_request=1000,
)
MESSAGE = Message("919876543210", "ACMEBK", "नमस्ते", "their ref", 0, 1, "1101", "1107")
SIGNER = ReferenceSigner(b"tag key")
MID = mid_of(new_chunk_id(1_767_258_000_000, bytes(10)), 3)
REFERENCE = SIGNER.sign(MID, 2)
KINDS_OF_OUTCOME: dict[str, Callable[..., Outcome]] = {
    "taken": lambda mid: Taken(mid),
    "refused": lambda code, carrier_code: Refused(Code(code), carrier_code),
    "not taken": lambda wait: NotTaken(wait),
    "failed": lambda wait: NotTaken(wait, failed=True),
    "in doubt": lambda: InDoubt(),
}
FAILED = NotTaken(failed=True)


class ScriptedExchange:
    """Answers with what it was given, one a request; notes the requests."""

    def __init__(self, *answers: HttpAnswer | Exception) -> None:
        self.answers = list(answers)
        self.requests: list[dict[str, Any]] = []
        self.open = self.most_open = 0
        self.gate: asyncio.Event | None = None

    async def __call__(
        self, method: str, url: str, headers: Mapping[str, str], content: bytes, timeout_s: float
    ) -> HttpAnswer:
        self.requests.append(
            {"method": method, "url": url, "headers": headers, "timeout_s": timeout_s}
            | {"body": from_json(content)}
        )
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        if self.gate:
            await self.gate.wait()
        self.open -= 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def submissions(count: int) -> list[Submission]:
    return [Submission(f"reference-{number}", MESSAGE) for number in range(count)]


def connected(exchange: ScriptedExchange, settings: CarrierSettings) -> Carrier:
    return connect(settings, CarrierSecrets('pa"ss'), Outside(exchange, no_texts))


def submit(
    exchange: ScriptedExchange, count: int, settings: CarrierSettings = SETTINGS
) -> list[Outcome]:
    return asyncio.run(connected(exchange, settings).submit(submissions(count)))


def taken(count: int = 1) -> HttpAnswer:
    return HttpAnswer(200, {}, to_json([{"mid": f"C{n}"} for n in range(count)]))


@pytest.mark.parametrize("row", rows("carrier_answers"))
def test_an_answer_means_an_outcome_for_each_record(row: dict[str, Any]) -> None:
    expected = [KINDS_OF_OUTCOME[kind](*rest) for kind, *rest in row["outcomes"]]
    body = row["text"].encode() if "text" in row else to_json(row["body"])
    answer = HttpAnswer(row.get("status", 200), row.get("headers", {}), body)
    outcomes = submit(ScriptedExchange(answer), len(expected))
    assert outcomes == expected
    assert list(map(type, outcomes)) == list(map(type, expected))


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        pytest.param(ExchangeUnreachable("refused"), FAILED, id="unreachable: not taken"),
        pytest.param(ExchangeOutcomeUnknown("reset"), InDoubt(), id="no clear answer: in doubt"),
    ],
)
def test_a_failure_on_the_way_is_an_outcome(error: Exception, outcome: Outcome) -> None:
    outcomes = submit(ScriptedExchange(error), 2)
    assert [(type(each), each) for each in outcomes] == [(type(outcome), outcome)] * 2


def test_a_request_is_in_the_documented_shape() -> None:
    exchange = ScriptedExchange(taken())
    submit(exchange, 1)
    assert exchange.requests == [
        {
            "method": "POST",
            "url": "https://carrier.example/datasend",
            "headers": {"content-type": "application/json"},
            "timeout_s": 15,
            "body": {
                "user": "harkara",
                "pass": 'pa"ss',
                "smstosend": [
                    {
                        "to": "919876543210",
                        "from": "ACMEBK",
                        "smstext": "नमस्ते",
                        "smsgid": "reference-0",
                        "peid": "1101",
                        "templateid": "1107",
                    }
                ],
            },
        }
    ]


def test_ids_of_dlt_are_sent_where_there_are_any() -> None:
    exchange = ScriptedExchange(taken())
    abroad = MESSAGE._replace(pe_id="", dlt_template_id="")
    asyncio.run(connected(exchange, SETTINGS).submit([Submission("r", abroad)]))
    (record,) = exchange.requests[0]["body"]["smstosend"]
    assert record.keys() == {"to", "from", "smstext", "smsgid"}


@pytest.mark.parametrize(
    ("field", "chain_hash", "sent"),
    [
        pytest.param("chainhash", "c0c9", {"chainhash": "c0c9"}, id="under the carrier's name"),
        pytest.param("", "c0c9", {}, id="the carrier wants none"),
        pytest.param("chainhash", "", {}, id="none is known"),
    ],
)
def test_the_chain_hash_goes_where_the_carrier_wants_it(
    field: str, chain_hash: str, sent: dict[str, str]
) -> None:
    exchange = ScriptedExchange(taken())
    settings = SETTINGS.model_copy(update={"chain_hash_field": field})
    submission = Submission("r", MESSAGE._replace(pe_id="", dlt_template_id=""), chain_hash)
    asyncio.run(connected(exchange, settings).submit([submission]))
    (record,) = exchange.requests[0]["body"]["smstosend"]
    plain = {"to": "919876543210", "from": "ACMEBK", "smstext": "नमस्ते", "smsgid": "r"}
    assert record == {**plain, **sent}


def test_the_customers_own_reference_stays_here() -> None:
    exchange = ScriptedExchange(taken())
    submit(exchange, 1)
    assert "their ref" not in json.dumps(exchange.requests[0]["body"], ensure_ascii=False)


def test_records_go_out_in_requests_of_the_set_size() -> None:
    exchange = ScriptedExchange(taken(2), ExchangeUnreachable("x"), taken(1))
    settings = SETTINGS.model_copy(update={"records_per_request": 2})
    outcomes = submit(exchange, 5, settings)
    assert [len(request["body"]["smstosend"]) for request in exchange.requests] == [2, 2, 1]
    assert outcomes == [Taken("C0"), Taken("C1"), FAILED, FAILED, Taken("C0")]


def test_nothing_to_submit_is_no_request() -> None:
    exchange = ScriptedExchange()
    assert submit(exchange, 0) == []
    assert exchange.requests == []


def test_no_more_requests_are_open_than_the_carrier_has_connections() -> None:
    exchange = ScriptedExchange(*[taken()] * 6)
    settings = SETTINGS.model_copy(update={"records_per_request": 1, "connections": 2})

    async def run() -> list[Outcome]:
        exchange.gate = asyncio.Event()
        submitting = asyncio.create_task(connected(exchange, settings).submit(submissions(6)))
        while len(exchange.requests) < 2:
            await asyncio.sleep(0)
        exchange.gate.set()
        return await submitting

    assert asyncio.run(run()) == [Taken("C0")] * 6
    assert exchange.most_open == 2


def test_what_gets_no_turn_in_time_was_not_taken() -> None:
    """The first holds the only connection; the second gives up before it has sent anything."""
    exchange = ScriptedExchange(taken())
    settings = SETTINGS.model_copy(
        update={"records_per_request": 1, "connections": 1, "timeout_s": 0.01}
    )

    async def run() -> list[Outcome]:
        exchange.gate = asyncio.Event()
        carrier = connected(exchange, settings)
        first = asyncio.create_task(carrier.submit(submissions(1)))
        while not exchange.requests:
            await asyncio.sleep(0)
        second = await carrier.submit(submissions(1))
        exchange.gate.set()
        return [*await first, *second]

    assert asyncio.run(run()) == [Taken("C0"), NotTaken()]
    assert len(exchange.requests) == 1


def test_a_turn_is_given_back_after_a_failure() -> None:
    exchange = ScriptedExchange(ExchangeUnreachable("x"), ExchangeOutcomeUnknown("x"), taken())
    settings = SETTINGS.model_copy(update={"records_per_request": 1, "connections": 1})
    assert submit(exchange, 3, settings) == [FAILED, InDoubt(), Taken("C0")]


def test_a_submit_takes_a_wait_and_a_request_at_the_most() -> None:
    settings = SETTINGS.model_copy(update={"timeout_s": 7})
    assert connected(ScriptedExchange(), settings).timeout_s == 14


# Receipts
