"""Answers: the messages to phones that wrote STOP, START or HELP."""

from typing import Any

from console.forms import Form
from console.pages import View
from console.screens.resources import Resource
from console.site import Answer, Screens, Visit
from harkara.model.accounts import Sender
from harkara.model.answers import ANSWER_CATEGORIES, Keyword, KeywordAnswer
from harkara.model.people import Role

SCREENS = Screens()
BASE = "/console/answers"


@SCREENS.get(BASE)
def listed(visit: Visit) -> Answer:
    """Show the answer to each keyword."""
    found = visit.services.manage.registry.page(visit.account, KeywordAnswer).parts
    answers = {each.keyword: each for each in found}
    return View("answers.html", {"rows": [(each, answers.get(each)) for each in Keyword]})


def _read(form: Form) -> dict[str, Any]:
    return {
        **{name: form.text(name) for name in ("keyword", "header", "category", "template_id")},
        "text": form.raw("text"),
    }


def _values(visit: Visit, answer: KeywordAnswer | None) -> dict[str, Any]:
    return {
        "keywords": [*Keyword],
        "categories": ANSWER_CATEGORIES,
        "headers": visit.names(Sender),
    }


Resource(KeywordAnswer, "answer", Role.ADMIN, _read, _values).add_to(SCREENS)
