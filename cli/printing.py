"""Print answers: as JSON for programs, in columns for people."""

import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from textwrap import wrap
from typing import Any

Row = Mapping[str, Any]
Answer = Row | Sequence[Row]
GAP = "  "
LEAST_WIDTH = 6
IDS = frozenset(
    {"account", "callback", "carrier", "carriers", "email", "id", "mid", "number", "template_id"}
)
"""The columns that are never cut, beside the first, since their cells are words of commands."""
PROSE = frozenset({"advice", "problem", "reason", "source", "what"})


def shown(rows: Sequence[Row], names: Sequence[str], *, as_json: bool) -> Answer:
    """Return all fields of rows for programs, those of these names for people."""
    return rows if as_json else [{name: row[name] for name in names} for row in rows]


@contextmanager
def until_nobody_reads() -> Iterator[None]:
    """Write to standard output, and nothing more once the reader has gone."""
    try:
        yield
    except BrokenPipeError:  # as in `harkara template list ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def print_answer(answer: Answer, *, in_json: bool) -> None:
    """Print an answer."""
    with until_nobody_reads():
        print(as_json(answer) if in_json else as_table(answer), flush=True)


def as_json(answer: Answer) -> str:
    """Return an answer as JSON."""
    return json.dumps(answer, indent=2, ensure_ascii=False)


def as_table(answer: Answer) -> str:
    """Return rows as a table with a head, or one row as a line per field, its rows below.

    A table has the width of the terminal, or 80 columns: long cells end in an ellipsis, except
    that ids stay whole, and prose takes several lines.
    """
    if isinstance(answer, Mapping):
        lists = [value for value in answer.values() if _is_rows(value)]
        fields = [(name, _cell(value)) for name, value in answer.items() if value not in lists]
        return "\n\n".join([_columns(fields), *map(as_table, lists)])
    if not answer:
        return "none"
    head = tuple(dict.fromkeys(name for row in answer for name in row))
    columns = [[name, *(_cell(row.get(name)) for row in answer)] for name in head]
    room = shutil.get_terminal_size().columns - len(GAP) * (len(head) - 1)
    widths = _fitted([max(map(len, column)) for column in columns], head, room)
    lines = [
        line
        for row in zip(*columns, strict=True)
        for line in zip_longest(*map(_lines, row, widths, head), fillvalue="")
    ]
    return _columns(lines)


def _fitted(widths: list[int], head: Sequence[str], room: int) -> list[int]:
    """Return the widths of columns, the widest of which are narrower until they fit the room."""
    cuttable = [index for index, name in enumerate(head) if index and name not in IDS]
    while sum(widths) > room and cuttable:
        widest = max(cuttable, key=widths.__getitem__)
        if widths[widest] <= max(len(head[widest]), LEAST_WIDTH):
            cuttable.remove(widest)
        else:
            widths[widest] -= 1
    return widths


def _lines(cell: str, width: int, name: str) -> list[str]:
    """Return the lines of a cell, all but prose on one."""
    if len(cell) <= width:
        return [cell]
    return wrap(cell, width) if name in PROSE else [f"{cell[: width - 1]}…"]


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)


def _columns(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        GAP.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(_cell, value))
    # Keep a row on one line, even if a name holds a line break.
    return "" if value is None else " ".join(str(value).split())
