"""Read and write CSV files of numbers: suppressions and consents."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from cli.command import CommandRefused, PartlyRefused
from cli.deployment import Deployment
from cli.files import read_csv, write_csv
from cli.printing import Answer
from harkara.base.errors import FieldRefused
from harkara.base.spreadsheet import restored, write_table

T = TypeVar("T")


def read_entries(
    deployment: Deployment,
    file: str,
    columns: Sequence[str],
    make: Callable[[dict[str, Any]], T],
) -> tuple[list[T], list[dict[str, Any]]]:
    """Return what `make` makes of the rows' cells that are not empty, and the rows it refuses.

    Raises CommandRefused for a file that is no such table.
    """
    entries, problems = list[T](), list[dict[str, Any]]()
    try:
        content = read_csv(deployment, file).decode("utf-8-sig")
        rows = csv.DictReader(io.StringIO(content, newline=""), strict=True)
        names = {*(rows.fieldnames or ())}
        if "number" not in names or not names <= {*columns}:
            raise CommandRefused(f"the first line of {file} must name {', '.join(columns)}")
        for line, row in enumerate(rows, 2):
            cells = {name: restored(value.strip()) for name, value in row.items() if name and value}
            try:
                entries.append(make({name: value for name, value in cells.items() if value}))
            except FieldRefused as error:
                problems.append({"row": line, "problem": str(error)})
    except (UnicodeDecodeError, csv.Error):
        raise CommandRefused(f"{file} cannot be read: name a CSV file in UTF-8") from None
    return entries, problems


def imported(answer: dict[str, Any], problems: Sequence[dict[str, Any]]) -> Answer:
    """Return the answer of an import. Raises PartlyRefused if rows were refused."""
    if problems:
        refused = {**answer, "refused": len(problems), "rows": problems}
        raise PartlyRefused("some rows were refused: correct them and import them", refused)
    return answer


def write_rows(file: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows with these columns, some of which may be missing. Raises CommandRefused."""
    write_csv(
        file, write_table(columns, ([str(row.get(name, "")) for name in columns] for row in rows))
    )
