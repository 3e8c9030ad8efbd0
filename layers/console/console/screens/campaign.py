"""Check and send: messages of a CSV or pasted, which the browser sends in slices of 1,000 rows.

A slice is first checked, then sent under a key made of the file's hash and the slice's number: a
second click, a second tab and a page opened again send nothing twice. Without scripts a file of one
slice goes by the same form.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from aws_lambda_powertools.event_handler import Response

from console.forms import Form, Problem, problem_of
from console.guard import HEADERS
from console.pages import View
from console.screens.sending import caller_of
from console.site import Answer, Screens, Visit
from harkara.accept.formats import native
from harkara.accept.idempotency import Answer as KeptAnswer
from harkara.accept.requests import IdSource
from harkara.accept.service import NothingAccepted
from harkara.base.codes import MEANINGS, Code
from harkara.base.errors import RequestRefused
from harkara.base.json import decode, encode
from harkara.manage.template_tables import Record, Table, read_table
from harkara.model.accounts import Sender
from harkara.model.messages import DAYTIME_CATEGORIES, RECORD_LIMIT, Category, next_open_s
from harkara.model.people import Role

SCREENS = Screens()
BASE = "/console/send"
# The names of columns, in small letters and without marks, and the fields that they fill.
COLUMNS = {
    **dict.fromkeys(("to", "mobile", "mobilenumber", "phone", "number", "msisdn"), "to"),
    **dict.fromkeys(("text", "message", "sms", "smstext"), "text"),
    **dict.fromkeys(("from", "header", "sender", "senderid"), "from"),
    **dict.fromkeys(("templateid", "dlttemplateid"), "template_id"),
    **dict.fromkeys(("ref", "reference", "clientref", "smsgid"), "client_ref"),
}
_VARIABLE = re.compile(r"(?:var|variable)?([0-9]{1,2})")
# Fields of the form that count for rows which name none.
SHARED = ("from", "category", "text", "template_id", "campaign_id")
_BETWEEN_NUMBERS = re.compile(r"[,;|\t\r\n]+")
_MARKS = re.compile(r"[^a-z0-9]")
_KEY = re.compile(r"[0-9a-f]{64}-[0-9]{1,6}")
# What a report says of a row.
_SHOWN = ("to", "client_ref", "segments", "encoding_reason", "template_id", "category", "price")


class Slice(NamedTuple):
    """Rows of a file: their numbers in it, and the messages in the API's own form."""

    rows: Sequence[int]
    messages: Sequence[dict[str, Any]]


@SCREENS.get(BASE, Role.MARKETER)
def form(visit: Visit) -> Answer:
    """Show the form."""
    return _form(visit, dict.fromkeys((*SHARED, "pasted"), ""))


@SCREENS.post(BASE, Role.MARKETER)
def whole(visit: Visit) -> Answer:
    """Check or send what one slice holds, as a page."""
    file, pasted = visit.form.files.get("file", b""), visit.form.raw("pasted")
    given = _shared(visit.form)
    shown = {**given, "pasted": pasted}
    sends = visit.form.text("action") == "send"
    content = file or pasted.encode()
    # The fields are a part of what is repeated, as they are in the script.
    key = hashlib.sha256(encode([content.decode("utf-8", "replace"), given])).hexdigest()
    try:
        if bool(file.strip()) == bool(pasted.strip()):
            raise RequestRefused(Code.INVALID_REQUEST, "(a file or pasted rows: one of both)")
        report = _report(visit, content, given, f"{key}-0" if sends else "")
    except RequestRefused as refused:
        problem = problem_of(refused)._replace(field="file" if file else "pasted")
        return _form(visit, shown, problem, status=MEANINGS[refused.code].http_status)
    return _form(visit, shown, report=report)


@SCREENS.post(f"{BASE}/slice", Role.MARKETER)
def slice_of(visit: Visit) -> Answer:
    """Check or send a slice for the script; the answer is JSON."""
    given = _shared(visit.form)
    key, number = visit.form.text("key"), visit.form.text("first")
    headers = dict(HEADERS)
    try:
        if visit.form.text("action") == "send" and not _KEY.fullmatch(key):
            raise RequestRefused(Code.INVALID_REQUEST, "(key)")
        first = int(number) if re.fullmatch("[0-9]{1,7}", number) else 2
        report = _report(visit, visit.form.raw("rows").encode(), given, key, first)
        status = 200
    except RequestRefused as refused:
        report, status = {"error": refused.message}, MEANINGS[refused.code].http_status
        if refused.retry_after_s:
            headers["Retry-After"] = str(refused.retry_after_s)
    return Response(status, "application/json", encode(report).decode(), headers)


def read(content: bytes, given: dict[str, str], first: int = 2) -> Slice:
    """Return the messages of a file or slice, whose first record names the columns.

    `first` is the row of the record after it, as a spreadsheet shows it. Numbers alone need no name
    of a column. Raises RequestRefused.
    """
    table = read_table(content)
    if _is_list(table.text):
        numbers = _BETWEEN_NUMBERS.sub("\n", table.text.strip())
        table, first = Table(f"to\n{numbers}", ","), first - 1
    heads = ((delimiter, head, [*map(_field_of, head.cells)]) for delimiter, head in table.heads())
    found = next((each for each in heads if "to" in each[2]), None)
    if found is None:
        raise RequestRefused(Code.INVALID_CSV, "(a column named to, mobile or number)")
    delimiter, head, names = found
    if unknown := [cell for cell, name in zip(head.cells, names, strict=True) if not name]:
        raise RequestRefused(
            Code.INVALID_CSV, f"(an unknown column: number {_place(head, unknown)})"
        )
    if len(set(names)) < len(names):
        raise RequestRefused(Code.INVALID_CSV, "(each column once)")
    rows, messages = [], []
    for record in table.records(delimiter):
        if record.number <= head.number:
            continue
        rows.append(first + record.number - head.number - 1)
        messages.append(_message(record, names, given))
    return Slice(rows, messages)


def _is_list(text: str) -> bool:
    """Return whether a text lists numbers alone: its first line names no column."""
    line = text.strip().partition("\n")[0]
    return bool(line) and not any(each.isalpha() for each in line)


def _shared(form: Form) -> dict[str, str]:
    return {name: form.text(name) for name in SHARED}


def _place(head: Record, unknown: Sequence[str]) -> int:
    return [*head.cells].index(unknown[0]) + 1


def _field_of(cell: str) -> str:
    """Return the field that a column fills, `1`, `2`, ... for a variable; "" if it has none."""
    name = _MARKS.sub("", cell.lower())
    variable = _VARIABLE.fullmatch(name)
    return str(int(variable[1])) if variable else COLUMNS.get(name, "")


def _message(record: Record, names: Sequence[str], given: dict[str, str]) -> dict[str, Any]:
    # A row without a number is refused like any other wrong one, by the service.
    cells = dict(zip(names, record.cells, strict=False))
    variables = {name: cell for name, cell in cells.items() if name.isdigit() and cell}
    fields = {name: cell for name, cell in cells.items() if not name.isdigit() and cell}
    shared = {name: value for name, value in given.items() if value}
    return {"to": "", **shared, **fields, **({"variables": variables} if variables else {})}


def _report(
    visit: Visit, content: bytes, given: dict[str, str], key: str, first: int = 2
) -> dict[str, Any]:
    """Check the rows, or send them if there is a key; return what becomes of each."""
    rows, messages = read(content, given, first)
    if not 1 <= len(messages) <= RECORD_LIMIT:
        code = Code.TOO_MANY_RECORDS if messages else Code.NO_RECORDS
        raise RequestRefused(code)
    account = visit.services.send.authenticator.accounts.account(visit.account.id) or visit.account
    caller, accept = caller_of(account), visit.services.send.accept
    body = encode({"messages": messages})
    request = native.parse(body)
    if not key:
        results = accept.dry_run(caller, request)
        elements = decode(native.answer(account, request, results, dry_run=True))["messages"]
        return _summed(visit, rows, elements)

    def produce(names: IdSource | None) -> KeptAnswer:
        try:
            results = accept.accept(caller, request, names)
        except NothingAccepted as refused:
            if refused.code is Code.TRY_AGAIN:
                raise
            answered = native.answer(account, request, refused.results)
            return KeptAnswer(200, answered, accepts=False)
        return KeptAnswer(200, native.answer(account, request, results))

    idempotency = visit.services.send.idempotency
    until_ms = int((idempotency.clock() + visit.deadline.remaining_s()) * 1000)
    answered = idempotency.once(caller, f"console-{key}", body, until_ms, produce)
    report = _summed(visit, rows, decode(answered.body)["messages"])
    visit.record("campaign.send", f"{key[:12]} {key.rpartition('-')[2]}: {report['accepted']}")
    return report


def _summed(visit: Visit, rows: Sequence[int], elements: Sequence[Any]) -> dict[str, Any]:
    """Return counts and the rows that need somebody's eyes, refused ones first."""
    codes = Counter(each["error"]["code"] for each in elements if each["error"])
    accepted = [each for each in elements if not each["error"]]
    now_s = visit.services.send.idempotency.clock()
    is_night = next_open_s(now_s) > now_s
    found = [
        {
            "row": row,
            "code": each["error"]["code"] if each["error"] else each["warning"],
            "message": each["error"]["message"] if each["error"] else "",
            "refused": bool(each["error"]),
            **{name: each.get(name) for name in _SHOWN},
        }
        for row, each in zip(rows, elements, strict=True)
        if each["error"] or each["warning"] or each.get("encoding_reason")
    ]
    found.sort(key=lambda each: not each["refused"])
    return {
        "accepted": len(accepted),
        "refused": len(elements) - len(accepted),
        "codes": codes,
        "segments": sum(each["segments"] or 0 for each in accepted),
        "price": f"{sum(float(each['price'] or 0) for each in accepted):.2f}",
        "later": sum(is_night and each["category"] in DAYTIME_CATEGORIES for each in accepted),
        "rows": found,
    }


def _form(
    visit: Visit,
    given: dict[str, str],
    problem: Problem | None = None,
    report: dict[str, Any] | None = None,
    status: int = 200,
) -> View:
    values = {
        "given": given,
        "headers": visit.names(Sender),
        "categories": [*Category],
        "problem": problem,
        "report": report,
        "sent": visit.form.text("action") == "send",
    }
    return View("send.html", values, status)
