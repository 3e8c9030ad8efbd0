"""Reports: what became of each day's messages, by one thing that they share; as a page or CSV."""

from collections.abc import Sequence
from typing import get_args

from aws_lambda_powertools.event_handler import Response

from console.forms import problem_of
from console.guard import HEADERS
from console.pages import View
from console.site import Answer, Screens, Visit
from harkara.activity.counting import OTHER, STATES
from harkara.activity.filters import ReportBy, ReportQuery, last_days, query_of
from harkara.activity.reports import Report, report
from harkara.activity.stats import Group
from harkara.base.codes import MEANINGS, Code
from harkara.base.errors import RequestRefused
from harkara.base.spreadsheet import write_table

SCREENS = Screens()
BASE = "/console/reports"
DAYS_SHOWN = 7
ROWS_SHOWN = 500
# An answer of Lambda has at most 6 MB, a file in it is in base64.
FILE_LIMIT_BYTES = 4_000_000
COLUMNS = ("accepted", "refused", "submitted", *STATES, "segments", "price")
BY = get_args(ReportBy)
# No filter of messages names these.
_UNLISTED = ("", OTHER)


@SCREENS.get(BASE)
def shown(visit: Visit) -> Answer:
    """Show the first rows of a report, or what is wrong with its days."""
    found, problem, status = None, None, 200
    given = _given(visit)
    try:
        found = _report(visit, given)
    except RequestRefused as refused:
        problem = problem_of(refused, {Code.RANGE_TOO_LONG: "from", Code.UNKNOWN_FILTER: "by"})
        status = MEANINGS[refused.code].http_status
    rows = found.rows if found else ()
    columns = [name for name in COLUMNS if any(group.get(name) for _, group in rows)]
    values = {
        "report": found,
        "given": {**dict.fromkeys(("from", "to"), ""), **given},
        "query": given,
        "rows": [
            (day, group["key"], _cells(group, columns), _is_listed(given["by"], group))
            for day, group in rows[:ROWS_SHOWN]
        ],
        "left_out": len(rows[ROWS_SHOWN:]),
        "columns": columns,
        "by": BY,
        "problem": problem,
    }
    return View("reports.html", values, status)


@SCREENS.get(f"{BASE}/file")
def file(visit: Visit) -> Answer:
    """Send a report as a CSV file."""
    given = _given(visit)
    found = _report(visit, given)
    content = write_table(
        ["day", given["by"], *COLUMNS, "currency"],
        ([day, group["key"], *_cells(group, COLUMNS), found.currency] for day, group in found.rows),
    )
    if len(content) > FILE_LIMIT_BYTES:
        raise RequestRefused(Code.RANGE_TOO_LONG, "(the file is too large: ask for fewer days)")
    headers = {**HEADERS, "Content-Disposition": 'attachment; filename="report.csv"'}
    return Response(200, "text/csv; charset=utf-8", content, headers)


def _given(visit: Visit) -> dict[str, str]:
    """Return the query of a report; without days, of the last seven."""
    named = {name: visit.query(name) for name in visit.request.query}
    given = {"by": "sender", **{name: each for name, each in named.items() if each}}
    if given.keys() & {"from", "to"}:
        return given
    now_ms = int(visit.services.manage.stats.clock() * 1000)
    return {**last_days(DAYS_SHOWN, now_ms), **given}


def _report(visit: Visit, given: dict[str, str]) -> Report:
    return report(visit.services.manage.stats, visit.account, query_of(ReportQuery, given))


def _cells(group: Group, columns: Sequence[str]) -> list[str]:
    """Return the cells of the columns; empty for a measure that the group does not count."""
    counts = (group.get(name) for name in columns)
    return ["" if each is None else str(each) for each in counts]


def _is_listed(by: str, group: Group) -> bool:
    """Return whether a filter finds the messages of a group."""
    return by != "carrier" and group["key"] not in _UNLISTED
