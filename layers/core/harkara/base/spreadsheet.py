"""Write CSV for spreadsheets: UTF-8 with a byte order mark, and no cell that is a formula.

A cell that a spreadsheet would take for a formula gets an apostrophe in front, which `restored`
removes (OWASP, "CSV Injection").
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence

BYTE_ORDER_MARK = "\ufeff".encode()
_FORMULA = re.compile(r"'*[=+\-@\t]")
_NEUTRAL_FORMULA = re.compile(r"'+[=+\-@\t]")


def write_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """Return rows of cells below a header row, with the byte order mark."""
    return BYTE_ORDER_MARK + write_rows([head, *rows])


def write_rows(rows: Iterable[Sequence[str]]) -> bytes:
    """Return rows of cells to append to a table."""
    file = io.StringIO(newline="")
    csv.writer(file).writerows([_neutral(cell) for cell in row] for row in rows)
    return file.getvalue().encode()


def restored(cell: str) -> str:
    """Return a cell without the apostrophe that keeps it from being a formula."""
    return cell[1:] if _NEUTRAL_FORMULA.match(cell) else cell


def _neutral(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell
