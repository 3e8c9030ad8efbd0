"""Suppressions: numbers that get no messages of some kind from an account."""

import csv
import io
from argparse import Namespace
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from cli.command import ACCOUNT, CommandRefused, PartlyRefused, UsageError, Verbs
from cli.deployment import Deployment
from cli.printing import Answer
from harkara.base.errors import FieldRefused
from harkara.model.messages import Category
from harkara.model.routing import Routing
from harkara.model.suppressions import (
    EVERY_CATEGORY,
    Source,
    Suppression,
    fields_of,
    suppression_of,
)

NOUN = "suppression"
COLUMNS = ("number", "source", "categories", "preferences", "since")
THREADS = 16


def add_verbs(verbs: Verbs) -> None:
    """Register set, add, remove, check, import and export."""
    count = verbs.add("set", _set, "switch an account's suppression lists on or off", ACCOUNT)
    which = count.add_mutually_exclusive_group()
    which.add_argument("--on", dest="suppression", action="store_true", default=None)
    which.add_argument("--off", dest="suppression", action="store_false")
    count.add_argument(
        "--promotion",
        type=int,
        metavar="0-8",
        help="DND preference that its promotional messages match; 0: unknown",
    )
    add = verbs.add("add", _add, "suppress a number", ACCOUNT)
    add.add_argument("number")
    add.add_argument(
        "--categories",
        nargs="+",
        choices=[*Category, EVERY_CATEGORY],
        help="categories to opt out of (default: all but otp and transactional)",
    )
    add.add_argument(
        "--dnd", nargs="+", type=int, metavar="0-8", help="preferences of a DND registration"
    )
    remove = verbs.add("remove", _remove, "remove a number's entries", ACCOUNT)
    remove.add_argument("number")
    remove.add_argument("--source", choices=[*Source], help="remove only the entry of this source")
    verbs.add("check", _check, "show a number's entries", ACCOUNT).add_argument("number")
    importing = verbs.add("import", _import, "suppress the numbers of a CSV file", ACCOUNT)
    importing.add_argument("file", type=Path, help=f"columns: {', '.join(COLUMNS)}")
    exporting = verbs.add("export", _export, "write all entries to a CSV file", ACCOUNT)
    exporting.add_argument("file", type=Path)


def _set(deployment: Deployment, arguments: Namespace) -> Answer:
    values = {
        name: value
        for name in ("suppression", "promotion")
        if (value := getattr(arguments, name)) is not None
    }
    if not values:
        raise UsageError("say --on, --off or --promotion")
    account = deployment.account(arguments.account)
    routing = deployment.operator.change_routing(
        account.id, lambda routing: Routing.model_validate({**routing.model_dump(), **values})
    )
    return {
        "account": account.id,
        "suppression": routing.suppression,
        "promotion": routing.promotion,
    }


def _add(deployment: Deployment, arguments: Namespace) -> Answer:
    fields: dict[str, Any] = {"number": arguments.number}
    if arguments.categories:
        fields["categories"] = arguments.categories
    if arguments.dnd is not None:
        fields |= {"source": Source.DND, "preferences": arguments.dnd}
    entry = deployment.suppressions.add(deployment.account(arguments.account), fields)
    return {"suppressed": entry.number, "source": entry.source}


def _remove(deployment: Deployment, arguments: Namespace) -> Answer:
    sources = [Source(arguments.source)] if arguments.source else [*Source]
    deployment.suppressions.remove(deployment.account(arguments.account), arguments.number, sources)
    return {"removed": arguments.number}


def _check(deployment: Deployment, arguments: Namespace) -> Answer:
    found = deployment.suppressions.check(deployment.account(arguments.account), arguments.number)
    return [_row(entry) for entry in found]


def _import(deployment: Deployment, arguments: Namespace) -> Answer:
    file, account = arguments.file, deployment.account(arguments.account)
    try:
        content = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise CommandRefused(f"{file} cannot be read: name a CSV file in UTF-8") from None
    rows = csv.DictReader(io.StringIO(content, newline=""))
    names = {*(rows.fieldnames or ())}
    if "number" not in names or not names <= {*COLUMNS}:
        raise CommandRefused(f"the first line of {file} must name {', '.join(COLUMNS)}")
    problems: list[dict[str, Any]] = []
    entries = _entries(rows, int(deployment.clock()), problems)
    with ThreadPoolExecutor(THREADS) as pool:
        existing = [*pool.map(partial(deployment.suppressions.lists.put, account.id), entries)]
    # A number that was changed after its row's time keeps the later change.
    answer = {"suppressed": sum(existing), "changed_later": existing.count(False)}
    if problems:
        refused = {**answer, "refused": len(problems), "rows": problems}
        raise PartlyRefused("some rows were refused: correct them and import them", refused)
    return answer


def _export(deployment: Deployment, arguments: Namespace) -> Answer:
    file, account = arguments.file, deployment.account(arguments.account)
    found = deployment.suppressions.lists.find(account.id)
    content = io.StringIO(newline="")
    writer = csv.DictWriter(content, COLUMNS)
    writer.writeheader()
    writer.writerows(map(_row, found))
    try:
        file.write_text(content.getvalue(), "utf-8", newline="")
    except OSError as error:
        raise CommandRefused(f"{file} cannot be written: {error.strerror}") from None
    return {"exported": len(found), "file": str(file)}


def _entries(
    rows: Iterable[dict[str, Any]], now_s: int, problems: list[dict[str, Any]]
) -> Iterator[Suppression]:
    """Yield the entries of valid rows; add the others with their error to `problems`."""
    for line, row in enumerate(rows, 2):
        cells = {name: value.strip() for name, value in row.items() if name and value}
        fields: dict[str, Any] = {name: value for name, value in cells.items() if value}
        try:
            for name, kind in (("categories", str), ("preferences", _preference)):
                if fields.get(name):
                    fields[name] = [kind(each) for each in fields[name].replace(";", " ").split()]
            yield suppression_of(fields, now_s)
        except FieldRefused as error:
            problems.append({"row": line, "problem": str(error)})


def _preference(text: str) -> Any:
    return int(text) if text.isdecimal() and len(text) == 1 else text


def _row(entry: Suppression) -> dict[str, Any]:
    """Return an entry as a row of a file, with lists in one cell."""
    return {
        name: " ".join(map(str, value)) if isinstance(value, list) else value
        for name, value in fields_of(entry).items()
    }
