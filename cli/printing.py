"""Print answers: as JSON for programs, in columns for people."""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any

Row = Mapping[str, Any]
Answer = Row | Sequence[Row]


def print_answer(answer: Answer, *, in_json: bool) -> None:
    """Print an answer, and nothing more once the reader has gone."""
    try:
        print(as_json(answer) if in_json else as_table(answer), flush=True)
    except BrokenPipeError:  # as in `harkara template list ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def as_json(answer: Answer) -> str:
    """Return an answer as JSON."""
    return json.dumps(answer, indent=2, ensure_ascii=False)


def as_table(answer: Answer) -> str:
    """Return rows as a table with a head, or one row as a line per field, its rows below."""
    if isinstance(answer, Mapping):
        lists = [value for value in answer.values() if _is_rows(value)]
        fields = [(name, _cell(value)) for name, value in answer.items() if value not in lists]
        return "\n\n".join([_columns(fields), *map(as_table, lists)])
    if not answer:
        return "none"
    head = tuple(answer[0])
    return _columns([head, *(tuple(_cell(row[name]) for name in head) for row in answer)])


def _is_rows(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)


def _columns(lines: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return ", ".join(map(_cell, value))
    # Keep a row on one line, even if a name holds a line break.
    return "" if value is None else " ".join(str(value).split())
