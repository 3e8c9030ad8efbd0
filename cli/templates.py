"""Templates: the contents that DLT knows, from the files that its portals export."""

import math
from argparse import ArgumentTypeError, Namespace
from pathlib import Path

from cli.command import ACCOUNT, CommandRefused, PartlyRefused, Verbs
from cli.deployment import Deployment
from cli.printing import Answer
from cli.resources import parts_of, remove_part
from harkara.base.time import Deadline
from harkara.manage import template_csv
from harkara.manage.registry import RowResult, counts
from harkara.manage.resources import fields_of
from harkara.manage.template_portals import TYPES, category_of
from harkara.model.accounts import Template
from harkara.model.messages import Category

NOUN = "template"
_IN_ORDER = (RowResult.CREATED, RowResult.CHANGED, RowResult.UNCHANGED)


def add_verbs(verbs: Verbs) -> None:
    """Register import, export, list and remove."""
    importing = verbs.add("import", _import, "register the templates of a CSV file", ACCOUNT)
    importing.add_argument("file", type=Path, help="a DLT portal's export, also gzipped")
    importing.add_argument(
        "--type",
        type=_type,
        metavar="TYPE",
        help="type of rows without one, in any portal's words (Jio's files have no such column)",
    )
    exporting = verbs.add("export", _export, "write all templates to a CSV file", ACCOUNT)
    exporting.add_argument("file", type=Path)
    verbs.add("list", _list, "list an account's templates; their texts with --json", ACCOUNT)
    verbs.add("remove", _remove, "remove a template", ACCOUNT).add_argument("template_id")


def _import(deployment: Deployment, arguments: Namespace) -> Answer:
    file, account = arguments.file, deployment.account(arguments.account)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise CommandRefused(f"{file} cannot be read: {error.strerror}") from None
    deadline = Deadline(lambda: math.inf)
    report = deployment.registry.import_templates(account, content, deadline, arguments.type)
    # People need only the rows with problems, programs all rows.
    rows = [
        line._asdict()
        for line in report
        if arguments.json or line.problem or line.result not in _IN_ORDER
    ]
    answer = {**counts(report), **({"rows": rows} if rows or arguments.json else {})}
    if any(line.result is RowResult.REFUSED for line in report):
        raise PartlyRefused(
            "some rows were refused: correct them and import the file again", answer
        )
    return answer


def _type(text: str) -> Category:
    category = category_of(text)
    if category is None:
        raise ArgumentTypeError(f"use one of {', '.join(TYPES.values())}")
    return category


def _export(deployment: Deployment, arguments: Namespace) -> Answer:
    file, templates = arguments.file, parts_of(deployment, arguments.account, Template)
    try:
        file.write_bytes(template_csv.export(templates))
    except OSError as error:
        raise CommandRefused(f"{file} cannot be written: {error.strerror}") from None
    return {"exported": len(templates), "file": str(file)}


def _list(deployment: Deployment, arguments: Namespace) -> Answer:
    rows = [fields_of(template) for template in parts_of(deployment, arguments.account, Template)]
    if not arguments.json:
        for row in rows:
            del row["text"]
    return rows


def _remove(deployment: Deployment, arguments: Namespace) -> Answer:
    return remove_part(deployment, arguments.account, Template, arguments.template_id)
