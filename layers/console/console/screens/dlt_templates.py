"""DLT templates: list and filter, register by hand or by CSV, change, remove, try a text."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from aws_lambda_powertools.event_handler import Response

from console.forms import Form, Problem, problem_of
from console.guard import HEADERS
from console.pages import View
from console.screens.resources import Resource
from console.site import Answer, Screens, Visit
from harkara.accept.template_index import index_of
from harkara.base.codes import MEANINGS, Code
from harkara.base.errors import RequestRefused
from harkara.dlt.mismatch import Mismatch
from harkara.dlt.templates import VARIABLE, fold
from harkara.manage.registry import counts
from harkara.manage.resources import advice_on
from harkara.manage.template_portals import category_of
from harkara.model.accounts import Sender, Template
from harkara.model.messages import Category
from harkara.model.people import Role
from harkara.text.segments import first_outside_gsm, measure

SCREENS = Screens()
BASE = "/console/templates"
SHOWN = 50
READ = 1_000
# Templates that one page looks through for those that its filter lets pass.
SEARCHED = 5_000
REPORT_SHOWN = 500
TEXT_LIMIT = 4_000


class Filter(NamedTuple):
    """The templates to show: of a header, a type, with or without a warning."""

    header: str = ""
    category: str = ""
    status: str = ""

    def admits(self, template: Template) -> bool:
        """Return whether a template is to be shown."""
        if self.header and self.header not in template.headers:
            return False
        if self.category and self.category != template.category:
            return False
        return not self.status or (self.status == "warned") == bool(advice_on(template))


@SCREENS.get(BASE)
def listed(visit: Visit) -> Answer:
    """List the templates that a filter admits, a page at a time."""
    chosen = Filter(visit.query("header"), visit.query("category"), visit.query("status"))
    after = visit.query("after")[:64]
    found, next_id = _found(visit, chosen, after)
    marks = visit.services.manage.audit.marks(visit.account, found)
    shown = [
        {"template": each, "advice": advice_on(each), "marks": own}
        for each, own in zip(found, marks, strict=True)
    ]
    values = {
        "rows": shown,
        "chosen": chosen,
        "next": next_id,
        "headers": visit.names(Sender),
        "categories": [*Category],
        "after": after,
    }
    return View("templates.html", values)


@SCREENS.get(f"{BASE}/file")
def file(visit: Visit) -> Answer:
    """Send all templates as a CSV file."""
    content = visit.services.manage.registry.export_templates(visit.account)
    headers = {**HEADERS, "Content-Disposition": 'attachment; filename="templates.csv"'}
    return Response(200, "text/csv; charset=utf-8", content, headers)


@SCREENS.get(f"{BASE}/upload", Role.MARKETER)
def upload_form(visit: Visit) -> Answer:
    """Show the form for a CSV file."""
    return _upload()


@SCREENS.post(f"{BASE}/upload", Role.MARKETER)
def upload(visit: Visit) -> Answer:
    """Register the templates of a CSV file; report on each row."""
    content = visit.form.files.get("file", b"")
    try:
        if not content.strip():
            raise RequestRefused(Code.INVALID_CSV, "(a file with a row at least)")
        report = visit.services.manage.registry.import_templates(
            visit.account, content, visit.deadline, category_of(visit.form.text("category"))
        )
    except RequestRefused as refused:
        return _upload(visit.form.text("category"), problem_of(refused)._replace(field="file"))
    found = counts(report)
    visit.record("template.import", " ".join(f"{name}={n}" for name, n in found.items()))
    # What needs somebody's eyes comes first.
    rows = sorted(report, key=lambda row: not row.problem)
    values = {"counts": found, "rows": rows[:REPORT_SHOWN], "left_out": len(rows) - REPORT_SHOWN}
    return View("templates_report.html", values)


@SCREENS.get(f"{BASE}/try")
def try_form(visit: Visit) -> Answer:
    """Show the form for a text to try."""
    given = {"header": visit.query("header"), "template_id": visit.query("template_id"), "text": ""}
    return _tried(visit, given)


@SCREENS.post(f"{BASE}/try", Role.VIEWER)
def try_text(visit: Visit) -> Answer:
    """Compare a text with the templates, and show the character at which it departs."""
    names = ("header", "template_id")
    given = {name: visit.form.text(name) for name in names}
    text = fold(visit.form.raw("text"))[:TEXT_LIMIT]
    given["text"] = text
    if not text.strip():
        return _tried(visit, given, problem=Problem("text", MEANINGS[Code.EMPTY_TEXT].advice))
    account = visit.services.send.authenticator.accounts.account(visit.account.id) or visit.account
    index = index_of(account)
    known = index.entry(given["template_id"]) if given["template_id"] else None
    if given["template_id"] and known is None:
        problem = Problem("template_id", MEANINGS[Code.TEMPLATE_NOT_REGISTERED].advice)
        return _tried(visit, given, problem=problem)
    mismatch: Mismatch | None
    if known:
        mismatch = index.diff(known.dlt_template_id, text)
        found = None if mismatch else known
    else:
        # Without a header, the templates of all.
        every = {each for part in account.templates.values() for each in part.headers}
        headers = [given["header"]] if given["header"] else ["", *sorted(every)]
        found = next(filter(None, (index.find(text, each) for each in headers)), None)
        mismatch = None if found else index.nearest(text, given["header"])
    measured, odd = measure(text), first_outside_gsm(text)
    nearest = index.entry(mismatch.dlt_template_id) if mismatch else None
    result = {
        "found": found,
        "mismatch": mismatch,
        "nearest": nearest,
        "before": text[: mismatch.position] if mismatch else text,
        "at": text[mismatch.position : mismatch.position + 1] if mismatch else "",
        "after": text[mismatch.position + 1 :] if mismatch else "",
        "measure": measured,
        "odd": None if odd is None else {"place": odd + 1, "character": text[odd]},
    }
    return _tried(visit, given, result)


def parts_of(content: str) -> Iterator[tuple[bool, str]]:
    """Yield a content's pieces with whether each is a variable, to be shown apart."""
    place = 0
    for match in VARIABLE.finditer(content):
        yield False, content[place : match.start()]
        yield True, match[0]
        place = match.end()
    yield False, content[place:]


def _found(visit: Visit, chosen: Filter, after: str) -> tuple[list[Template], str]:
    """Return up to SHOWN templates, and the id after which the next page begins, "" for none."""
    found: list[Template] = []
    read = SHOWN + 1 if chosen == Filter() else READ
    for _ in range(-(-SEARCHED // read)):
        page = visit.services.manage.registry.page(visit.account, Template, after, read)
        for part in page.parts:
            if chosen.admits(part):
                if len(found) == SHOWN:
                    return found, found[-1].dlt_template_id
                found.append(part)
        if page.next_name is None:
            return found, ""
        after = page.next_name
    return found, after


def _read(form: Form) -> dict[str, Any]:
    return {
        **{name: form.text(name) for name in ("template_id", "name", "category", "pe_id")},
        "headers": form.text("headers").replace(",", " ").split(),
        "text": form.raw("text"),
    }


def _values(visit: Visit, template: Template | None) -> dict[str, Any]:
    return {
        "pieces": [*parts_of(template.text)] if template else [],
        "advice": advice_on(template) if template else [],
        "categories": [*Category],
    }


Resource(Template, "template", Role.MARKETER, _read, _values).add_to(SCREENS)


def _upload(category: str = "", problem: Problem | None = None) -> View:
    values = {"categories": [*Category], "given": {"category": category}, "problem": problem}
    return View("templates_upload.html", values, 400 if problem else 200)


def _tried(
    visit: Visit,
    given: dict[str, str],
    result: dict[str, Any] | None = None,
    problem: Problem | None = None,
) -> View:
    values = {
        "given": given,
        "result": result,
        "problem": problem,
        "headers": visit.names(Sender),
    }
    return View("templates_try.html", values, 400 if problem else 200)
