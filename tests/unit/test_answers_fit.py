"""An answer about accepted or changed records never exceeds Lambda's 6 MB."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harkara.accept.formats import ics, native
from harkara.accept.requests import Record, RecordResult, SendRequest
from harkara.base.codes import MEANINGS, Code
from harkara.base.errors import RequestRefused
from harkara.base.json import encode
from harkara.manage.registry import ImportedRow, RowResult, report_of
from harkara.manage.template_csv import ROW_LIMIT, parse
from harkara.model.accounts import Account
from harkara.model.messages import RECORD_LIMIT, Category, Message

# AWS Lambda Developer Guide, "Lambda quotas": 6 MB a synchronous answer.
ANSWER_LIMIT_BYTES = 6_291_556
ACCOUNT = Account(id="acme", name="Acme", carrier="sim")
WORDIEST = max(Code, key=lambda code: len(MEANINGS[code].advice))


def event_bytes(body: bytes) -> int:
    """Return the size that Lambda counts: an answer is JSON that holds its body as a string."""
    headers = {"Content-Type": "application/json"}
    return len(encode({"statusCode": 200, "headers": headers, "body": body.decode()}))


@pytest.mark.parametrize("character", ["x", "\x00", '"', "\\", "न", "😀"])
@pytest.mark.parametrize("form", ["ics", "native"])
def test_the_answer_to_a_thousand_records_of_any_length(character: str, form: str) -> None:
    long = character * 5_000
    record = Record(long, long, "Hello", long, long, long)
    request = SendRequest([record] * RECORD_LIMIT)
    results = [RecordResult("", WORDIEST)] * (RECORD_LIMIT - 1) + [RecordResult("M" * 29)]
    if form == "ics":
        body = ics.answer(request, results)
    else:
        body = native.answer(ACCOUNT, request, results)
    assert event_bytes(body) < ANSWER_LIMIT_BYTES


@pytest.mark.parametrize("character", ["x", "\x00", '"', "न"])
@pytest.mark.parametrize(
    ("count", "lengths"),
    [(1, (10, 3_200_000)), (RECORD_LIMIT, (10, 700, 6_500))],
    ids=["one", "a thousand"],
)
def test_a_dry_run_is_refused_only_where_its_texts_do_not_fit(
    count: int, lengths: tuple[int, ...], character: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They may be longer than the request, which can name a template and no text."""
    refusals = []
    for length in lengths:
        message = Message("919876543210", "ACMEBK", character * length, "ref", None, 1)
        request = SendRequest([Record("919876543210", "ACMEBK")] * count, single=count == 1)
        results = [RecordResult("", message=message, category=Category.OTP)] * count
        with monkeypatch.context() as unlimited:
            unlimited.setattr(native, "ANSWER_LIMIT_BYTES", math.inf)
            whole = event_bytes(native.answer(ACCOUNT, request, results, dry_run=True))
        if whole > 0.985 * ANSWER_LIMIT_BYTES:  # sizes in between may go either way
            with pytest.raises(RequestRefused, match="BODY_TOO_LARGE") as refused:
                native.answer(ACCOUNT, request, results, dry_run=True)
            assert refused.value.message.endswith("in more than 6 MB: try fewer at a time)")
            refusals.append(length)
        else:
            body = native.answer(ACCOUNT, request, results, dry_run=True)
            assert event_bytes(body) == whole
    assert lengths[0] not in refusals
    assert lengths[-1] in refusals


def wordiest_row() -> str:
    """Return the longest warning that a template of a file can have."""
    text = "## ??? {#var#}"
    rounded = "1107170000000000000"
    content = f"{rounded},VM-acmefd-S,Others,{rounded},{text}"
    (row,) = parse(f"Template ID,Header,Type,PE ID,Content\n{content}".encode())
    assert row.template
    return row.warning


ROWS = [
    ImportedRow(ROW_LIMIT, "1" * 19, RowResult.UNCHANGED),
    ImportedRow(ROW_LIMIT, "1" * 19, RowResult.CREATED, wordiest_row()),
    ImportedRow(ROW_LIMIT, "1" * 19, RowResult.SKIPPED, "Status: not approved (pending)"),
    ImportedRow(ROW_LIMIT, "", RowResult.REFUSED, 'Status: Approved, not "' + "न" * 40 + '"'),
]


@given(st.lists(st.integers(0, ROW_LIMIT), min_size=4, max_size=4), st.integers(0, ROW_LIMIT))
@settings(max_examples=10)
def test_the_report_of_an_import_keeps_what_needs_a_look(shares: list[int], turn: int) -> None:
    total = max(1, sum(shares))
    report = [
        row
        for row, share in zip(ROWS, shares, strict=True)
        for _ in range(share * ROW_LIMIT // total)
    ]
    report = report[turn:] + report[:turn]
    answered = report_of(report)
    assert event_bytes(encode(answered)) < ANSWER_LIMIT_BYTES
    visible, left_out = answered["rows"], answered["left_out"]
    assert sum(answered[result] for result in RowResult) == len(report) == len(visible) + left_out
    if left_out:
        needy = [row._asdict() for row in report if row.problem]
        assert visible == needy[: len(visible)]
        whole = encode([row._asdict() for row in report])
        assert event_bytes(whole) > ANSWER_LIMIT_BYTES * 0.98


def test_the_longest_report_leaves_rows_out() -> None:
    answered = report_of([ROWS[1]] * ROW_LIMIT)
    assert answered["created"] == ROW_LIMIT
    assert 0 < answered["left_out"] < ROW_LIMIT // 2
