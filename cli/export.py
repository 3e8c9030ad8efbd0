"""Export: write messages to a CSV file."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from cli.command import noun, verb
from cli.deployment import Deployment
from cli.files import STDIN, appending
from cli.finding import Filters, asked
from cli.message_find import ForAccount
from cli.printing import Answer, until_nobody_reads
from harkara.activity.cursors import Cursor
from harkara.activity.export_steps import COLUMNS, cells_of
from harkara.activity.filters import ExportFilter, number_of
from harkara.activity.index import time_of
from harkara.base.spreadsheet import write_rows, write_table
from harkara.model.accounts import Account

app = noun()


@verb(app)
def export(
    deployment: Deployment,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A CSV file; - for stdout.")],
    filters: Filters,
    account: ForAccount = None,
) -> Answer | None:
    """Write messages and refused records to a CSV file, of the last day or of up to 31 days.

    Any number of them, newest first, each account's after the other's. No cell is a formula. The
    file appears once it is whole.
    """
    query = asked(ExportFilter, filters)
    number_of(query)
    pieces = _pieces(deployment, query, account)
    if file == STDIN:
        with until_nobody_reads():
            for piece, _ in pieces:
                sys.stdout.write(piece.decode())
            sys.stdout.flush()
        return None
    count = 0
    with appending(Path(file)) as append:
        for piece, rows in pieces:
            append(piece)
            count += rows
    return {"file": file, "messages": count}


def _pieces(
    deployment: Deployment, query: ExportFilter, account_id: str | None
) -> Iterator[tuple[bytes, int]]:
    """Yield pieces of the file with their numbers of rows; show the progress at a terminal."""
    accounts: Sequence[Account] = (
        [deployment.account(account_id)] if account_id else deployment.operator.accounts()
    )
    from_ms, to_ms = query.bounds(int(deployment.clock() * 1000))
    yield write_table(("account", *COLUMNS), ()), 0
    # Its length is in milliseconds of the accounts' times.
    length = len(accounts) * (to_ms - from_ms)
    with typer.progressbar(
        length=length, label="exported", file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        for each in accounts:
            reached_ms = to_ms
            for cursor, messages in deployment.search.walk(
                each.id, query, Cursor(from_ms, to_ms, "", -1)
            ):
                yield write_rows([each.id, *cells_of(one)] for one in messages), len(messages)
                now_ms = min(reached_ms, max(from_ms, time_of(cursor.sort_key)))
                bar.update(reached_ms - now_ms)
                reached_ms = now_ms
            bar.update(reached_ms - from_ms)
