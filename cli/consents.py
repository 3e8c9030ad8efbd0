"""Consents: numbers that agreed to promotional messages of a header."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from cli.arguments import AccountId, CsvFile
from cli.command import noun, verb
from cli.deployment import Deployment
from cli.number_files import imported, read_entries, write_rows
from cli.printing import Answer
from harkara.manage.audit import Actor
from harkara.model.consents import ConsentSource, consent_of, fields_of

app = noun()
COLUMNS = ("number", "header", "source", "purpose", "since")
Number = Annotated[str, typer.Argument(metavar="NUMBER")]
Header = Annotated[str, typer.Argument(metavar="HEADER")]
_BY = Actor("harkara consent")


@verb(app)
def add(
    deployment: Deployment,
    account: AccountId,
    number: Number,
    header: Header,
    source: Annotated[ConsentSource, typer.Option(help="Where it was given.")] = ConsentSource.DCA,
    purpose: Annotated[
        str, typer.Option(metavar="WORDS", help="The purpose that the person agreed to.")
    ] = "",
    since: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="When it was given; now, if absent."),
    ] = None,
) -> Answer:
    """Record a number's consent to a header, in place of its earlier one."""
    given = (number, header, source, purpose, since)
    fields: dict[str, Any] = dict(zip(COLUMNS, given, strict=True))
    return fields_of(deployment.consents.add(deployment.account(account), fields, _BY))


@verb(app, asks="Remove the consent of {number} to {header}?")
def remove(deployment: Deployment, account: AccountId, number: Number, header: Header) -> Answer:
    """Remove a number's consent to a header."""
    deployment.consents.remove(deployment.account(account), number, header, _BY)
    return {"removed": number, "header": header}


@verb(app)
def check(deployment: Deployment, account: AccountId, number: Number) -> Answer:
    """Show a number's consents."""
    found = deployment.consents.check(deployment.account(account), number)
    return [fields_of(each) for each in found]


@verb(app)
def import_(deployment: Deployment, account: AccountId, file: CsvFile) -> Answer:
    """Record the consents of a CSV file: number, header, source, purpose, since."""
    found, make = deployment.account(account), partial(consent_of, now_s=int(deployment.clock()))
    consents, problems = read_entries(deployment, file, COLUMNS, make)
    counted = deployment.consents.put_all(found, consents, _BY)
    # A number that was changed after its row's time keeps the later change.
    answer = {"recorded": counted, "changed_later": len(consents) - counted}
    return imported(answer, problems)


@verb(app)
def export(
    deployment: Deployment,
    account: AccountId,
    file: Annotated[Path, typer.Argument(metavar="FILE")],
) -> Answer:
    """Write all consents to a CSV file."""
    found = deployment.consents.lists.find_consents(deployment.account(account).id)
    write_rows(file, COLUMNS, map(fields_of, found))
    return {"exported": len(found), "file": str(file)}
