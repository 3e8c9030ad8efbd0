"""Suppressions and consents: find a number, list them, add and remove entries.

A number stands in no URL and in no entry of the audit log: what is searched for is posted.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from console import pages
from console.forms import form_view, problem_of
from console.pages import View
from console.site import Answer, Screens, Visit
from harkara.base.codes import Code
from harkara.base.errors import FieldRefused, RequestRefused
from harkara.manage.audit import refusals
from harkara.model import consents, suppressions
from harkara.model.accounts import Account, Sender
from harkara.model.consents import ConsentSource
from harkara.model.people import Role
from harkara.model.suppressions import EVERY_PROMOTION, Source

SCREENS = Screens()
SUPPRESSIONS = "/console/suppressions"
CONSENTS = "/console/consents"
SHOWN = 50
AFTER_LIMIT = 64
# An opt-out at a carrier is known from the carrier alone.
SOURCES = (Source.OPT_OUT, Source.DND)
Rows = Sequence[Mapping[str, Any]]


@SCREENS.get(SUPPRESSIONS, Role.MARKETER)
def list_suppressions(visit: Visit) -> Answer:
    """List the numbers that get no messages of some kind, a page at a time."""
    found = visit.services.manage.suppressions.page(visit.account, _after(visit), SHOWN)
    rows = [suppressions.fields_of(each) for each in found.entries]
    return _suppressions(visit, rows, next_number=found.next_number)


@SCREENS.post(f"{SUPPRESSIONS}/find", Role.MARKETER)
def find_suppressions(visit: Visit) -> Answer:
    """Show the entries of a number, or the next page."""
    if _after(visit):
        return list_suppressions(visit)
    service = visit.services.manage.suppressions
    rows, refused = _found(visit, service.check, suppressions.fields_of)
    return _suppressions(visit, rows, refused, searched=visit.form.text("searched"))


@SCREENS.post(SUPPRESSIONS, Role.MARKETER)
def add_suppression(visit: Visit) -> Answer:
    """Suppress a number. With DND it gets no promotion of any kind."""
    source = visit.form.text("source")
    fields: dict[str, Any] = {"number": visit.form.text("number"), "source": source}
    if source == Source.DND:
        fields["preferences"] = [EVERY_PROMOTION]
    try:
        with refusals():
            if source not in SOURCES:
                raise FieldRefused("source", f"one of {', '.join(SOURCES)}")
        visit.services.manage.suppressions.add(visit.account, fields)
    except RequestRefused as refused:
        return _suppressions(visit, (), refused)
    visit.record("suppression.put", source)
    return pages.redirect(f"{SUPPRESSIONS}?done=created")


@SCREENS.post(f"{SUPPRESSIONS}/remove", Role.ADMIN)
def remove_suppression(visit: Visit) -> Answer:
    """Remove a number's entry: the person gets messages again."""
    visit.confirm("remove")
    source = visit.form.text("source")
    if source not in [*Source]:
        raise RequestRefused(Code.NOT_FOUND)
    number, service = visit.form.text("number"), visit.services.manage.suppressions
    service.remove(visit.account, number, [Source(source)])
    visit.record("suppression.remove", source)
    return pages.redirect(f"{SUPPRESSIONS}?done=removed")


@SCREENS.get(CONSENTS, Role.MARKETER)
def list_consents(visit: Visit) -> Answer:
    """List the numbers that agreed to promotional messages of a header, a page at a time."""
    found = visit.services.manage.consents.page(visit.account, _after(visit), SHOWN)
    rows = [consents.fields_of(each) for each in found.entries]
    return _consents(visit, rows, next_number=found.next_number)


@SCREENS.post(f"{CONSENTS}/find", Role.MARKETER)
def find_consents(visit: Visit) -> Answer:
    """Show the consents of a number, or the next page."""
    if _after(visit):
        return list_consents(visit)
    service = visit.services.manage.consents
    rows, refused = _found(visit, service.check, consents.fields_of)
    return _consents(visit, rows, refused, searched=visit.form.text("searched"))


@SCREENS.post(CONSENTS, Role.MARKETER)
def add_consent(visit: Visit) -> Answer:
    """Record a number's consent to a header. The service notes it in the audit log."""
    fields = {name: visit.form.text(name) for name in ("number", "header", "source", "purpose")}
    try:
        visit.services.manage.consents.add(visit.account, fields, visit.actor)
    except RequestRefused as refused:
        return _consents(visit, (), refused)
    return pages.redirect(f"{CONSENTS}?done=created")


@SCREENS.post(f"{CONSENTS}/remove", Role.ADMIN)
def remove_consent(visit: Visit) -> Answer:
    """Remove a number's consent to a header."""
    visit.confirm("remove")
    number, header = visit.form.text("number"), visit.form.text("header")
    visit.services.manage.consents.remove(visit.account, number, header, visit.actor)
    return pages.redirect(f"{CONSENTS}?done=removed")


def _found(
    visit: Visit,
    check: Callable[[Account, str], Sequence[Any]],
    fields_of: Callable[[Any], Mapping[str, Any]],
) -> tuple[Rows, RequestRefused | None]:
    """Return a number's entries, and the refusal of a text that is no number."""
    try:
        return [fields_of(each) for each in check(visit.account, visit.form.text("searched"))], None
    except RequestRefused as refused:
        return (), None if refused.code is Code.NOT_FOUND else refused


def _suppressions(
    visit: Visit, rows: Rows, refused: RequestRefused | None = None, **shown: Any
) -> View:
    return _view("suppressions", SOURCES, visit, rows, refused, **shown)


def _consents(
    visit: Visit, rows: Rows, refused: RequestRefused | None = None, **shown: Any
) -> View:
    shown["headers"] = visit.names(Sender)
    return _view("consents", [*ConsentSource], visit, rows, refused, **shown)


def _view(
    kind: str,
    sources: Sequence[str],
    visit: Visit,
    rows: Rows,
    refused: RequestRefused | None,
    searched: str = "",
    **shown: Any,
) -> View:
    names = ("number", "source", "header", "purpose")
    problem = problem_of(refused) if refused else None
    if problem and "searched" in visit.form.fields:
        problem = problem._replace(field="searched")
    values = {
        "kind": kind,
        "sources": sources,
        "rows": rows,
        "searched": searched,
        "given": {name: visit.form.text(name) for name in names},
        "problem": problem,
        "is_first": not _after(visit),
        "next_number": None,
        **shown,
    }
    return form_view("numbers.html", values, refused)


def _after(visit: Visit) -> str:
    return visit.form.text("after")[:AFTER_LIMIT]
