"""Stats: how many messages were accepted, delivered and failed."""

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

import typer

from cli.arguments import one_of
from cli.command import AsJson, noun, verb
from cli.deployment import Deployment
from cli.finding import ReportFilters, asked, each_of
from cli.message_find import ForAccount
from cli.printing import Answer, Row
from harkara.activity.delays import delay_of
from harkara.activity.filters import GROUPS, ReportQuery, StatsQuery
from harkara.activity.reports import report

app = noun()
BY_ACCOUNT, BY_ALL = "account", "report"
MEASURES = ("accepted", "refused", "submitted", "delivered", "failed", "segments", "price")
EVENTS = ("corrected", "read", "clicks", "bots", "replies", "parked", "verified", "unverified")
_BELOW = "otp delay below "


@verb(app)
def stats(
    deployment: Deployment,
    filters: ReportFilters,
    account: ForAccount = None,
    by: Annotated[
        str,
        typer.Option(
            parser=one_of([BY_ACCOUNT, BY_ALL, *GROUPS]),
            metavar="GROUP",
            help=f"What each line counts: by {BY_ACCOUNT}, {', '.join(GROUPS)}; or {BY_ALL}, by"
            " day, sender, category, country and state at once, which alone has filters.",
        ),
    ] = BY_ACCOUNT,
    as_json: AsJson = False,
) -> Answer:
    """Count the messages of the last day, or of up to 31 days, in groups.

    A message counts in the hour in which it was accepted. Hours and days are India's. A table
    leaves out what happened to no message. Accounts of several currencies have a line each.
    """
    if by == BY_ALL:
        return _report(deployment, filters, account)
    query = asked(StatsQuery, filters, **({} if by == BY_ACCOUNT else {"by": by}))
    rows: dict[tuple[str, str], Counter[str]] = {}
    for each in each_of(deployment, account):
        found = deployment.stats.stats(each, query)
        groups: list[Mapping[str, Any]] = (
            [{"key": each.id, **found["totals"]}] if by == BY_ACCOUNT else [*found["groups"]]
        )
        for group in groups:
            _add(rows.setdefault((group["key"], each.currency), Counter()), group)
    with_currency = any(currency for _, currency in rows)
    answer = [
        {by: key, **({"currency": currency} if with_currency else {}), **_row(by, counts)}
        for (key, currency), counts in sorted(rows.items())
    ]
    unseen = {name for name in EVENTS if not any(row.get(name) for row in answer)}
    if as_json:
        unseen = set()
    return [{name: row[name] for name in row if name not in unseen} for row in answer]


def _report(deployment: Deployment, filters: ReportFilters, account: str | None) -> Answer:
    query = asked(ReportQuery, filters)
    return [
        {"account": each.id, **row, "currency": found["currency"]}
        for each in each_of(deployment, account)
        for found in [report(deployment.stats, each, query)]
        for row in found["rows"]
    ]


def _add(counts: Counter[str], group: Mapping[str, Any]) -> None:
    for name in (*MEASURES, *EVENTS, "messages"):
        if (count := group.get(name)) is not None:
            counts[name] += Decimal(count)  # type: ignore[assignment]
    delay = group.get("otp_delay") or {"counts": {}}
    counts.update({f"{_BELOW}{bound}": count for bound, count in delay["counts"].items()})


def _row(by: str, counts: Counter[str]) -> Row:
    names = [name for name in ("messages", *MEASURES, *EVENTS) if name in counts]
    row: dict[str, Any] = {
        name: f"{Decimal(counts[name]):f}" if name == "price" else int(counts[name])
        for name in names
    }
    bounds = {name.removeprefix(_BELOW): n for name, n in counts.items() if _BELOW in name}
    if delay := delay_of(bounds):
        row |= {"otp_p50_s": delay["p50"], "otp_p95_s": delay["p95"]}
    if by == "prefix":
        row["verified_percent"] = round(100 * counts["verified"] / max(1, counts["accepted"]))
    return row
