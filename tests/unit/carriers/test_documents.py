"""Bodies that providers post, in every form; and the times in them."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harkara.base.errors import RequestRefused
from harkara.carriers.documents import document_of, names_in
from harkara.carriers.generic_http import parse_receipts
from harkara.carriers.kinds import KINDS
from harkara.carriers.receipts import ReceiptRequest
from harkara.carriers.times import UNREADABLE, time_of
from harkara.model.messages import State
from harkara.model.tasks import Receipt
from tests.unit.carrier_cases import MID, REFERENCE, SIGNER, settings_of

ENTRY = {"ref": REFERENCE, "state": "ok", "id": "A7"}
RECEIPTS = {"reference": "/ref", "state": "/state", "states": {"ok": "delivered"}}
FORM = "application/x-www-form-urlencoded"


def request(body: str | bytes = b"", content_type: str = "", **query: str) -> ReceiptRequest:
    raw = body.encode() if isinstance(body, str) else body
    headers = {"content-type": content_type} if content_type else {}
    return ReceiptRequest("POST", headers, {name: [value] for name, value in query.items()}, raw)


def receipts(asked: ReceiptRequest, **options: Any) -> list[Receipt]:
    settings = settings_of("http").model_dump()
    settings["http"]["receipts"] = {**RECEIPTS, **options}
    return parse_receipts(
        asked, type(settings_of("http")).model_validate(settings), SIGNER
    ).receipts


@pytest.mark.parametrize(
    ("asked", "options"),
    [
        pytest.param(request(json.dumps(ENTRY)), {}, id="JSON"),
        pytest.param(request(json.dumps([ENTRY]).encode("utf-16")), {}, id="UTF-16"),
        pytest.param(
            request(b"\xef\xbb\xbf" + json.dumps(ENTRY).encode()), {}, id="UTF-8 with a mark"
        ),
        pytest.param(request(f"state=ok&&ref={REFERENCE}&", FORM), {}, id="a stray &"),
        pytest.param(request(state="ok", ref=REFERENCE), {}, id="a query"),
        pytest.param(request("state=ok", ref=REFERENCE), {}, id="a form and a query"),
        pytest.param(
            request(f"data={json.dumps([ENTRY])}", FORM), {"entries": "/data"}, id="JSON in a form"
        ),
        pytest.param(
            request(f"response={json.dumps({'reports': [ENTRY]})}"),
            {"entries": "/response", "nested": "/reports"},
            id="JSON in a form, entries in it",
        ),
        pytest.param(
            request(json.dumps({"all": [{"ref": REFERENCE, "report": [{"state": "ok"}]}]})),
            {"entries": "/all", "nested": "/report"},
            id="entries in entries",
        ),
        pytest.param(
            request(f'<?xml version="1.0"?><r><sms ref="{REFERENCE}"><state>ok</state></sms></r>'),
            {"entries": "/r/sms"},
            id="XML",
        ),
        pytest.param(
            request(json.dumps(ENTRY).encode("utf-16-le")), {}, id="UTF-16 without a mark"
        ),
        pytest.param(request(json.dumps(json.dumps(ENTRY))), {}, id="JSON in JSON"),
        pytest.param(
            request(quote(json.dumps({**ENTRY, "text": "a=b&c"})), FORM), {}, id="JSON as a form"
        ),
        pytest.param(request(quote(json.dumps([ENTRY])) + "=", FORM), {}, id="JSON as a name"),
        pytest.param(request(f"?state=ok&ref={REFERENCE}"), {}, id="a form that begins as a query"),
        pytest.param(
            request(
                f"{json.dumps(ENTRY)}\r\n{json.dumps({**ENTRY, 'state': 'on its way'})}\n",
                "application/x-ndjson",
            ),
            {},
            id="JSON on lines",
        ),
        pytest.param(request(json.dumps(ENTRY, indent=2)), {}, id="JSON over lines"),
        pytest.param(
            request(f"xml=<sms><ref>{REFERENCE}</ref><state>ok</state></sms>", FORM),
            {"entries": "/xml", "nested": "/sms"},
            id="XML in a form",
        ),
        pytest.param(
            request(
                "--x\r\ncontent-disposition: form-data; name=ref\r\n\r\n"
                f"{REFERENCE}\r\n--x\r\n"
                "content-disposition: form-data; name=state\r\n\r\nok\r\n--x--",
                "multipart/form-data; boundary=x",
            ),
            {},
            id="multipart",
        ),
    ],
)
def test_a_receipt_is_read_in_every_form(asked: ReceiptRequest, options: dict[str, Any]) -> None:
    assert receipts(asked, **options) == [Receipt(MID, 2, State.DELIVERED, 0)]


def test_numbers_keep_their_digits() -> None:
    document = document_of(request('{"id": 123456789012345678901234567890, "at": 1.50}'))
    assert document == {"id": "123456789012345678901234567890", "at": "1.50"}


@pytest.mark.parametrize(
    "body",
    [
        "{",
        "[" * 100_000,
        "<a",
        '<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        '<?xml version="1.0" encoding="none"?><a/>',
        '"{',
        '"[1',
        "%7B",
        "{}\n{",
        "{\x00",
        "a=1&a=2&b=1&b=2&b=3",
    ],
)
def test_what_cannot_be_read_is_refused(body: str) -> None:
    with pytest.raises(RequestRefused):
        document_of(request(body))


@given(
    body=st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode()),
    content_type=st.sampled_from(["", FORM, "multipart/form-data; boundary=x", "text/xml"])
    | st.text(max_size=30),
    kind=st.sampled_from(["datasend", "kannel", "http", "aws"]),
)
def test_any_body_is_read_or_refused(body: bytes, content_type: str, kind: str) -> None:
    asked = request(body, content_type)
    for parse in (
        lambda: KINDS[kind].parse_receipts(asked, settings_of(kind), SIGNER),
        lambda: KINDS[kind].parse_inbound(asked, settings_of(kind)),
    ):
        try:
            parse()
        except RequestRefused:
            continue
    assert all(name.replace("_", "").replace("-", "").isalpha() for name in names_in(asked))


@pytest.mark.parametrize(
    "text",
    [
        "1795926605",
        "1795926605.9",
        "1795926605123",
        "1795926605123456",
        "1795926605123456789",
        "261129100005",
        "20261129100005",
        "2026-11-29 10:00:05",
        "2026-11-29T10:00:05+05:30",
        "2026-11-29T04:30:05Z",
        "2026-11-29T04:30:05.123456789Z",
        "2026/11/29 10:00:05",
        "29/11/2026 10:00:05",
        "29-11-2026 10:00:05",
        "29-Nov-2026 10:00:05",
        "Nov 29 2026 10:00:05AM",
        "Sun, 29 Nov 2026 04:30:05 GMT",
        "Sun Nov 29 10:00:05 IST 2026",
        " 2026-11-29 10:00:05 ",
        "2026-11-29 10:00:05 Asia/Kolkata",
        "2026-11-29T10:00:05[Asia/Calcutta]",
        "2026-11-29 06:30:05 Europe/Helsinki",
        "2026-11-29T10:00:05+05:30[Asia/Kolkata]",
        "Sun Nov 29 2026 10:00:05 GMT+0530 (India Standard Time)",
        "2026-11-29 10:00:05 GMT+5:30",
        "2026-11-29 10:00:05 UTC+05:30",
        "2026-11-29T10:00:05 05:30",
        "2026-11-29 10:00:05 0530",
        "Sat, 28 Nov 2026 20:30:05 PST",
        "Sun Nov 29 05:30:05 CET 2026",
        "/Date(1795926605123)/",
        "/Date(1795926605123+0530)/",
        "1.795926605E9",
        "1.795926605123E+12",
        "261129100005022+",
        "261128203005032-",
        "20261129100005123",
        "2026-11-29-10-00-05",
        "2026/11/29_10.00.05",
    ],
)
def test_a_time_is_read_in_the_forms_of_providers(text: str) -> None:
    assert time_of(text, 330) == 1795926605


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("202611291000", datetime(2026, 11, 29, 10, 0, tzinfo=UTC)),
        ("2611291000", datetime(2026, 11, 29, 10, 0, tzinfo=UTC)),  # as SMPP writes it
        ("11/12/2026 10:00", datetime(2026, 12, 11, 10, 0, tzinfo=UTC)),
        ("2026/12/11 10:00", datetime(2026, 12, 11, 10, 0, tzinfo=UTC)),
    ],
)
def test_a_date_has_its_day_before_its_month_unless_its_year_comes_first(
    text: str, expected: datetime
) -> None:
    assert time_of(text) == int(expected.timestamp())
    american = time_of("12/11/2026 10:00 AM", 0, "%m/%d/%Y %I:%M %p")
    assert datetime.fromtimestamp(american, UTC).month == 12


@pytest.mark.parametrize(
    "text",
    ["soon", "May", "99999999999999", "9" * 20, "-5", "१२", "1 jan 99999 00:00"]
    + ["2026-11-29 10:00:05 XYZ", "2026-11-29 10:00 Mars/Base", "2026-11-29 10:00:05 SLST"],
)
def test_what_is_no_time_is_told_apart_from_none(text: str) -> None:
    assert time_of(text) == UNREADABLE
    assert time_of("") == time_of(" ") == 0


@given(st.text(max_size=40), st.integers(-840, 840), st.sampled_from(["", "%d.%m.%Y", "%"]))
def test_any_text_is_a_time_or_none(text: str, offset: int, time_format: str) -> None:
    assert time_of(text, offset, time_format) >= UNREADABLE
