"""Senders: the headers (sender ids) that DLT knows an account by."""

from typing import Annotated

import typer

from cli.arguments import AccountId
from cli.command import noun, verb
from cli.deployment import Deployment
from cli.printing import Answer
from cli.resources import add_part, parts_of, remove_part, show_part
from harkara.manage.resources import advice_on, fields_of
from harkara.model.accounts import Sender
from harkara.model.fields import read
from harkara.model.messages import Category

app = noun()
Header = Annotated[str, typer.Argument(metavar="HEADER")]


@verb(app)
def add(
    deployment: Deployment,
    account: AccountId,
    header: Header,
    categories: Annotated[
        list[Category],
        typer.Option(help="Its categories; the first one is for messages that name none."),
    ],
    pe_id: Annotated[str, typer.Option(metavar="ID", help="Id of the entity that owns it.")] = "",
    callback: Annotated[str, typer.Option(metavar="ID", help="Callback of its messages.")] = "",
) -> Answer:
    """Register a header, or replace it."""
    fields = {"header": header, "categories": categories, "pe_id": pe_id, "callback": callback}
    added = add_part(deployment, account, Sender, fields)
    advice = "; ".join(advice_on(read(Sender, fields)))
    return {**added, "warning": advice} if advice else added


@verb(app)
def list_(deployment: Deployment, account: AccountId) -> Answer:
    """List an account's headers."""
    return [fields_of(sender) for sender in parts_of(deployment, account, Sender)]


@verb(app)
def show(deployment: Deployment, account: AccountId, header: Header) -> Answer:
    """Show a header."""
    return fields_of(show_part(deployment, account, Sender, header))


@verb(app, asks="Remove the header {header} of the account {account}?")
def remove(deployment: Deployment, account: AccountId, header: Header) -> Answer:
    """Remove a header."""
    return remove_part(deployment, account, Sender, header)
