"""Carriers' receipts, by kind: their meaning, and the answer to the carrier."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.carriers.kinds import KINDS
from harkara.carriers.receipts import (
    WORDS_LIMIT_BYTES,
    ReceiptRequest,
    ReceivedReceipts,
    words_of,
)
from harkara.model.messages import State
from harkara.model.tasks import Receipt
from tests.unit.carrier_cases import CASES, MID, REFERENCE, SIGNER, rows, settings_of


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
            KINDS[settings.kind].parse_receipts(receipt_request(row), settings, SIGNER)
        assert refused.value.code is Code.INVALID_RECEIPT
    else:
        received = KINDS[settings.kind].parse_receipts(receipt_request(row), settings, SIGNER)
        own = [*received.receipts, *(each for _, each in received.by_carrier_id)]
        assert all(bool(each.words) == (each.state is not State.DELIVERED) for each in own)
        bare = received._replace(
            receipts=[each._replace(words="") for each in received.receipts],
            by_carrier_id=tuple(
                (name, each._replace(words="")) for name, each in received.by_carrier_id
            ),
        )
        assert bare == received_of({"receipts": [], **row})


@pytest.mark.parametrize("kind", CASES)
def test_every_final_state_that_is_not_delivered_has_a_code(kind: str) -> None:
    seen = set()
    for row in CASES[kind]["receipts"].values():
        if row.get("refused"):
            continue
        settings = settings_of(kind, **row.get("carrier", {}))
        for receipt in (
            KINDS[settings.kind].parse_receipts(receipt_request(row), settings, SIGNER).receipts
        ):
            assert (receipt.code == "") is (receipt.state is State.DELIVERED)
            assert receipt.code == "" or Code(receipt.code)
            seen.add(receipt.state)
    assert {State.DELIVERED, State.FAILED, State.EXPIRED} <= seen


@pytest.mark.parametrize("kind", CASES)
def test_a_carrier_hears_what_it_wants(kind: str) -> None:
    hears = CASES[kind]["hears"]
    receipt = Receipt(MID, 1, State.DELIVERED, 7)
    received = KINDS[kind].answer(ReceivedReceipts([receipt], 2, 3, 4), settings_of(kind))
    assert (received.status, dict(received.headers), received.body.decode()) == (
        hears["status"],
        {"content-type": hears["type"]},
        hears["body"],
    )


OF_AWS = {"eventType": "TEXT_BLOCKED", "isFinal": True, "context": {"reference": REFERENCE}}
WORDED: dict[str, tuple[str, dict[str, Any], str]] = {
    "aws, by its description": (
        "aws",
        {"body": {**OF_AWS, "messageStatusDescription": "Blocked for +919876543210"}},
        "Blocked for ...",
    ),
    "aws, by its event without one": ("aws", {"body": OF_AWS}, "TEXT_BLOCKED"),
    "datasend, by its status": (
        "datasend",
        {"body": [{"smsgid": REFERENCE, "status": "undeliv", "code": "650"}]},
        "UNDELIV",
    ),
    "kannel, by the SMSC's state and not by the message's text": (
        "kannel",
        {"query": {"ref": REFERENCE, "d": "2", "a": "id:1 stat:UNDELIV err:001 text:Dear Asha"}},
        "UNDELIV",
    ),
    "kannel, by the SMSC's answer": (
        "kannel",
        {"query": {"ref": REFERENCE, "d": "16", "a": "NACK/0x0000000b/Invalid Destination"}},
        "NACK/0x0000000b/Invalid Destination",
    ),
    "kannel, without the number in it": (
        "kannel",
        {"query": {"ref": REFERENCE, "d": "16", "a": "NACK/11/No route to +91 98765-43210 now"}},
        "NACK/11/No route to ... now",
    ),
}


@pytest.mark.parametrize("name", WORDED)
def test_a_carriers_words_are_passed_on(name: str) -> None:
    kind, row, words = WORDED[name]
    (receipt,) = (
        KINDS[kind].parse_receipts(receipt_request(row), settings_of(kind), SIGNER).receipts
    )
    assert receipt.words == words


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("  absent \r\n subscriber\t", "absent subscriber"),
        ("DND for 919876543210", "DND for ..."),
        ("DND for +91 (98765) 43210.", "DND for ...."),
        ("0x00000045 and 12345678", "0x00000045 and 12345678"),
        ("asha@acme.example wrote", "... wrote"),
        ("see https://acme.example/?key=not-a-real-key now", "see ... now"),
        (f"no message {REFERENCE}", "no message ..."),
        ("password: hunter2 is wrong", "... is wrong"),
        ('{"api_key": "not-real"}', '{"...'),
        ("अनुपलब्ध ग्राहक", "अनुपलब्ध ग्राहक"),
        ("a\x00b\ud800c", "abc"),
    ],
)
def test_words_are_one_line_without_what_is_private(text: str, kept: str) -> None:
    assert words_of(text) == kept


@given(st.text(), st.from_regex(r"[0-9]{9,15}", fullmatch=True), st.text())
def test_words_are_bounded_and_hold_no_number(before: str, number: str, behind: str) -> None:
    words = words_of(f"{before}{number}{behind}")
    assert len(words.encode()) <= WORDS_LIMIT_BYTES
    assert number not in words
    assert words.isprintable()
    assert words == words.strip()
