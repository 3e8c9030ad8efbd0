"""Carriers' receipts, by kind: their meaning, and the answer to the carrier."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.carriers.kinds import answer, parse_receipts
from harkara.carriers.receipts import ReceiptRequest, ReceivedReceipts
from harkara.model.messages import State
from harkara.model.tasks import Receipt
from tests.unit.carrier_cases import CASES, MID, SIGNER, rows, settings_of


def receipt_request(row: Mapping[str, Any]) -> ReceiptRequest:
    body = row.get("body", "")
    raw = body.encode("latin-1") if isinstance(body, str) else json.dumps(body).encode()
    query = {name: [value] if isinstance(value, str) else value
             for name, value in row.get("query", {}).items()}  # fmt: skip
    return ReceiptRequest(row.get("method", "POST"), row.get("headers", {}), query, raw)


def received_of(row: Mapping[str, Any]) -> ReceivedReceipts:
    return ReceivedReceipts(
        [Receipt(MID, attempt, State(state), *rest) for attempt, state, *rest in row["receipts"]],
        row.get("intermediate", 0),
        row.get("foreign", 0),
        row.get("unknown", 0),
        tuple(
            (carrier_id, Receipt("", 0, State(state), *rest))
            for carrier_id, state, *rest in row.get("by_carrier_id", ())
        ),
    )


@pytest.mark.parametrize(("kind", "row"), rows(CASES, "receipts"))
def test_receipts_are_read(kind: str, row: dict[str, Any]) -> None:
    settings = settings_of(kind, **row.get("carrier", {}))
    if row.get("refused"):
        with pytest.raises(RequestRefused) as refused:
            parse_receipts(receipt_request(row), settings, SIGNER)
        assert refused.value.code is Code.INVALID_RECEIPT
    else:
        received = parse_receipts(receipt_request(row), settings, SIGNER)
        assert received == received_of({"receipts": [], **row})


@pytest.mark.parametrize("kind", CASES)
def test_every_final_state_that_is_not_delivered_has_a_code(kind: str) -> None:
    seen = set()
    for row in CASES[kind]["receipts"].values():
        if row.get("refused"):
            continue
        settings = settings_of(kind, **row.get("carrier", {}))
        for receipt in parse_receipts(receipt_request(row), settings, SIGNER).receipts:
            assert (receipt.code == "") is (receipt.state is State.DELIVERED)
            assert receipt.code == "" or Code(receipt.code)
            seen.add(receipt.state)
    assert {State.DELIVERED, State.FAILED, State.EXPIRED} <= seen


@pytest.mark.parametrize("kind", CASES)
def test_a_carrier_hears_what_it_wants(kind: str) -> None:
    hears = CASES[kind]["hears"]
    receipt = Receipt(MID, 1, State.DELIVERED, 7)
    received = answer(ReceivedReceipts([receipt], 2, 3, 4), settings_of(kind))
    assert (received.status, dict(received.headers), received.body.decode()) == (
        hears["status"],
        {"content-type": hears["type"]},
        hears["body"],
    )
