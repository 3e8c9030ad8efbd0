"""Templates: the contents that DLT knows, from the files that its portals export."""

import math
from pathlib import Path
from typing import Annotated

import typer

from cli.arguments import AccountId, CsvFile
from cli.command import AsJson, PartlyRefused, noun, verb
from cli.deployment import Deployment
from cli.files import read_csv, write_csv
from cli.printing import Answer, shown
from cli.resources import parts_of, remove_part, show_part
from harkara.activity.usage import UsageService
from harkara.base.time import Deadline
from harkara.manage import template_csv
from harkara.manage.registry import RowResult, counts
from harkara.manage.resources import fields_of
from harkara.manage.template_audit import AuditService, as_csv, rows_of
from harkara.manage.template_portals import TYPES, category_of
from harkara.model.accounts import Template
from harkara.model.messages import Category

app = noun()
_IN_ORDER = (RowResult.CREATED, RowResult.CHANGED, RowResult.UNCHANGED)
_SHOWN = ("template_id", "name", "headers", "category", "pe_id")
TemplateId = Annotated[str, typer.Argument(metavar="TEMPLATE_ID")]


def _type(text: str) -> Category:
    category = category_of(text)
    if category is None:
        raise typer.BadParameter(f"use one of {', '.join(TYPES.values())}")
    return category


@verb(app)
def import_(
    deployment: Deployment,
    account: AccountId,
    file: CsvFile,
    type_: Annotated[
        Category | None,
        typer.Option(
            "--type",
            parser=_type,
            metavar="TYPE",
            help="Type of rows without one, in any portal's words (Jio's files have no column).",
        ),
    ] = None,
    as_json: AsJson = False,
) -> Answer:
    """Register the templates of a CSV file, which a DLT portal exported; also gzipped."""
    content, deadline = read_csv(deployment, file), Deadline(lambda: math.inf)
    report = deployment.registry.import_templates(
        deployment.account(account), content, deadline, type_
    )
    # People need only the rows with problems, programs all rows.
    rows = [
        line._asdict() for line in report if as_json or line.problem or line.result not in _IN_ORDER
    ]
    answer = {**counts(report), **({"rows": rows} if rows or as_json else {})}
    if any(line.result is RowResult.REFUSED for line in report):
        raise PartlyRefused(
            "some rows were refused: correct them and import the file again", answer
        )
    return answer


@verb(app)
def export(
    deployment: Deployment,
    account: AccountId,
    file: Annotated[Path, typer.Argument(metavar="FILE")],
) -> Answer:
    """Write all templates to a CSV file."""
    templates = parts_of(deployment, account, Template)
    write_csv(file, template_csv.export(templates))
    return {"exported": len(templates), "file": str(file)}


@verb(app)
def audit(
    deployment: Deployment,
    account: AccountId,
    file: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Write the marks to a CSV file.")
    ] = None,
    as_json: AsJson = False,
) -> Answer:
    """Mark what India's operators refuse in templates, or soon will, and say what to do."""
    usage = UsageService(deployment.activity, deployment.messages, deployment.clock)
    service = AuditService(deployment.registry.registry, usage)
    audited = service.audit(deployment.account(account))
    rows = rows_of(audited)
    if file:
        write_csv(file, as_csv(audited))
        return {"audited": len(audited), "marks": len(rows), "file": str(file)}
    return shown(rows, ("template_id", "rule", "advice", "source"), as_json=as_json)


@verb(app)
def list_(deployment: Deployment, account: AccountId, as_json: AsJson = False) -> Answer:
    """List an account's templates; their texts with --json."""
    rows = [fields_of(template) for template in parts_of(deployment, account, Template)]
    return shown(rows, _SHOWN, as_json=as_json)


@verb(app)
def show(deployment: Deployment, account: AccountId, template_id: TemplateId) -> Answer:
    """Show a template with its text."""
    return fields_of(show_part(deployment, account, Template, template_id))


@verb(app, asks="Remove the template {template_id} of the account {account}?")
def remove(deployment: Deployment, account: AccountId, template_id: TemplateId) -> Answer:
    """Remove a template."""
    return remove_part(deployment, account, Template, template_id)
