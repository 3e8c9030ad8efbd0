"""Read a table from a file as portals and spreadsheets save it: its encoding and its records.

All formats that are safe to read are read: UTF-8 and UTF-16, with or without a byte order mark, in
gzip or plain, with cells separated by commas, semicolons, tabs or bars. Other known formats are
refused by name.
"""

import codecs
import csv
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

from harkara.base.codes import Code
from harkara.base.errors import RequestRefused

ROW_LIMIT = 20_000
CONTENT_LIMIT_BYTES = 16 * 1024 * 1024

_DELIMITERS = (",", ";", "\t", "|")
# A few titles may come before the header row.
_HEAD_ROWS = 20
_HEAD_LENGTH = 64 * 1024
_GZIP = b"\x1f\x8b"
_SAVE = "save it as CSV UTF-8 in the program that you see it in, and send that"
_BINARY = {
    b"PK\x03\x04": "a workbook (.xlsx), or a zip",
    b"\xd0\xcf\x11\xe0": "a workbook (.xls)",
    b"%PDF": "a PDF",
    b"{\\rtf": "a text with formats (RTF)",
}
# First characters of files that were corrupted by being passed on as text.
_SPOILED = {
    "\x1f\ufffd": "send gzip with Content-Type: application/gzip",
    "\ufffd\ufffd\x11\ufffd": f"it is a workbook (.xls): {_SAVE}",
    "\ufffd\ufffd": "send UTF-16 with Content-Type: application/octet-stream, or UTF-8",
}
_TEXTS = {
    "<": f"it is HTML or XML, whatever it is called: {_SAVE}",
    "{": "it is JSON: send a template with Content-Type: application/json",
    "[": "it is JSON: send each template with Content-Type: application/json",
}
_UTF_16 = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_LOST = "\ufffd".encode()
_SEPARATOR_LINE = re.compile(r'"?sep=([^\r\n"])"?(?:\r\n|\r|\n|$)', re.IGNORECASE)


class Record(NamedTuple):
    """A row of a table: its number as a spreadsheet shows it, its cells, its problem."""

    number: int
    cells: Sequence[str]
    problem: str = ""


class Table(NamedTuple):
    """The text of a table, and the delimiters that may separate its cells."""

    text: str
    delimiters: Sequence[str]

    def records(self, delimiter: str) -> Iterator[Record]:
        """Yield the records that are not blank, and go on after a record that is no valid CSV.

        Raises RequestRefused(INVALID_CSV) beyond the limit of rows.
        """
        reader = csv.reader(io.StringIO(self.text, newline=""), delimiter=delimiter, strict=True)
        # A few titles may come before the header row.
        for number in range(1, ROW_LIMIT + _HEAD_ROWS + 2):
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                yield Record(number, (), "a quote is not closed, or a cell is too long")
            else:
                if any(cells):
                    yield Record(number, cells)
        raise refusal(f"at most {ROW_LIMIT:,} rows, blank ones included")

    def heads(self) -> Iterator[tuple[str, Record]]:
        """Yield the first records by each delimiter: one of them names the columns."""
        head = Table(self.text[:_HEAD_LENGTH], self.delimiters)
        for delimiter in self.delimiters:
            for record in islice(head.records(delimiter), _HEAD_ROWS):
                yield delimiter, record


def read_table(content: bytes) -> Table:
    """Return the table in a file. Raises RequestRefused(INVALID_CSV), naming other formats."""
    if content.startswith(_GZIP):
        content = _unpack(content)
    for magic, name in _BINARY.items():
        if content.startswith(magic):
            raise refusal(f"it is {name}: {_SAVE}")
    text = _decode(content)
    for spoiled, detail in _SPOILED.items():
        if text.startswith(spoiled):
            raise refusal(detail)
    begins = text.lstrip()[:1]
    if begins in _TEXTS:
        raise refusal(_TEXTS[begins])
    if text.startswith("--") and "form-data" in text[:500]:
        raise refusal("it is a form with a file in it: send the file itself as the body")
    if separator := _SEPARATOR_LINE.match(text):
        return Table(text[separator.end() :], (separator[1],))
    return Table(text, _DELIMITERS)


def refusal(detail: str) -> RequestRefused:
    """Return the exception for a file that cannot be read."""
    return RequestRefused(Code.INVALID_CSV, f"({detail})")


def _decode(content: bytes) -> str:
    encoding = next((name for mark, name in _UTF_16.items() if content.startswith(mark)), "")
    # Names of columns are ASCII, so in UTF-16 without a mark every other byte is zero at first.
    head = b"" if content.startswith(_LOST) else content[:64]
    first, second = head[::2], head[1::2]
    if not encoding and second and second.count(0) > len(second) // 2 and first.count(0) == 0:
        encoding = "utf-16-le"
    elif not encoding and first.count(0) > len(first) // 2 and second.count(0) == 0:
        encoding = "utf-16-be"
    try:
        return content.decode(encoding or "utf-8-sig")
    except UnicodeDecodeError as error:
        if encoding:
            raise refusal(f"it is damaged {encoding[:6].upper()}: {_SAVE}") from None
        # Windows-1252 would be a guess, and Hindi would be lost in it already.
        line = content.count(b"\n", 0, error.start) + 1
        raise refusal(f"line {line} is not UTF-8, perhaps Windows-1252: {_SAVE}") from None


def _unpack(content: bytes) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        unpacked = unpacker.decompress(content, CONTENT_LIMIT_BYTES + 1)
    except zlib.error:
        raise refusal("the gzip is damaged") from None
    if len(unpacked) > CONTENT_LIMIT_BYTES:
        raise refusal("the gzip unpacks to more than 16 MB")
    if not unpacker.eof:
        raise refusal("the gzip is cut short")
    return unpacked
