"""What senders, templates and callbacks have in common: they are parts of an account."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from cli.command import CommandRefused
from cli.deployment import Desk
from cli.printing import Answer, Row
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.manage.resources import KINDS
from harkara.model.operator_records import P, Part


def add_part(desk: Desk, account_id: str, kind: type[Part], fields: Mapping[str, Any]) -> Row:
    """Register a part of these fields, in place of the one of its name where there is one."""
    account, part = desk.account(account_id), fields[KINDS[kind].name_field]
    try:
        desk.registry.replace(account, kind, part, fields)
    except RequestRefused as error:
        if error.code is not Code.NOT_FOUND:
            raise
        desk.registry.create(account, kind, fields)
        return {"added": part}
    return {"replaced": part}


def parts_of(desk: Desk, account_id: str, kind: type[P]) -> list[P]:
    """Return an account's parts of a kind in the order of their names."""
    return desk.registry.registry.find(desk.account(account_id).id, kind)


def remove_part(desk: Desk, account_id: str, kind: type[Part], part: str) -> Answer:
    """Take a part out. Raises CommandRefused where there is none."""
    account = desk.account(account_id)
    with named(account_id, part):
        desk.registry.remove(account, kind, part)
    return {"removed": part}


@contextmanager
def named(account_id: str, part: str) -> Iterator[None]:
    """Say of what is not found which it is. Raises CommandRefused."""
    try:
        yield
    except RequestRefused as error:
        if error.code is not Code.NOT_FOUND:
            raise
        raise CommandRefused(f"the account {account_id} has no {part}") from error
