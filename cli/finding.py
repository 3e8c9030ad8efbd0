"""The messages and the counters that a verb is to look up, of one account or of all."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, TypeVar

import typer
from pydantic import BaseModel

from cli.deployment import Deployment
from harkara.activity.filters import query_of
from harkara.activity.happenings import EVENTS
from harkara.model.accounts import Account

Q = TypeVar("Q", bound=BaseModel)
_TIME = "a time with its offset, or a day of India, as in 2026-01-31"


@dataclass(frozen=True)
class Times:
    """The options of a time of acceptance."""

    from_: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help=f"Accepted since then: {_TIME}.")
    ] = None
    to: Annotated[
        str | None, typer.Option(metavar="TIME", help="Accepted before then, or on that day.")
    ] = None


@dataclass(frozen=True)
class ReportFilters(Times):
    """The options of a report, which are the filters of `GET /v1/reports`."""

    sender: Annotated[str | None, typer.Option(metavar="HEADER", help="Its sender id.")] = None
    category: Annotated[
        str | None, typer.Option("--category", metavar="CATEGORY", help="Its category.")
    ] = None
    country: Annotated[
        str | None, typer.Option(metavar="CODE", help="ISO code of its number's country.")
    ] = None
    state: Annotated[
        str | None,
        typer.Option("--state", metavar="STATE", help="pending, refused, or a final state."),
    ] = None


@dataclass(frozen=True)
class Filters(ReportFilters):
    """The options of a search, which are the filters of `GET /v1/messages`."""

    number: Annotated[
        str | None, typer.Option("--number", metavar="NUMBER", help="Its phone number.")
    ] = None
    client_ref: Annotated[
        str | None, typer.Option(metavar="REF", help="The customer's reference, smsgid.")
    ] = None
    campaign: Annotated[str | None, typer.Option(metavar="ID", help="Its campaign.")] = None
    code: Annotated[str | None, typer.Option("--code", metavar="CODE", help="Why it failed.")] = (
        None
    )
    template: Annotated[str | None, typer.Option(metavar="ID", help="Its DLT template's id.")] = (
        None
    )
    event: Annotated[
        str | None,
        typer.Option("--event", metavar="EVENT", help=f"What happened to it: {', '.join(EVENTS)}."),
    ] = None


def asked(model: type[Q], options: Times, **more: str) -> Q:
    """Return the query that options ask for. Raises RequestRefused."""
    given: Mapping[str, Any] = {**asdict(options), **more}
    query = {name.rstrip("_"): value for name, value in given.items() if value is not None}
    return query_of(model, query)


def each_of(deployment: Deployment, account_id: str | None) -> Iterator[Account]:
    """Yield an account, or all of them with a bar on the terminal that shows the progress."""
    accounts: Sequence[Account] = (
        [deployment.account(account_id)] if account_id else deployment.operator.accounts()
    )
    if len(accounts) == 1 or not sys.stderr.isatty():
        yield from accounts
        return
    with typer.progressbar(accounts, label="accounts", file=sys.stderr) as bar:
        yield from bar
