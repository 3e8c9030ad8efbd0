"""Erase: take a person's number and texts out of all that is kept."""

from typing import Annotated

import typer

from cli.command import noun, verb
from cli.deployment import Deployment, author
from cli.finding import each_of
from cli.message_find import ForAccount
from cli.printing import Answer, Row
from harkara.manage.audit import refusals
from harkara.manage.erased import Person
from harkara.manage.erasure import counts_of
from harkara.manage.erasure_plan import plan
from harkara.model.suppressions import number_of

app = noun()


@verb(app, asks="Erase what is kept of {number}? It cannot be undone.")
def erase(
    deployment: Deployment,
    number: Annotated[str, typer.Argument(metavar="NUMBER", help="A phone number.")],
    account: ForAccount = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what there is.")] = False,
) -> Answer:
    """Erase a person's number, texts and links from messages, callbacks and lists.

    Messages that no carrier has are cancelled. Suppressions stay, so that no opt-out is forgotten.
    Counters do not change. Done again, it erases what came since; the log of each account says
    the author and the counts, under a keyed hash of the number.
    """
    with refusals():
        person = Person(number_of(number))
    service, rows = deployment.erasure, list[Row]()
    for found in each_of(deployment, account):
        each = deployment.account(found.id)  # with its callbacks
        changes = plan(service, each, person)
        counts = counts_of(changes)
        if not dry_run and (counts or account):
            service.erase(each, person, changes, author())
        kept, _ = service.lists.records(each.id, [person.number])
        shown = {**counts, **({"suppressions_kept": len(kept)} if kept else {})}
        if shown or account:
            rows.append({"account": each.id, **shown})
    return rows
