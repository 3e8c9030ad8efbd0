"""DLT templates as CSV, in the columns that operators' DLT portals export.

What is exported is read back as the same templates, and no cell of it is a formula to a
spreadsheet: one that would be begins with an apostrophe, which reading takes away again.
"""

import csv
import io
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from harkara.accounts import Template
from harkara.codes import Code
from harkara.errors import FieldRefused, RequestRefused
from harkara.messages import Category
from harkara.parts import TEMPLATE_ID, template_of
from harkara.platforms.options import sms_type

ROW_LIMIT = 20_000
CONTENT_LIMIT_BYTES = 16 * 1024 * 1024

_COLUMNS = {
    "pe_id": "Entity ID",
    "headers": "Header",
    "template_id": "Template ID",
    "name": "Template Name",
    "text": "Content",
    "category": "Type",
    "status": "Status",
}
_REQUIRED = ("template_id", "text", "category")
# Other names of the columns, lower case, letters alone. None is sure: each portal has its own.
# Other names of the columns, in letters alone: each portal has its own.
_ALIASES = {
    "pe_id": ("peid", "principalentityid", "dltentityid"),
    "headers": ("headers", "headername", "sender", "senderid"),
    "template_id": ("dlttemplateid", "contenttemplateid", "dltid"),
    "name": ("name",),
    "text": ("templatecontent", "contenttemplate", "templatemessage", "templatetext", "message"),
    "category": ("templatetype", "communicationtype", "smstype"),
    "status": ("templatestatus", "approvalstatus"),
}
_TYPES = {
    Category.OTP: "OTP",
    Category.TRANSACTIONAL: "Transactional",
    Category.SERVICE_IMPLICIT: "Service Implicit",
    Category.SERVICE_EXPLICIT: "Service Explicit",
    Category.PROMOTIONAL: "Promotional",
}
_TAKEN = frozenset({"approved", "active", "registered", ""})

_NO_LETTERS = re.compile(r"[\W\d_]+")
_SEPARATOR = re.compile("[,;]")
_FORMULA = re.compile(r"'*[=+\-@\t]")
_NEUTRAL_FORMULA = re.compile(r"'+[=+\-@\t]")
_GZIP = b"\x1f\x8b"
# What becomes of a gzip's beginning where it is passed on as text.
_GZIP_AS_TEXT = "\x1f\ufffd"


class Row(NamedTuple):
    """A row of a file: its number (the header is row 1), and its template or what is wrong.

    `template_id` is empty where there is no proper one. A skipped row is in order, but DLT has
    not approved its template.
    """

    number: int
    template_id: str
    template: Template | None
    problem: str = ""
    skipped: bool = False


def export(templates: Iterable[Template]) -> bytes:
    """Return templates as CSV in UTF-8, with the mark by which spreadsheets know that."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(_COLUMNS.values())
    for each in templates:
        cells = {
            "pe_id": each.pe_id,
            "headers": ",".join(each.headers),
            "template_id": each.dlt_template_id,
            "name": each.name,
            "text": each.text,
            "category": _TYPES[each.category],
            "status": "Approved",
        }
        writer.writerow([_neutral(cells[column]) for column in _COLUMNS])
    return file.getvalue().encode("utf-8-sig")


def parse(content: bytes) -> list[Row]:
    """Return the rows of a file, plain or in gzip, but for blank ones.

    Raises RequestRefused(INVALID_CSV) where it is no UTF-8, has no header row that names the
    columns, or too many rows. No problem repeats what stands in a cell.
    """
    records = _records(_decode(content))
    sheet = _Sheet(next(records, _NO_RECORD).cells)
    return [sheet.row(record) for record in records]


class _Record(NamedTuple):
    number: int
    cells: Sequence[str]
    problem: str = ""


_NO_RECORD = _Record(1, ())


class _Sheet:
    """What stands in which column, and in which row a template id was first."""

    def __init__(self, header: Sequence[str]) -> None:
        self._width = len(header)
        self._places: dict[str, int] = {}
        for place, name in enumerate(header):
            column = _COLUMN_OF.get(_letters(name))
            if column in self._places:
                raise _refusal(f"two columns are {_COLUMNS[column]}")
            if column:
                self._places[column] = place
        missing = [_COLUMNS[column] for column in _REQUIRED if column not in self._places]
        if missing:
            raise _refusal(f"the first row names no column {', '.join(missing)}")
        self._rows: dict[str, int] = {}

    def row(self, record: _Record) -> Row:
        """Return a record's row."""
        cells = {
            column: record.cells[place] if place < len(record.cells) else ""
            for column, place in self._places.items()
        }
        template_id = _digits(cells["template_id"])
        known_id = template_id if TEMPLATE_ID.fullmatch(template_id) else ""
        problem = record.problem
        if any(record.cells[self._width :]):
            problem = "there are more cells than in the first row"
        if problem:
            return Row(record.number, known_id, None, problem)
        if cells.get("status", "").strip().lower() not in _TAKEN:
            return Row(record.number, known_id, None, "Status: not approved", skipped=True)
        try:
            template = _template(template_id, cells)
        except FieldRefused as error:
            return Row(record.number, known_id, None, f"{_COLUMNS[error.field]}: {error.rule}")
        first = self._rows.setdefault(template_id, record.number)
        if first != record.number:
            problem = f"Template ID: that of row {first}"
            return Row(record.number, known_id, None, problem)
        return Row(record.number, known_id, template)


def _template(template_id: str, cells: Mapping[str, str]) -> Template:
    try:
        category = sms_type(cells["category"])
    except ValueError:
        raise FieldRefused("category", f"one of {', '.join(_TYPES.values())}") from None
    headers = _SEPARATOR.split(_restored(cells.get("headers", "")))
    return template_of(
        {
            "template_id": template_id,
            "name": _restored(cells.get("name", "")),
            "headers": [header for header in headers if header.strip()],
            "category": category,
            "text": _restored(cells["text"]),
            "pe_id": _digits(cells.get("pe_id", "")),
        }
    )


def _records(text: str) -> Iterator[_Record]:
    """Yield the records that are not blank; one that is no CSV does not end them."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    for number in range(1, ROW_LIMIT + 3):
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield _Record(number, (), "a quote is not closed, or a cell is too long")
        else:
            if any(cells):
                yield _Record(number, cells)
    raise _refusal(f"at most {ROW_LIMIT:,} rows, blank ones included")


def _decode(content: bytes) -> str:
    if content.startswith(_GZIP):
        content = _unpack(content)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise _refusal(f"line {line} is not UTF-8") from None
    if text.startswith(_GZIP_AS_TEXT):
        raise _refusal("send gzip with Content-Type: application/gzip")
    return text


def _unpack(content: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacker.decompress(content, CONTENT_LIMIT_BYTES + 1)
    except zlib.error:
        raise _refusal("the gzip is damaged") from None
    if len(unpacked) > CONTENT_LIMIT_BYTES:
        raise _refusal("the gzip unpacks to more than 16 MB")
    if not unpacker.eof:
        raise _refusal("the gzip is cut short")
    return unpacked


def _neutral(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _restored(cell: str) -> str:
    return cell[1:] if _NEUTRAL_FORMULA.match(cell) else cell


def _digits(cell: str) -> str:
    # Some portals put an apostrophe before ids, which a spreadsheet would round.
    return cell.strip().removeprefix("'")


def _letters(name: str) -> str:
    return _NO_LETTERS.sub("", name).lower()


def _refusal(detail: str) -> RequestRefused:
    return RequestRefused(Code.INVALID_CSV, f"({detail})")


_COLUMN_OF = {_letters(name): column for column, name in _COLUMNS.items()} | {
    alias: column for column, aliases in _ALIASES.items() for alias in aliases
}
