"""Stats: how many messages were accepted, delivered and failed."""

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Any

import typer

from cli.arguments import one_of
from cli.command import noun, verb
from cli.deployment import Deployment
from cli.finding import Times, asked, each_of
from cli.message_find import ForAccount
from cli.printing import Answer, Row
from harkara.activity.filters import GROUPS, StatsQuery

app = noun()
BY_ACCOUNT = "account"
MEASURES = (
    *("accepted", "refused", "submitted", "delivered", "failed", "segments", "price"),
    *("corrected", "clicks", "bots", "replies", "parked"),
)


@verb(app)
def stats(
    deployment: Deployment,
    times: Times,
    account: ForAccount = None,
    by: Annotated[
        str,
        typer.Option(
            parser=one_of([BY_ACCOUNT, *GROUPS]),
            metavar="GROUP",
            help=f"What each line counts: by {BY_ACCOUNT}, {', '.join(GROUPS)}.",
        ),
    ] = BY_ACCOUNT,
) -> Answer:
    """Count the messages of the last day, or of up to 31 days, in groups.

    A message counts in the hour in which it was accepted. Hours and days are India's.
    """
    query = asked(StatsQuery, times, **({} if by == BY_ACCOUNT else {"by": by}))
    rows: dict[str, Counter[str]] = {}
    for each in each_of(deployment, account):
        found = deployment.stats.stats(each, query)
        groups: list[Mapping[str, Any]] = (
            [{"key": each.id, **found["totals"]}] if by == BY_ACCOUNT else [*found["groups"]]
        )
        for group in groups:
            _add(rows.setdefault(group["key"], Counter()), group)
    return [_row(by, key, rows[key]) for key in sorted(rows)]


def _add(counts: Counter[str], group: Mapping[str, Any]) -> None:
    for name in (*MEASURES, "messages"):
        if (count := group.get(name)) is not None:
            counts[name] += Decimal(count)  # type: ignore[assignment]


def _row(by: str, key: str, counts: Counter[str]) -> Row:
    names = [name for name in ("messages", *MEASURES) if name in counts]
    return {by: key} | {
        name: f"{Decimal(counts[name]):f}" if name == "price" else int(counts[name])
        for name in names
    }
