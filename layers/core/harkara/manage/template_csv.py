"""Read and write DLT templates as CSV, in the columns that operators' DLT portals export.

An exported file reads back as the same templates. No cell of it is a formula to a spreadsheet: a
cell that would be one gets an apostrophe in front, which reading removes.
"""

import re
from collections.abc import Iterable, Mapping
from itertools import dropwhile
from typing import NamedTuple

from harkara.base.errors import FieldRefused
from harkara.base.spreadsheet import restored, write_table
from harkara.dlt.templates import VARIABLE, Kind, kinds
from harkara.manage.resources import advice_on
from harkara.manage.template_portals import (
    COLUMNS,
    OTHERS,
    TYPES,
    category_of,
    column_of,
    kinds_of,
    letters,
    may_be_status,
    status_of,
)
from harkara.manage.template_tables import (
    CONTENT_LIMIT_BYTES,
    ROW_LIMIT,
    Record,
    read_table,
    refusal,
)
from harkara.model.accounts import Template
from harkara.model.fields import TEMPLATE_ID, bare_header, read
from harkara.model.messages import Category

__all__ = ["CONTENT_LIMIT_BYTES", "ROW_LIMIT", "Row", "export", "parse"]

_EXPORTED = ("pe_id", "headers", "template_id", "name", "text", "category", "status")
_SEPARATOR = re.compile(r"[,;|\n]")
# Spreadsheets keep all digits of an id that is a formula, or begins with an apostrophe.
_ID_FORMULA = re.compile(r'="([^"]*)"')
_ROUNDED = re.compile(r"[0-9]+(?:[.,][0-9]*)?E\+?[0-9]+", re.IGNORECASE)
_STATUS_RULE = "Approved, Registered, Active, ..., or a word that says that it is not approved"
# A word that a report may repeat: no phone number, no message text.
_WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|[ ()/-]){0,39}")


class Row(NamedTuple):
    """A row of a file: its number, and its template or its problem.

    `template_id` is empty if there is no valid one. A skipped row is in order, but DLT has not
    approved its template. `warning` is about a template that is taken although it may be wrong.
    """

    number: int
    template_id: str
    template: Template | None
    problem: str = ""
    skipped: bool = False
    warning: str = ""


def export(templates: Iterable[Template]) -> bytes:
    """Return templates as CSV in UTF-8, with a byte order mark for spreadsheets."""

    def cells(each: Template) -> list[str]:
        cells = {
            "pe_id": each.pe_id,
            "headers": ",".join(each.headers),
            "template_id": each.dlt_template_id,
            "name": each.name,
            "text": each.text,
            "category": TYPES[each.category],
            "status": "Approved",
        }
        return [cells[column] for column in _EXPORTED]

    return write_table([COLUMNS[column] for column in _EXPORTED], map(cells, templates))


def parse(content: bytes, category: Category | None = None) -> list[Row]:
    """Return the rows of a file below its header row, without blank rows.

    `category` applies to rows without a type. Raises RequestRefused(INVALID_CSV) if the file is no
    table, names no columns, or has too many rows. Problems never repeat the content of a cell,
    except for a word that should be a type or a status.
    """
    table = read_table(content)
    delimiter, header, columns = "", Record(1, ()), frozenset[str | None]()
    for each, record in table.heads():
        named = frozenset(map(column_of, record.cells)) - {None}
        if len(named) > len(columns):
            delimiter, header, columns = each, record, named
    sheet = _Sheet(header, category)
    records = dropwhile(lambda record: record.number <= header.number, table.records(delimiter))
    rows = []
    for record in records:
        if record.number > header.number + ROW_LIMIT:
            raise refusal(f"at most {ROW_LIMIT:,} rows, blank ones included")
        rows.append(sheet.row(record))
    return rows


class _Sheet:
    """The columns of a file, and the first row of each template id."""

    def __init__(self, header: Record, category: Category | None) -> None:
        self._width = len(header.cells)
        self._category = category
        self._column_indexes: dict[str, int] = {}
        for index, name in enumerate(header.cells):
            column = column_of(name)
            if column in self._column_indexes:
                raise refusal(f"two columns are {COLUMNS[column]}")
            if column:
                self._column_indexes[column] = index
        required = ("template_id", "text", *(() if category else ("category",)))
        if "status" not in self._column_indexes and any(map(may_be_status, header.cells)):
            raise refusal(
                "a column may say what is approved, but its name is not known: call it Status"
            )
        missing = [COLUMNS[column] for column in required if column not in self._column_indexes]
        if missing == [COLUMNS["category"]]:
            raise refusal(
                "the first row names no column Type: say of what type all are, with ?type= or"
                f" --type, one of {', '.join(TYPES.values())}"
            )
        if missing:
            raise refusal(f"the first row names no column {', '.join(missing)}")
        self._rows: dict[str, int] = {}

    def row(self, record: Record) -> Row:
        """Return the row of a record."""
        cells = {
            column: record.cells[index] if index < len(record.cells) else ""
            for column, index in self._column_indexes.items()
        }
        template_id = _digits(cells["template_id"])
        row_id = template_id if TEMPLATE_ID.fullmatch(template_id) else ""
        problem = record.problem
        if not problem and any(record.cells[self._width :]):
            problem = "there are more cells than in the row of names"
        if problem:
            return Row(record.number, row_id, None, problem)
        status = status_of(cells.get("status", ""))
        if status is None:
            problem = f"Status: {_STATUS_RULE}{_named(cells['status'])}"
            return Row(record.number, row_id, None, problem)
        if not status.approved:
            problem = f"Status: not approved ({status.word})"
            return Row(record.number, row_id, None, problem, skipped=True)
        warnings: list[str] = []
        try:
            template = self._template(template_id, cells, warnings)
        except FieldRefused as error:
            return Row(record.number, row_id, None, f"{COLUMNS[error.field]}: {error.rule}")
        first = self._rows.setdefault(template_id, record.number)
        if first != record.number:
            problem = f"Template ID: that of row {first}"
            return Row(record.number, row_id, None, problem)
        warning = "; ".join([*warnings, *advice_on(template)])
        return Row(record.number, row_id, template, warning=warning)

    def _template(
        self, template_id: str, cells: Mapping[str, str], warnings: list[str]
    ) -> Template:
        """Return a row's template, adding corrections to `warnings`. Raises FieldRefused."""
        pe_id = _digits(cells.get("pe_id", ""))
        for column, digits in (("template_id", template_id), ("pe_id", pe_id)):
            if _ROUNDED.fullmatch(digits):
                rule = "1 to 19 digits, as text: a spreadsheet has rounded it, so export it anew"
                raise FieldRefused(column, rule)
        return read(
            Template,
            {
                "template_id": template_id,
                "name": restored(cells.get("name", "")),
                "headers": _headers(restored(cells.get("headers", "")), warnings),
                "category": self._type(cells.get("category", ""), warnings),
                "text": _with_tags(restored(cells["text"]), cells),
                "pe_id": pe_id,
            },
        )

    def _type(self, cell: str, warnings: list[str]) -> Category:
        category = category_of(cell) if cell.strip() else self._category
        if category is None:
            rule = f"one of {', '.join(TYPES.values())}{_named(cell)}"
            raise FieldRefused("category", rule)
        if letters(cell) in OTHERS:
            warnings.append(f"Type: Others is taken for {TYPES[category]}")
        return category


def _headers(cell: str, warnings: list[str]) -> list[str]:
    headers = [header.strip() for header in _SEPARATOR.split(cell) if header.strip()]
    if any(map(bare_header, headers)):
        warnings.append("Header: taken without what operators put around it")
    return headers


def _with_tags(text: str, cells: Mapping[str, str]) -> str:
    """Return a text with the kinds of its variables from their own column."""
    cell = cells.get("tags", "")
    tags = kinds_of(cell)
    if tags is None:
        raise FieldRefused("tags", f"as many as there are variables, each one of {', '.join(Kind)}")
    if not tags:
        return text
    if len(tags) != len(kinds(text)):
        raise FieldRefused("tags", f"{len(tags)} for {len(kinds(text))} variables")
    following = iter(tags)
    return VARIABLE.sub(lambda _: f"{{#{next(following)}#}}", text)


def _named(cell: str) -> str:
    word = cell.strip()
    return f', not "{word}"' if _WORD.fullmatch(word) else ""


def _digits(cell: str) -> str:
    cell = cell.strip()
    match = _ID_FORMULA.fullmatch(cell)
    return (match[1] if match else cell).removeprefix("'").strip()
