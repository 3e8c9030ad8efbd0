"""Answers: the messages to phones that wrote STOP, START or HELP."""

from typing import Any
from urllib.parse import quote, unquote

from console import pages
from console.forms import Form, problem_of
from console.pages import View
from console.site import Answer, Screens, Visit
from harkara.base.codes import MEANINGS, Code
from harkara.base.errors import RequestRefused
from harkara.manage.resources import fields_of
from harkara.model.accounts import Sender
from harkara.model.answers import ANSWER_CATEGORIES, Keyword, KeywordAnswer
from harkara.model.fields import name_of
from harkara.model.people import Role

SCREENS = Screens()
BASE = "/console/answers"
_FIELDS = {Code.ALREADY_EXISTS: "keyword"}


@SCREENS.get(BASE)
def listed(visit: Visit) -> Answer:
    """Show the answer to each keyword."""
    found = visit.services.manage.registry.page(visit.account, KeywordAnswer).parts
    answers = {each.keyword: each for each in found}
    rows = [(keyword, answers.get(keyword)) for keyword in Keyword]
    return View("answers.html", {"rows": rows, "done": visit.query("done")})


@SCREENS.get(f"{BASE}/new", Role.ADMIN)
def new(visit: Visit) -> Answer:
    """Show an empty form, for the keyword of the query."""
    return _form(visit, {**_fields_of(Form()), "keyword": visit.query("keyword")}, None)


@SCREENS.post(BASE, Role.ADMIN)
def create(visit: Visit) -> Answer:
    """Answer a keyword from now on."""
    fields = {**_fields_of(visit.form), "keyword": visit.form.text("keyword")}
    try:
        part = visit.services.manage.registry.create(visit.account, KeywordAnswer, fields)
    except RequestRefused as refused:
        return _form(visit, fields, None, refused)
    visit.record("answer.create", name_of(part))
    return pages.redirect(f"{BASE}?done=created")


@SCREENS.get(f"{BASE}/<name>")
def show(visit: Visit, name: str) -> Answer:
    """Show an answer in its form."""
    part = visit.services.manage.registry.get(visit.account, KeywordAnswer, unquote(name))
    return _form(visit, fields_of(part), part)


@SCREENS.post(f"{BASE}/<name>", Role.ADMIN)
def replace(visit: Visit, name: str) -> Answer:
    """Change an answer."""
    registry, keyword = visit.services.manage.registry, unquote(name)
    part = registry.get(visit.account, KeywordAnswer, keyword)
    fields = {**_fields_of(visit.form), "keyword": keyword}
    try:
        registry.replace(visit.account, KeywordAnswer, keyword, fields)
    except RequestRefused as refused:
        if refused.code is Code.NOT_FOUND:
            raise
        return _form(visit, fields, part, refused)
    visit.record("answer.put", keyword)
    return pages.redirect(f"{BASE}/{quote(keyword, safe='')}?done=changed")


@SCREENS.post(f"{BASE}/<name>/remove", Role.ADMIN)
def remove(visit: Visit, name: str) -> Answer:
    """Answer a keyword no more."""
    visit.services.manage.registry.remove(visit.account, KeywordAnswer, unquote(name))
    visit.record("answer.remove", unquote(name))
    return pages.redirect(f"{BASE}?done=removed")


def _fields_of(form: Form) -> dict[str, Any]:
    return {
        **{name: form.text(name) for name in ("header", "category", "template_id")},
        "text": form.raw("text"),
    }


def _form(
    visit: Visit,
    given: dict[str, Any],
    part: KeywordAnswer | None,
    refused: RequestRefused | None = None,
) -> View:
    senders = visit.services.manage.registry.page(visit.account, Sender).parts
    values = {
        "given": given,
        "answer": part,
        "keywords": [*Keyword],
        "categories": ANSWER_CATEGORIES,
        "headers": [each.header for each in senders],
        "problem": problem_of(refused, _FIELDS) if refused else None,
        "done": visit.query("done"),
    }
    return View("answer.html", values, MEANINGS[refused.code].http_status if refused else 200)
