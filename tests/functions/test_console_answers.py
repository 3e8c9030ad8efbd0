"""Answers in the console: set, change and clear what STOP, START and HELP get."""

import re
from typing import Any

import pytest

from harkara.model.accounts import Enforcement
from harkara.model.answers import ANSWER_CATEGORIES, Keyword
from harkara.model.messages import Category
from tests.functions.handlers import Gateway
from tests.functions.test_console_routes import ANSWER
from tests.functions.visiting_console import SURE, Page, put_samples, signed_in, visit
from tests.support.people import changes

PATH = "/console/answers"


@pytest.fixture
def cookie(gateway: Gateway) -> str:
    put_samples(gateway)
    return signed_in(gateway)


def post(gateway: Gateway, cookie: str, path: str = "", **fields: str) -> Any:
    return visit(gateway, "POST", PATH + path, fields=fields, cookie=cookie)


def answers(gateway: Gateway) -> dict[str, str]:
    found = gateway.accounts.accounts["sandbox"].answers
    return {name: each.text for name, each in found.items()}


def test_an_answer_is_set_changed_and_cleared(gateway: Gateway, cookie: str) -> None:
    before = answers(gateway)
    for path, text, left in (
        ("", "You are out.\r\nHARKARA", {**before, "stop": "You are out.\nHARKARA"}),
        ("/stop", "Bye", {**before, "stop": "Bye"}),
        ("/stop/remove", "", before),
    ):
        fields = {**ANSWER, "keyword": "stop", "text": text} if text else SURE
        assert post(gateway, cookie, path, **fields)["statusCode"] == 303
        assert answers(gateway) == left
        page = visit(gateway, "GET", PATH, cookie=cookie)["body"]
        shown = re.findall(r'<td data-label="Text">([^<]*)<', page)
        assert shown == [left.get(each, "No answer") for each in Keyword]
    logged = [(each.action, each.subject) for each in changes(gateway.people)]
    assert logged[-3:] == [(f"answer.{each}", "stop") for each in ("create", "put", "remove")]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"keyword": "stop", "header": ""}, "header"),
        ({"keyword": "stop", "text": " "}, "text"),
        ({"keyword": "stop", "template_id": "x"}, "template_id"),
        ({"keyword": "help"}, "keyword"),
        ({"keyword": "stopp"}, "keyword"),
        *(
            ({"keyword": "stop", "category": each}, "category")
            for each in Category
            if each not in ANSWER_CATEGORIES
        ),
    ],
)
def test_what_is_wrong_stands_beside_its_field(
    wrong: dict[str, str], field: str, gateway: Gateway, cookie: str
) -> None:
    before = answers(gateway)
    answer = post(gateway, cookie, **{**ANSWER, **wrong})
    assert answer["statusCode"] in (400, 409)
    (named,) = [names for _, names in Page(answer["body"]).tags if names.get("id") == field]
    assert f"{field}-problem" in str(named["aria-describedby"])
    assert answers(gateway) == before


def test_an_answer_that_acceptance_would_refuse_is_refused(gateway: Gateway, cookie: str) -> None:
    before, account = answers(gateway), gateway.accounts.accounts["sandbox"]
    strict = account.model_copy(update={"dlt": Enforcement.ENFORCE})
    gateway.accounts.accounts["sandbox"] = strict
    answer = post(gateway, cookie, **{**ANSWER, "keyword": "stop"})
    assert answer["statusCode"] == 400
    assert "this answer would be refused: " in answer["body"]
    assert "Hello HARKARA" in answer["body"]
    assert answers(gateway) == before


@pytest.mark.parametrize("role", ["viewer", "marketer"])
def test_only_admins_change_answers(role: str, gateway: Gateway, cookie: str) -> None:
    before, other = answers(gateway), signed_in(gateway, role)
    for path in ("", "/help", "/help/remove"):
        assert post(gateway, other, path, **ANSWER, keyword="stop")["statusCode"] == 403
    assert visit(gateway, "GET", f"{PATH}/new", cookie=other)["statusCode"] == 403
    assert answers(gateway) == before
    for path in (PATH, f"{PATH}/help"):
        page = visit(gateway, "GET", path, cookie=other)["body"]
        assert before["help"] in page
        assert "<button" not in page.partition("<main")[2]
