"""Check and send: slices of a file are checked, and sent once."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.screens import campaign
from harkara.base.codes import MEANINGS, Code
from tests.functions.handlers import Gateway
from tests.functions.visiting_console import signed_in, visit
from tests.support.people import changes

PATH = "/console/send/slice"
KEY = "ab" * 32
ROWS = 'Mobile,Message,Ref\n919876543210,Hello,a\nx,Hello,b\n919876543211,"two\nlines ₹",c\n'
FIELDS = {"from": "ACMEBK", "action": "check", "rows": ROWS, "first": "2"}


@pytest.fixture
def cookie(gateway: Gateway) -> str:
    return signed_in(gateway, "marketer")


def post(gateway: Gateway, cookie: str, **fields: str) -> tuple[int, Any]:
    answer = visit(gateway, "POST", PATH, fields={**FIELDS, **fields}, cookie=cookie)
    return answer["statusCode"], json.loads(answer["body"])


def test_a_check_says_what_would_become_of_each_row_and_sends_nothing(
    gateway: Gateway, cookie: str
) -> None:
    status, report = post(gateway, cookie, first="1002")
    assert status == 200
    assert (report["accepted"], report["refused"], report["segments"]) == (2, 1, 2)
    refused, odd = report["rows"]
    assert (refused["row"], refused["code"], refused["client_ref"]) == (1003, "INVALID_NUMBER", "b")
    assert (odd["row"], odd["refused"]) == (1004, False)
    assert "character 11 (U+20B9)" in odd["encoding_reason"]
    assert not gateway.queues.waiting


def test_a_slice_is_sent_once_from_however_many_tabs(gateway: Gateway, cookie: str) -> None:
    sent = [post(gateway, cookie, action="send", key=f"{KEY}-0") for _ in range(3)]
    assert all(each == sent[0] for each in sent)
    assert sent[0][1]["accepted"] == 2
    assert len(gateway.queues.waiting) == 1
    post(gateway, cookie, action="send", key=f"{KEY}-1")
    assert len(gateway.queues.waiting) == 2
    status, report = post(gateway, cookie, action="send", key=f"{KEY}-0", rows=f"{ROWS}9,x,y\n")
    assert status == 409
    assert "another request" in report["error"]
    actions = {entry.action for entry in changes(gateway.people)}
    assert actions == {"campaign.send"}
    assert "98765" not in str(changes(gateway.people))


def test_rows_that_are_all_refused_are_reported_and_not_sent(gateway: Gateway, cookie: str) -> None:
    status, report = post(gateway, cookie, action="send", key=f"{KEY}-0", rows="to,text\nx,y\n")
    assert (status, report["accepted"], report["refused"]) == (200, 0, 1)
    assert not gateway.queues.waiting


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"action": "send", "key": ""}, Code.INVALID_REQUEST),
        ({"action": "send", "key": "other"}, Code.INVALID_REQUEST),
        ({"rows": ""}, Code.INVALID_CSV),
        ({"rows": "to,text\n"}, Code.NO_RECORDS),
        ({"rows": "name,text\nx,y\n"}, Code.INVALID_CSV),
        ({"rows": "to,<b>,text\nx,y,z\n"}, Code.INVALID_CSV),
        ({"rows": "to,mobile\nx,y\n"}, Code.INVALID_CSV),
        ({"rows": "to,text\n" + "1,2\n" * 1001}, Code.TOO_MANY_RECORDS),
        ({"rows": "<html>"}, Code.INVALID_CSV),
    ],
)
def test_a_slice_that_cannot_be_read_is_refused(
    fields: dict[str, str], code: Code, gateway: Gateway, cookie: str
) -> None:
    status, report = post(gateway, cookie, **fields)
    assert status == 400
    assert report["error"].startswith(MEANINGS[code].advice)
    assert "<b>" not in report["error"]


PASTED = {
    "a table of a spreadsheet": ("Mobile\tMessage\n919876543210\tHi\n+91 98765 43211\tHo", {}, 2),
    "numbers in lines, and a text": ("919876543210\r\n+91 98765-43211\r\n", {"text": "Hi"}, 2),
    "numbers with commas": ("919876543210, 919876543211;919876543212", {"text": "Hi"}, 3),
    "numbers below a name": ("Phone\n919876543210\n", {"text": "Hi"}, 1),
    "numbers, and a template": (
        "to,var1\n919876543210,7\n",
        {"template_id": "1107160000000000007", "from": "SAMPLE"},
        1,
    ),
}


@pytest.mark.parametrize(("pasted", "shared", "accepted"), PASTED.values(), ids=PASTED)
def test_what_is_pasted_is_checked_and_sent_without_a_file(
    pasted: str, shared: dict[str, str], accepted: int, gateway: Gateway, cookie: str
) -> None:
    gateway.put_samples()
    form = {"from": "ACMEBK", **shared, "pasted": pasted}
    for action, waiting in (("check", 0), ("send", 1), ("send", 1)):
        fields = {**form, "action": action}
        answer = visit(gateway, "POST", "/console/send", fields=fields, cookie=cookie)
        assert f'data-count="accepted">{accepted}<' in answer["body"]
        assert 'data-count="refused">0<' in answer["body"]
        assert len(gateway.queues.waiting) == waiting


@pytest.mark.parametrize("pasted", ["", "  \n", "Hello to all of you", "<script>", "{}"])
def test_a_paste_that_is_no_list_comes_back_with_what_is_expected(
    pasted: str, gateway: Gateway, cookie: str
) -> None:
    fields = {"pasted": pasted, "text": "Hi", "from": "ACMEBK", "action": "send"}
    answer = visit(gateway, "POST", "/console/send", fields=fields, cookie=cookie)
    assert answer["statusCode"] == 400
    assert 'id="pasted-problem"' in answer["body"]
    assert not gateway.queues.waiting


@given(
    st.lists(st.sampled_from(["919876543210", "+91 98765 43210", "(91) 9-8", "1"]), min_size=1),
    st.sampled_from(["\n", "\r\n", ",", ", ", ";", "\t", "\n\n", " | "]),
)
def test_numbers_alone_are_read_each_in_its_order(numbers: list[str], between: str) -> None:
    found = campaign.read(between.join(numbers).encode(), {"text": "Hi"})
    assert [each["to"].strip() for each in found.messages] == numbers
    assert [*found.rows] == [*range(1, len(numbers) + 1)]


def test_variables_and_templates_come_from_columns(gateway: Gateway, cookie: str) -> None:
    gateway.put_samples()
    rows = "to,template_id,var1\n919876543210,1107160000000000007,7\n"
    status, report = post(gateway, cookie, rows=rows, **{"from": "SAMPLE"})
    assert (status, report["accepted"]) == (200, 1), report


def test_without_scripts_a_file_of_one_slice_goes_by_the_form(
    gateway: Gateway, cookie: str
) -> None:
    def multipart(action: str) -> bytes:
        parts = {"action": action, "from": "ACMEBK", "category": "", "campaign_id": "x"}
        named = [
            f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in parts.items()
        ]
        file = '--b\r\nContent-Disposition: form-data; name="file"; filename="f.csv"\r\n\r\n'
        return f"{''.join(named)}{file}{ROWS}\r\n--b--\r\n".encode()

    kind = "multipart/form-data; boundary=b"
    for action, waiting in (("check", 0), ("send", 1), ("send", 1)):
        answer = visit(
            gateway,
            "POST",
            "/console/send",
            fields=multipart(action),
            cookie=cookie,
            content_type=kind,
        )
        assert answer["statusCode"] == 200
        assert 'data-count="refused">1<' in answer["body"]
        assert len(gateway.queues.waiting) == waiting
