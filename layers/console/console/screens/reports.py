"""Reports: each day's messages by all that prices depend on, or by one thing that they share."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple, get_args

from console.forms import form_view
from console.guard import HEADERS
from console.screens.activity import COLUMNS as FILTERS_OF
from console.screens.activity import url_of
from console.site import Answer, Screens, Visit
from harkara.activity.counting import STATES
from harkara.activity.filters import REFUSED, DailyBy, DailyQuery, ReportQuery, last_days, query_of
from harkara.activity.names import OTHER
from harkara.activity.reports import AMOUNTS, NAMES, REPORT_STATES, daily, report
from harkara.api.resolver import csv_file
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.base.spreadsheet import write_table
from harkara.model.messages import Category

SCREENS = Screens()
BASE = "/console/reports"
DAYS_SHOWN = 7
ROWS_SHOWN = 200
COLUMNS = ("accepted", "refused", "submitted", *STATES, "segments", "price")
ALL = "all"
BY = (ALL, *get_args(DailyBy))
FILTERS = ("sender", "category", "country", "state")
_NO_FILTERS = "(these filters are for a report by all at once)"
_FIELDS = {Code.RANGE_TOO_LONG: "from", Code.UNKNOWN_FILTER: "by"}


class Row(NamedTuple):
    """What messages share, their numbers ("" for what is not counted), and the filters of each."""

    names: Sequence[str]
    numbers: Sequence[str]
    filters: Sequence[Mapping[str, str] | None]


class Table(NamedTuple):
    """Rows below the names of their columns."""

    names: Sequence[str]
    columns: Sequence[str]
    rows: Sequence[Row]
    currency: str
    as_of: str | None


@SCREENS.get(BASE)
def shown(visit: Visit) -> Answer:
    """Show the first rows of a report, or what is wrong with its query."""
    table: Table | None = None
    refused: RequestRefused | None = None
    given = _given(visit)
    try:
        table = _table(visit, given)
    except RequestRefused as error:
        refused = error
    rows = table.rows if table else ()
    totals = _totals(rows)
    kept = [at for at, total in enumerate(totals) if total != "0"]
    values = {
        "table": table,
        "given": {**dict.fromkeys(("from", "to", *FILTERS), ""), **given},
        "query": given,
        "columns": [(table.columns[at], totals[at]) for at in kept] if table else (),
        "rows": [
            (row.names, [(row.numbers[at], _url(row, at)) for at in kept])
            for row in rows[:ROWS_SHOWN]
        ],
        "left_out": len(rows[ROWS_SHOWN:]),
        "by": BY,
        "categories": [*Category],
        "states": REPORT_STATES,
    }
    return form_view("reports.html", values, refused, _FIELDS)


@SCREENS.get(f"{BASE}/file")
def file(visit: Visit) -> Answer:
    """Send a report as a CSV file."""
    table = _table(visit, _given(visit))
    content = write_table(
        [*table.names, *table.columns, "currency"],
        ([*row.names, *row.numbers, table.currency] for row in table.rows),
    )
    answer = csv_file("report.csv", content, visit.request)
    answer.headers.update(HEADERS)
    return answer


def _given(visit: Visit) -> dict[str, str]:
    """Return the query of a report; without days, of the last seven."""
    named = {name: visit.query(name) for name in visit.request.query}
    given = {"by": ALL, **{name: each for name, each in named.items() if each}}
    if given.keys() & {"from", "to"}:
        return given
    now_ms = int(visit.services.manage.stats.clock() * 1000)
    return {**last_days(DAYS_SHOWN, now_ms), **given}


def _table(visit: Visit, given: Mapping[str, str]) -> Table:
    stats, account, by = visit.services.manage.stats, visit.account, given["by"]
    if by == ALL:
        query = {name: each for name, each in given.items() if name != "by"}
        found = report(stats, account, query_of(ReportQuery, query))
        rows = [_crossed(row) for row in found["rows"]]
        return Table(NAMES, AMOUNTS, rows, account.currency, found["as_of"])
    if given.keys() & set(FILTERS):
        raise RequestRefused(Code.UNKNOWN_FILTER, _NO_FILTERS)
    groups = daily(stats, account, query_of(DailyQuery, given))
    rows = []
    for day, group in groups.rows:
        named = _filters({"day": day, by: group["key"]})
        of_column = [
            None if named is None or (own := FILTERS_OF.get(name)) is None else {**named, **own}
            for name in COLUMNS
        ]
        rows.append(
            Row([day, group["key"]], [_cell(group.get(name)) for name in COLUMNS], of_column)
        )
    return Table(("day", by), COLUMNS, rows, account.currency, groups.as_of)


def _crossed(row: Mapping[str, object]) -> Row:
    names = {name: str(row[name]) for name in NAMES}
    numbers = [_cell(row[name]) for name in AMOUNTS]
    return Row([*names.values()], numbers, [_filters(names), None, None])


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def _filters(names: Mapping[str, str]) -> dict[str, str] | None:
    """Return the filters of the messages that share these names, None if there are none."""
    named = {**names}
    day = named.pop("day")
    if named.get("state") == REFUSED:  # such records have neither sender nor country
        named = {name: each for name, each in named.items() if each}
    if "carrier" in named or not {"", OTHER}.isdisjoint(named.values()):
        return None
    return {"from": day, "to": day, **named}


def _url(row: Row, at: int) -> str:
    filters = row.filters[at]
    return url_of(filters) if filters and row.numbers[at] != "0" else ""


def _totals(rows: Sequence[Row]) -> list[str]:
    columns = zip(*(row.numbers for row in rows), strict=True)
    sums = (sum(map(Decimal, filter(None, column)), Decimal()) for column in columns)
    return [f"{each.normalize():f}" for each in sums]
