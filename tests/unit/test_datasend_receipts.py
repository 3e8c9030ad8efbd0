"""What a carrier that speaks datasend says of a message: its receipts."""

from typing import Any

import pytest
from pydantic_core import to_json

from harkara.carriers import KINDS, datasend, parse_receipts
from harkara.carriers.datasend import FAILURES, STATES
from harkara.codes import Code
from harkara.errors import RequestRefused
from harkara.ids import ReferenceSigner
from harkara.messages import State
from harkara.ports import HttpAnswer, ReceiptRequest, ReceivedReceipts, Refused
from harkara.tasks import Receipt
from tests.cases.reading import rows
from tests.unit.test_datasend_carrier import (
    MID,
    REFERENCE,
    SETTINGS,
    SIGNER,
    ScriptedExchange,
    submit,
)


def receipts_of(body: object) -> ReceivedReceipts:
    raw = body if isinstance(body, bytes) else to_json(body)
    return parse_receipts(ReceiptRequest("POST", {}, {}, raw), SETTINGS, SIGNER)


@pytest.mark.parametrize("row", rows("carrier_receipts"))
def test_a_receipt_is_read(row: dict[str, Any]) -> None:
    received = receipts_of({"smsgid": REFERENCE, **row["entry"]})
    if row["receipt"] == "intermediate":
        assert received == ReceivedReceipts([], intermediate_count=1)
    elif row["receipt"] == "unknown":
        assert received == ReceivedReceipts([], unknown_count=1)
    else:
        state, *rest = row["receipt"]
        assert received == ReceivedReceipts([Receipt(MID, 2, State(state), *rest)], 0, 0)


def test_an_array_holds_receipts_of_all_kinds() -> None:
    body = [
        {"smsgid": REFERENCE, "status": "DELIVRD", "ts": 7},
        {"smsgid": REFERENCE, "status": "ENROUTE"},
        {"smsgid": REFERENCE[:-1] + "_", "status": "DELIVRD"},
        {"smsgid": SIGNER.sign(MID, 1), "status": "EXPIRED", "ts": 8},
    ]
    assert receipts_of(body) == ReceivedReceipts(
        [
            Receipt(MID, 2, State.DELIVERED, 7),
            Receipt(MID, 1, State.EXPIRED, 8, Code.EXPIRED),
        ],
        intermediate_count=1,
        foreign_count=1,
    )


def test_an_empty_array_holds_nothing() -> None:
    assert receipts_of([]) == ReceivedReceipts([], 0, 0)


@pytest.mark.parametrize(
    "entry",
    [
        pytest.param({"smsgid": ReferenceSigner(b"x").sign(MID, 2)}, id="a forged tag"),
        pytest.param({"smsgid": MID}, id="no tag"),
        pytest.param({"smsgid": ""}, id="an empty reference"),
        pytest.param({}, id="no reference"),
        pytest.param({"smsgid": None}, id="null"),
        pytest.param({"smsgid": [REFERENCE]}, id="an array"),
        pytest.param({"mid": REFERENCE}, id="the reference elsewhere"),
    ],
)
def test_a_receipt_with_another_reference_is_foreign(entry: dict[str, Any]) -> None:
    assert receipts_of({**entry, "status": "DELIVRD"}) == ReceivedReceipts([], 0, 1)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"smsgid=1&status=DELIVRD", id="a form"),
        pytest.param(b'{"smsgid": "\xff"}', id="no utf-8"),
        pytest.param(b'[{"smsgid": "x"', id="cut"),
        pytest.param("DELIVRD", id="a string"),
        pytest.param(None, id="null"),
    ],
)
def test_what_has_not_the_shape_is_refused(body: object) -> None:
    with pytest.raises(RequestRefused) as refused:
        receipts_of(body)
    assert refused.value.code is Code.INVALID_RECEIPT


def test_a_long_code_of_the_carrier_is_cut() -> None:
    entry = {"smsgid": REFERENCE, "status": "UNDELIV", "code": "x" * 5000}
    assert receipts_of(entry).receipts[0].carrier_code == "x" * 64
    (refused,) = submit(ScriptedExchange(HttpAnswer(200, {}, to_json([{"Error": "y" * 99}]))), 1)
    assert refused == Refused(Code.REFUSED_BY_CARRIER, "y" * 64)


def test_the_table_of_states_is_smpps() -> None:
    """SMPP 3.4 section 5.2.28; ENROUTE and ACCEPTED are not final."""
    final = {name for name, state in STATES.items() if state is not None}
    assert set(STATES) - final == {"ENROUTE", "ACCEPTD"}
    assert final == {"DELIVRD", "EXPIRED", "DELETED", "UNDELIV", "UNKNOWN", "REJECTD"}


@pytest.mark.parametrize("status", [name for name, state in STATES.items() if state is not None])
def test_every_final_state_that_is_not_delivered_has_a_code(status: str) -> None:
    (receipt,) = receipts_of({"smsgid": REFERENCE, "status": status}).receipts
    assert (receipt.code == "") is (receipt.state is State.DELIVERED)
    assert receipt.code == "" or Code(receipt.code)


def test_failures_are_named_by_plain_numbers() -> None:
    """`parse_receipts` takes zeros away in front: a key with one would never be found."""
    assert all(name.isdecimal() and not name.startswith("0") for name in FAILURES)


def test_every_kind_of_carrier_can_be_connected_and_read() -> None:
    assert set(KINDS) == {"aws", "datasend"}
    assert KINDS["datasend"] == (
        datasend.DatasendCarrier,
        datasend.parse_receipts,
        datasend.answer,
    )


def test_an_odd_entry_does_not_lose_its_neighbours() -> None:
    received = receipts_of([{"smsgid": REFERENCE, "status": "DELIVRD", "ts": 1}, None, 7, []])
    assert [receipt.state for receipt in received.receipts] == [State.DELIVERED]
    assert received.foreign_count == 3


def test_a_null_code_is_no_code() -> None:
    entry = {"smsgid": REFERENCE, "status": "UNDELIV", "ts": 1, "code": None}
    assert receipts_of(entry).receipts[0].carrier_code == ""


def test_a_time_of_five_thousand_digits_is_no_time() -> None:
    entry = {"smsgid": REFERENCE, "status": "DELIVRD", "ts": "9" * 5000}
    assert receipts_of(entry).receipts[0].at_s == 0
