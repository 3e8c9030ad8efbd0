"""Suppressions: numbers that get no messages of some kind from an account."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.arguments import AccountId, CsvFile, one_of
from cli.command import UsageError, noun, verb
from cli.deployment import Deployment
from cli.number_files import imported, read_entries, write_rows
from cli.printing import Answer
from harkara.model.messages import Category
from harkara.model.routing import Routing
from harkara.model.suppressions import (
    EVERY_CATEGORY,
    Source,
    Suppression,
    fields_of,
    suppression_of,
)

app = noun()
COLUMNS = ("number", "source", "categories", "preferences", "since")
THREADS = 16
Number = Annotated[str, typer.Argument(metavar="NUMBER")]


@verb(app)
def set_(
    deployment: Deployment,
    account: AccountId,
    suppression: Annotated[
        bool | None, typer.Option("--on/--off", help="Whether its lists count.")
    ] = None,
    promotion: Annotated[
        int | None,
        typer.Option(
            metavar="0-8",
            help="DND preference that its promotional messages match; 0: unknown.",
        ),
    ] = None,
) -> Answer:
    """Switch an account's suppression lists on or off."""
    given = {"suppression": suppression, "promotion": promotion}
    values = {name: value for name, value in given.items() if value is not None}
    if not values:
        raise UsageError("say --on, --off or --promotion")
    routing = deployment.operator.change_routing(
        deployment.account(account).id,
        lambda routing: Routing.model_validate({**routing.model_dump(), **values}),
    )
    return _switches(account, routing)


@verb(app)
def show(deployment: Deployment, account: AccountId) -> Answer:
    """Show whether an account's suppression lists count."""
    return _switches(account, deployment.operator.routing(deployment.account(account).id))


@verb(app)
def add(
    deployment: Deployment,
    account: AccountId,
    number: Number,
    categories: Annotated[
        list[str] | None,
        typer.Option(
            parser=one_of([*Category, EVERY_CATEGORY]),
            metavar="CATEGORY...",
            help="Categories to opt out of (default: all but otp and transactional).",
        ),
    ] = None,
    preferences: Annotated[
        list[int] | None,
        typer.Option("--dnd", metavar="0-8...", help="Preferences of a DND registration."),
    ] = None,
) -> Answer:
    """Suppress a number."""
    fields: dict[str, Any] = {"number": number}
    if categories:
        fields["categories"] = categories
    if preferences is not None:
        fields |= {"source": Source.DND, "preferences": preferences}
    entry = deployment.suppressions.add(deployment.account(account), fields)
    return {"suppressed": entry.number, "source": entry.source}


@verb(app, asks="Remove the entries of {number}, which may then get messages again?")
def remove(
    deployment: Deployment,
    account: AccountId,
    number: Number,
    source: Annotated[
        Source | None, typer.Option(help="Remove only the entry of this source.")
    ] = None,
) -> Answer:
    """Remove a number's entries."""
    sources = [source] if source else [*Source]
    deployment.suppressions.remove(deployment.account(account), number, sources)
    return {"removed": number}


@verb(app)
def check(deployment: Deployment, account: AccountId, number: Number) -> Answer:
    """Show a number's entries."""
    found = deployment.suppressions.check(deployment.account(account), number)
    return [_row(entry) for entry in found]


@verb(app)
def import_(deployment: Deployment, account: AccountId, file: CsvFile) -> Answer:
    """Suppress the numbers of a CSV file: number, source, categories, preferences, since."""
    found, make = deployment.account(account), partial(_entry, now_s=int(deployment.clock()))
    entries, problems = read_entries(deployment, file, COLUMNS, make)
    with ThreadPoolExecutor(THREADS) as pool:
        existing = [*pool.map(partial(deployment.suppressions.lists.put, found.id), entries)]
    # A number that was changed after its row's time keeps the later change.
    answer = {"suppressed": sum(existing), "changed_later": existing.count(False)}
    return imported(answer, problems)


@verb(app)
def export(
    deployment: Deployment,
    account: AccountId,
    file: Annotated[Path, typer.Argument(metavar="FILE")],
) -> Answer:
    """Write all entries to a CSV file."""
    found = deployment.suppressions.lists.find(deployment.account(account).id)
    write_rows(file, COLUMNS, map(_row, found))
    return {"exported": len(found), "file": str(file)}


def _switches(account: str, routing: Routing) -> Answer:
    return {
        "account": account,
        "suppression": routing.suppression,
        "promotion": routing.promotion,
    }


def _entry(fields: dict[str, Any], now_s: int) -> Suppression:
    for name, kind in (("categories", str), ("preferences", _preference)):
        if fields.get(name):
            fields[name] = [kind(each) for each in fields[name].replace(";", " ").split()]
    return suppression_of(fields, now_s)


def _preference(text: str) -> Any:
    return int(text) if text.isdecimal() and len(text) == 1 else text


def _row(entry: Suppression) -> dict[str, Any]:
    """Return an entry as a row of a file, with lists in one cell."""
    return {
        name: " ".join(map(str, value)) if isinstance(value, list) else value
        for name, value in fields_of(entry).items()
    }
