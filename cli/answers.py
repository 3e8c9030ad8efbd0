"""Answers: the messages to phones that wrote STOP, START or HELP."""

from typing import Annotated

import typer

from cli.arguments import AccountId
from cli.command import noun, verb
from cli.deployment import Deployment
from cli.printing import Answer
from cli.resources import add_part, parts_of, remove_part, show_part
from harkara.manage.resources import fields_of
from harkara.model.answers import Keyword, KeywordAnswer
from harkara.model.messages import Category

app = noun()
KeywordArgument = Annotated[Keyword, typer.Argument(metavar="KEYWORD")]


@verb(app)
def add(
    deployment: Deployment,
    account: AccountId,
    keyword: KeywordArgument,
    header: Annotated[str, typer.Option(metavar="HEADER", help="The sender of the answer.")],
    category: Annotated[Category, typer.Option(help="Its category.")],
    text: Annotated[str, typer.Option(metavar="TEXT", help="Its text, as it goes out.")],
    template_id: Annotated[
        str, typer.Option(metavar="ID", help="The DLT template that the text is of.")
    ] = "",
) -> Answer:
    """Answer a keyword by a message from now on, in place of an earlier one."""
    fields = {
        "keyword": keyword,
        "header": header,
        "category": category,
        "text": text,
        "template_id": template_id,
    }
    return add_part(deployment, account, KeywordAnswer, fields)


@verb(app)
def list_(deployment: Deployment, account: AccountId) -> Answer:
    """List an account's answers."""
    return [fields_of(each) for each in parts_of(deployment, account, KeywordAnswer)]


@verb(app)
def show(deployment: Deployment, account: AccountId, keyword: KeywordArgument) -> Answer:
    """Show the answer to a keyword."""
    return fields_of(show_part(deployment, account, KeywordAnswer, keyword))


@verb(app, asks="Answer {keyword} of the account {account} no more?")
def remove(deployment: Deployment, account: AccountId, keyword: KeywordArgument) -> Answer:
    """Answer a keyword no more."""
    return remove_part(deployment, account, KeywordAnswer, keyword)
