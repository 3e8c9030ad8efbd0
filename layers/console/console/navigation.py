"""The sections of the console, in the groups of the side bar."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from harkara.model.people import Role, Session

# A section is the first part of its pages' paths.
GROUPS: Mapping[str, Sequence[str]] = {
    "activity": ("today", "messages", "campaigns", "reports"),
    "sending": ("send", "test"),
    "dlt": ("templates", "senders"),
    "numbers": ("suppressions", "consents", "answers"),
    "connections": ("callbacks", "credentials", "links"),
    "account": ("settings", "users", "audit", "code"),
    "operators": ("carriers", "queues"),
}
# Pages that belong to another section.
_WITHIN = {"exports": "messages"}


class Group(NamedTuple):
    """A group of the side bar, with its sections and whether each is the one that is open."""

    name: str
    sections: Sequence[tuple[str, bool]]


def groups(roles: Mapping[str, Role], session: Session, path: str) -> list[Group]:
    """Return the sections that a person may open, given the role that each section's page needs."""
    part = path.split("/")[2]
    current = _WITHIN.get(part, part)
    found = (
        Group(group, [(name, name == current) for name in names if session.may(roles[name])])
        for group, names in GROUPS.items()
    )
    return [group for group in found if group.sections]
