"""Add, list and remove an account's resources: its senders, templates and callbacks."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from cli.command import CommandRefused
from cli.deployment import Deployment
from cli.printing import Answer, Row
from harkara.base.codes import Code
from harkara.base.errors import RequestRefused
from harkara.model.fields import P, Part


def add_part(
    deployment: Deployment, account_id: str, kind: type[Part], fields: Mapping[str, Any]
) -> Row:
    """Register a resource with these fields, replacing one of the same name."""
    account, part = deployment.account(account_id), fields[kind.name_field]
    try:
        deployment.registry.replace(account, kind, part, fields)
    except RequestRefused as error:
        if error.code is not Code.NOT_FOUND:
            raise
        deployment.registry.create(account, kind, fields)
        return {"added": part}
    return {"replaced": part}


def parts_of(deployment: Deployment, account_id: str, kind: type[P]) -> list[P]:
    """Return an account's resources of a kind in the order of their names."""
    return deployment.registry.registry.find(deployment.account(account_id).id, kind)


def show_part(deployment: Deployment, account_id: str, kind: type[P], part: str) -> P:
    """Return a resource. Raises CommandRefused if there is none."""
    with named(account_id, part):
        return deployment.registry.get(deployment.account(account_id), kind, part)


def remove_part(deployment: Deployment, account_id: str, kind: type[Part], part: str) -> Answer:
    """Remove a resource. Raises CommandRefused if there is none."""
    account = deployment.account(account_id)
    with named(account_id, part):
        deployment.registry.remove(account, kind, part)
    return {"removed": part}


@contextmanager
def named(account_id: str, part: str) -> Iterator[None]:
    """Raise CommandRefused with the name of a resource that is not found."""
    try:
        yield
    except RequestRefused as error:
        if error.code is not Code.NOT_FOUND:
            raise
        raise CommandRefused(f"the account {account_id} has no {part}") from error
