"""Find messages of an account, or of all."""

from typing import Annotated

import typer

from cli.arguments import key_name
from cli.command import AsJson
from cli.deployment import Deployment
from cli.finding import Filters, asked, each_of
from cli.printing import Answer, Row, shown
from harkara.activity.filters import PAGE_LIMIT, MessageFilter

ForAccount = Annotated[
    str | None,
    typer.Option(
        "--account", metavar="ACCOUNT", parser=key_name, help="One account (default: all of them)."
    ),
]
COLUMNS = ("account", "accepted_at", "mid", "to", "sender", "state", "code")


def find(
    deployment: Deployment,
    filters: Filters,
    account: ForAccount = None,
    limit: Annotated[
        int, typer.Option(min=1, max=10_000, help="How many of an account at most.")
    ] = 50,
    as_json: AsJson = False,
) -> Answer:
    """Find messages and refused records, of the last day or of up to 31 days; newest first.

    They are listed a second or two after they were accepted.
    """
    query = asked(MessageFilter, filters)
    rows: list[Row] = []
    for each in each_of(deployment, account):
        found: list[Row] = []
        page, more = query, True
        while more and len(found) < limit:
            size = min(PAGE_LIMIT, limit - len(found))
            answer = deployment.search.page(each, page.model_copy(update={"limit": size}))
            found += [{"account": each.id, **message} for message in answer["messages"]]
            page = query.model_copy(update={"after": answer["next"] or ""})
            more = answer["next"] is not None
        rows += found
    return shown(rows, COLUMNS, as_json=as_json)
